"""Token embeddings as mixtures of other tokens' embeddings.

After WECHSEL (Minixhofer, Paischer and Rekabsaz 2022): each token of both tokenizers gets a vector in the aligned word
space; a new token's embedding is a mixture of the embeddings of the source tokens with the nearest vectors.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor
from torch.nn.functional import embedding_bag
from transformers import PreTrainedTokenizerFast

from crosswiki.bert.models import Classifier
from crosswiki.bert.shares import draw
from crosswiki.bert.tokenization import continued_words, divide_words
from crosswiki.embeddings.search import nearest
from crosswiki.embeddings.spelling import Spelling
from crosswiki.embeddings.vectors import WordVectors, unit

if TYPE_CHECKING:
    from scipy.sparse import csr_array

HUBNESS_NEIGHBOURS = 10  # k of CSLS, as in MUSE


def token_vectors(tokenizer: PreTrainedTokenizerFast, words: WordVectors, vectors: Tensor) -> Tensor:
    """Give each token the mean vector of the words that contain it, weighted by their counts.

    Args:
        tokenizer: of the words' language.
        words: the words and their counts.
        vectors: the words' vectors, [words, dim].

    Returns:
        Rows of unit length, zeros for tokens that are in no word; [tokens, dim].
    """
    total = torch.zeros(len(tokenizer), vectors.shape[1], dtype=torch.float64)
    counts = torch.from_numpy(words.vocabulary.counts).double().clamp(min=1)  # 0: known from published vectors alone
    pieces = divide_words(tokenizer, words.vocabulary.words)
    for forms in (pieces[: len(counts)], pieces[len(counts) :]):
        token = torch.tensor([piece for row in forms for piece in row], dtype=torch.int64)
        word = torch.tensor([place for place, row in enumerate(forms) for _ in row], dtype=torch.int64)
        total.index_add_(0, token, vectors[word].double() * counts[word, None])
    total[tokenizer.all_special_ids] = 0
    return unit(total).float()


def piece_vectors(
    tokenizer: PreTrainedTokenizerFast, pieces: PreTrainedTokenizerFast, words: WordVectors, vectors: Tensor
) -> Tensor:
    """Vectors of the tokens of an extended tokenizer (`extend_tokenizer`).

    A token that the extended tokenizer finds in no word gets the vector that it has in the trained tokenizer, `pieces`:
    the extended one keeps most words whole, so few of its subwords occur in words.

    Returns:
        As `token_vectors`.
    """
    whole, parts = token_vectors(tokenizer, words, vectors), token_vectors(pieces, words, vectors)
    for token, place in pieces.get_vocab().items():
        row = tokenizer.convert_tokens_to_ids(token)
        if not whole[row].any():
            whole[row] = parts[place]
    for row, first in continued_words(tokenizer).items():
        whole[row] = whole[first]
    return whole


def mix_embeddings(
    embeddings: Tensor,
    source: Tensor,
    other: Tensor,
    neighbours: int,
    temperature: float,
    itself: bool = True,
    spelling: Spelling | None = None,
    translations: "csr_array | None" = None,
) -> Tensor:
    """Mix source tokens' embeddings for each new token, with the weights softmax(CSLS / temperature) of the nearest.

    This differs from WECHSEL in four points (docs/results.md has their effects). CSLS replaces the cosine, so that hubs
    are not in every mixture. Similar spelling adds to the similarity, and so does a known translation. A mixture has
    the mean length of the embeddings in it; their plain mean would be shorter, as it averages directions.

    Args:
        embeddings: of the source's tokens, [source tokens, hidden].
        source: the source tokens' vectors, rows of unit length, [source tokens, dim].
        other: the new tokens' vectors, rows of unit length, [tokens, dim].
        neighbours: how many source tokens are mixed.
        temperature: of the softmax.
        itself: whether source token i may be in the mixture of new token i.
        spelling: of the same tokens; its similarity is added to CSLS.
        translations: added to CSLS; not 0 for known translations, [tokens, source tokens].

    Returns:
        [tokens, hidden].
    """

    def likeness(rows: slice, columns: slice) -> Tensor:
        added = other.new_zeros(len(other[rows]), len(source[columns]))
        if spelling:
            added += spelling.likeness(rows, columns)
        if translations is not None:
            added += torch.from_numpy(translations[rows, columns].toarray())
        if not itself:
            added.diagonal(rows.start - columns.start).fill_(-torch.inf)
        return added

    found = nearest(other, source, HUBNESS_NEIGHBOURS, neighbours, likeness)
    weights = (found.similarity / temperature).softmax(1)
    lengths = (weights * embeddings.norm(dim=1)[found.rows]).sum(1, keepdim=True)
    return unit(weighted_sum(embeddings, found.rows, weights)) * lengths


def weighted_sum(embeddings: Tensor, rows: Tensor, weights: Tensor) -> Tensor:
    """For each token, the sum of some embeddings by weight, without a copy of them: these would not fit in memory.

    Args:
        embeddings: [source tokens, hidden].
        rows: which of them each token's sum has, [tokens, terms].
        weights: of these, [tokens, terms].

    Returns:
        [tokens, hidden].
    """
    return embedding_bag(rows, embeddings, mode="sum", per_sample_weights=weights)


def mean_embeddings(embeddings: Tensor, translations: "csr_array") -> Tensor:
    """Average source tokens' embeddings for each new token; the result has their mean length.

    Args:
        embeddings: of the source's tokens, [source tokens, hidden].
        translations: 1 for each source token in the mean, at least one in each row, [tokens, source tokens].

    Returns:
        [tokens, hidden].
    """
    times = torch.from_numpy(translations.sum(axis=1))[:, None]
    total = torch.from_numpy(translations @ embeddings.numpy())
    lengths = torch.from_numpy(translations @ embeddings.norm(dim=1, keepdim=True).numpy()) / times
    return unit(total) * lengths


@contextmanager
def reading_mixtures(
    classifier: Classifier, vectors: Tensor, probability: float, neighbours: int, temperature: float
) -> Iterator[None]:
    """While the block trains a classifier, replace some input embeddings by mixtures of their neighbours' embeddings.

    A transplanted model reads such mixtures only. A classifier that was trained on mixtures of its own tokens (each
    without the token itself) loses less when it is transplanted. No parameter is added.

    Args:
        classifier: embeddings are replaced in its training mode only, not when it predicts.
        vectors: `token_vectors` of its tokenizer; tokens without a vector are not replaced.
        probability: mean probability of replacement; each text draws its own from 0 to twice as much.
        neighbours: see `mix_embeddings`.
        temperature: see `mix_embeddings`.
    """
    layer = classifier.model.get_input_embeddings()
    texts = (
        1 if classifier.model.config.model_type == "xlnet" else 0
    )  # the dimension of the texts at the embedding layer
    mixed, known = layer.weight.detach().clone(), vectors.any(1)
    if probability > 0 and known.sum() > 1:
        places = known.nonzero()[:, 0]
        known_vectors = vectors[places]
        mixed[places] = mix_embeddings(
            mixed[places], known_vectors, known_vectors, neighbours, temperature, itself=False
        )

    ids = torch.zeros(0)

    def keep_ids(_: torch.nn.Module, inputs: tuple[Any, ...]) -> None:
        nonlocal ids
        ids = inputs[0]  # before `only_rows_read` renumbers them

    def replace_embeddings(module: torch.nn.Module, _: tuple[Any, ...], embedded: Tensor) -> Tensor:
        nonlocal mixed, known
        if not module.training:
            return embedded
        mixed, known = mixed.to(ids.device), known.to(ids.device)
        # Drawn from the global generator, as dropout is, whose state is in the training's checkpoints.
        shares = 2 * probability * draw(ids.shape[texts : texts + 1], 0, ids.device)
        shares = shares[None] if texts else shares[:, None]
        chosen = (draw(ids.shape, texts, ids.device) < shares) & known[ids]
        return torch.where(chosen[..., None], mixed[ids].to(embedded.dtype), embedded)

    hooks = (
        [layer.register_forward_pre_hook(keep_ids), layer.register_forward_hook(replace_embeddings)]
        if probability > 0
        else []
    )
    try:
        yield
    finally:
        for hook in hooks:
            hook.remove()
