"""Methods of initialising a new tokenizer's token embeddings: one function each, listed in `INITIALISATIONS`.

All methods get the same word vectors in one space, so only the methods differ. `transplant` copies the special tokens
with every method, and draws the embeddings that a method leaves out.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy
import torch
from torch import Tensor
from transformers import PreTrainedTokenizerFast

from crosswiki.bert.linear_map import blend, predict_embeddings
from crosswiki.bert.mixtures import mean_embeddings, mix_embeddings, weighted_sum
from crosswiki.bert.translations import Translations, translated_tokens, word_counts
from crosswiki.corpora.text import without_marks
from crosswiki.embeddings.search import most_similar
from crosswiki.embeddings.spelling import compare_spelling
from crosswiki.embeddings.vectors import unit
from crosswiki.pipeline.parameters_of_models import Transplant

if TYPE_CHECKING:
    from scipy.sparse import csr_array

ROWS = 256  # of new tokens, whose similarities to all anchors are in memory at a time


@dataclass(frozen=True)
class Tokens:
    """The input of a method: both languages' tokens."""

    source: PreTrainedTokenizerFast
    other: PreTrainedTokenizerFast
    embeddings: Tensor  # of the source's tokens, [source tokens, hidden]
    source_vectors: Tensor  # of unit length, zeros for a token without a vector, [source tokens, dim]
    other_vectors: Tensor  # the same in the same space, [new tokens, dim]
    translations: Translations


@dataclass(frozen=True)
class Initialised:
    """The result of a method; a token that is both in `copied` and in `mixed` is copied."""

    copied: dict[int, int]  # from the id of a new token to the id of the source token
    mixed: Tensor  # ids of the new tokens whose embeddings are mixtures, int64, [mixed]
    rows: Tensor  # those embeddings, [mixed, hidden]


def csls_mixtures(tokens: Tokens, settings: Transplant) -> Initialised:
    """This project's method: WECHSEL with four changes (`mix_embeddings`), and copied tokens (`alike_tokens`).

    Mixtures are turned towards what a learned map makes of the same vectors (`predict_embeddings`). A token without a
    vector but with known translations (`translated_tokens`) gets the mean of their embeddings. At last words are drawn
    towards their likeliest translations (`shrink_towards_translations`).
    """
    known, usable = tokens.other_vectors.any(1), tokens.source_vectors.any(1)
    copied = alike_tokens(tokens.source, tokens.other, known, settings.copied_min_length)
    new = known.clone()
    new[list(copied)] = False
    spelled = (texts_of(tokens.source, usable), texts_of(tokens.other, new))
    translated = weigh_translations(tokens, settings)[:, usable.numpy()]
    translated_only = torch.from_numpy(translated.sum(axis=1) > 0) & ~known
    mixed = mix_embeddings(
        tokens.embeddings[usable],
        tokens.source_vectors[usable],
        tokens.other_vectors[new],
        settings.neighbours,
        settings.temperature,
        spelling=compare_spelling(*spelled, settings.spelling_weight),
        translations=translated[new.numpy()],
    )
    if settings.map_share:
        given = tokens.embeddings[usable], tokens.source_vectors[usable], tokens.other_vectors[new]
        mixed = blend(mixed, predict_embeddings(*given), settings.map_share)
    equal = (translated[translated_only.numpy()] > 0).astype(numpy.float32)
    means = mean_embeddings(tokens.embeddings[usable], equal)
    made = Initialised(
        copied, torch.cat([new.nonzero()[:, 0], translated_only.nonzero()[:, 0]]), torch.cat([mixed, means])
    )
    return shrink_towards_translations(made, tokens, settings.lexicon_prior) if settings.lexicon_prior else made


def shrink_towards_translations(made: Initialised, tokens: Tokens, prior: float) -> Initialised:
    """Draw words' embeddings towards their likeliest translations', the more the rarer the words are.

    A word that the text has `count` times keeps count / (prior + count) of its embedding, and has the rest of the mean
    embedding of its translation's tokens. Words that stand in like company, as good and bad do, have like vectors and
    so like mixtures; a dictionary keeps them apart.

    Args:
        made: by the vectors; a word that it lacks has its translation's embedding.
        tokens: of both languages.
        prior: how many times a word must be read to say as much as its translation.
    """
    translated = translated_tokens(tokens.source, tokens.other, tokens.translations.likeliest)
    ids = torch.from_numpy(translated.sum(axis=1) > 0).nonzero()[:, 0]
    meanings = mean_embeddings(tokens.embeddings, translated[ids.numpy()])
    rows = tokens.embeddings.new_zeros(len(tokens.other), tokens.embeddings.shape[1])
    rows[made.mixed] = made.rows
    rows[list(made.copied)] = tokens.embeddings[list(made.copied.values())]
    before = rows[ids]
    kept = 1 - prior / (prior + word_counts(tokens.other, tokens.translations.counts)[ids, None])
    kept[~before.any(1)] = 0
    length, meant = (side.norm(dim=1, keepdim=True) for side in (before, meanings))
    shrunk = unit(kept * before + (1 - kept) * meanings) * (kept * length + (1 - kept) * meant)
    rest, drawn = ~torch.isin(made.mixed, ids), set(ids.tolist())
    return Initialised(
        {place: token for place, token in made.copied.items() if place not in drawn},
        torch.cat([made.mixed[rest], ids]),
        torch.cat([made.rows[rest], shrunk]),
    )


def weigh_translations(tokens: Tokens, settings: Transplant) -> "csr_array":
    """What is added to the similarity of tokens that translate each other, [new tokens, source tokens]."""
    weight, share = settings.dictionary_weight, settings.lemma_share
    known = tokens.translations
    exact = translated_tokens(tokens.source, tokens.other, known.dictionary if weight else [])
    by_lemma = translated_tokens(tokens.source, tokens.other, known.by_lemma if weight and share else [])
    return (exact * weight).maximum(by_lemma * (weight * share))


def wechsel(tokens: Tokens, settings: Transplant) -> Initialised:
    """WECHSEL (Minixhofer, Paischer and Rekabsaz 2022, section 3), with the numbers of its section 4.

    A new token's embedding is the mean of those of the 10 source tokens with the highest cosine, weighted by
    softmax(cosine / 0.1). The paper makes tokens' vectors from fastText's n-grams. Skip-gram has none; for that case
    the paper takes the mean vector of the words that contain the token, weighted by their counts (`token_vectors`).
    Only special tokens are copied.
    """
    known, usable = tokens.other_vectors.any(1), tokens.source_vectors.any(1)
    embeddings, keys = tokens.embeddings[usable], tokens.source_vectors[usable]
    found = most_similar(tokens.other_vectors[known], keys, 10)
    weights = (found.similarity / 0.1).softmax(1)
    return Initialised({}, known.nonzero()[:, 0], weighted_sum(embeddings, found.rows, weights))


def focus(tokens: Tokens, settings: Transplant) -> Initialised:
    """FOCUS (Dobler and de Melo 2023, section 2): tokens in both vocabularies are copied, and are anchors of the rest.

    A new token's embedding is a mixture of the anchors' embeddings, weighted by sparsemax(cosine) in an auxiliary space
    of the new language. The paper trains fastText on tokens for that space; here it is the space of the word vectors,
    and the anchors are those shared tokens that have a vector.
    """
    known, names = tokens.other_vectors.any(1), tokens.source.get_vocab()
    copied = {place: names[token] for token, place in sorted(tokens.other.get_vocab().items()) if token in names}
    anchors = torch.tensor([place for place in copied if known[place]], dtype=torch.int64)
    if len(anchors) == 0:
        return Initialised(copied, anchors, tokens.embeddings.new_zeros(0, tokens.embeddings.shape[1]))
    embeddings = tokens.embeddings[[copied[place] for place in anchors.tolist()]]
    new = known.clone()
    new[anchors] = False
    mixed = [embeddings.new_zeros(0, embeddings.shape[1])]
    for vectors in tokens.other_vectors[new].split(ROWS):
        mixed.append(sparsemax(vectors @ tokens.other_vectors[anchors].mT) @ embeddings)
    return Initialised(copied, new.nonzero()[:, 0], torch.cat(mixed))


def random(tokens: Tokens, settings: Transplant) -> Initialised:
    """A control: no embedding is initialised, so `transplant` draws all of them; only the encoder is transferred."""
    hidden = tokens.embeddings.shape[1]
    return Initialised({}, torch.zeros(0, dtype=torch.int64), tokens.embeddings.new_zeros(0, hidden))


def mean(tokens: Tokens, settings: Transplant) -> Initialised:
    """A control: every token gets the mean of the source's embeddings."""
    ids = torch.arange(len(tokens.other))
    return Initialised({}, ids, tokens.embeddings.mean(0).expand(len(ids), -1))


INITIALISATIONS: dict[str, Callable[[Tokens, Transplant], Initialised]] = {
    "csls_mixtures": csls_mixtures,
    "wechsel": wechsel,
    "focus": focus,
    "random": random,
    "mean": mean,
}


def sparsemax(scores: Tensor) -> Tensor:
    """Project rows onto the probability simplex (Martins and Astudillo 2016, algorithm 1): like softmax, with zeros.

    Args:
        scores: [rows, columns].

    Returns:
        Non-negative weights that sum to 1 in each row, [rows, columns].
    """
    ordered = scores.sort(dim=1, descending=True).values
    beyond = ordered.cumsum(1) - 1
    place = torch.arange(1, scores.shape[1] + 1, device=scores.device)
    support = (place * ordered > beyond).sum(1, keepdim=True)
    return (scores - beyond.gather(1, support - 1) / support).clamp(min=0)


def texts_of(tokenizer: PreTrainedTokenizerFast, chosen: Tensor) -> list[str]:
    """The spelling, without the tokenizer's marks, of the tokens for which `chosen`, [tokens], is true."""
    return [text.strip() for text in tokenizer.batch_decode(chosen.nonzero().tolist())]


def alike_tokens(
    source: PreTrainedTokenizerFast, other: PreTrainedTokenizerFast, has_vector: Tensor, copied_length: int
) -> dict[int, int]:
    """New tokens that are spelled like a source token, and whose embedding is copied from it.

    They are tokens without a letter (digits, punctuation), long tokens (mostly names and borrowed words), and tokens
    without a vector, which cannot be mixed. Marks make no difference: électron is copied from electron, since most
    uncased models of English strip them.

    Args:
        source: the source's tokenizer.
        other: the new tokenizer.
        has_vector: whether each new token has a vector, [new tokens].
        copied_length: tokens with at least so many letters are copied.

    Returns:
        From the id of a new token to the id of the source token.
    """
    known = source.get_vocab()
    return {
        place: known[spelling]
        for token, place in other.get_vocab().items()
        if (spelling := token if token in known else without_marks(token)) in known
        and (not (letters := sum(map(str.isalpha, token))) or letters >= copied_length or not has_vector[place])
    }
