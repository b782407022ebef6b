"""Embeddings of tokens as mixtures of other tokens' embeddings, by the vectors of the words that they are part of.

After WECHSEL (Minixhofer, Paischer and Rekabsaz 2022): each token of either tokenizer gets a vector in the aligned
word space; a new token's embedding is a mixture of those of the source tokens whose vectors are nearest to its own.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import numpy
import torch
from torch import Tensor
from transformers import PreTrainedTokenizerFast

from crosswiki.bert.models import Classifier
from crosswiki.bert.tokenization import continued_words, divide_words
from crosswiki.embeddings.alignment import ROWS, mean_similarity
from crosswiki.embeddings.spelling import Spelling
from crosswiki.embeddings.vectors import WordVectors, unit

if TYPE_CHECKING:
    from scipy.sparse import csr_array

HUBNESS_NEIGHBOURS = 10  # k of CSLS, as in MUSE


def token_vectors(tokenizer: PreTrainedTokenizerFast, words: WordVectors, vectors: Tensor) -> Tensor:
    """Give each token the mean vector of the words that it is a part of, weighted by how often they occur.

    Args:
        tokenizer: of the words' language.
        words: the words and their counts.
        vectors: the words' vectors, [words, dim].

    Returns:
        [tokens, dim], rows of unit length; zeros for tokens that are in no word.
    """
    total = torch.zeros(len(tokenizer), vectors.shape[1], dtype=torch.float64)
    counts = torch.from_numpy(words.vocabulary.counts).double()
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
    """Vectors of the tokens that `extend_tokenizer` has put together: of words, and where there is none, of pieces.

    A piece's words are those that its own tokenizer divides into it: the extended one has most of them whole.

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
    """Mix source tokens' embeddings for each new token: weights softmax(CSLS / temperature) over the nearest.

    Four departures from WECHSEL (docs/results.md has what they are worth): CSLS in place of the cosine, so that hubs do
    not take part in every mixture; what is spelled alike is nearer; so is what is known to be a translation; and a
    mixture is as long as its parts are on average, where a mean of many directions is short.

    Args:
        embeddings: of the source's tokens, [source tokens, hidden].
        source: vectors of those of the source's tokens that have one, rows of unit length, [source tokens, dim].
        other: the same of the new tokens, [tokens, dim].
        neighbours: how many source tokens are mixed.
        temperature: of the softmax.
        itself: whether row i of `source` may take part in row i of `other`.
        spelling: of the same tokens; what its likeness says is added to CSLS.
        translations: what is added for pairs of them that are known translations, [tokens, source tokens].

    Returns:
        [tokens, hidden].
    """
    if len(other) == 0:
        return embeddings.new_zeros(0, embeddings.shape[1])
    hubness = mean_similarity(source, other, HUBNESS_NEIGHBOURS)
    lengths = embeddings.norm(dim=1)
    mixed = []
    for places in torch.arange(len(other)).split(ROWS):
        likeness = 2 * other[places] @ source.mT - hubness
        if spelling:
            likeness += spelling.likeness(places)
        if translations is not None:
            pairs = translations[places.numpy()].tocoo()
            row, column = (torch.from_numpy(at.astype(numpy.int64)) for at in pairs.coords)
            likeness[row, column] += torch.from_numpy(pairs.data)
        if not itself:
            likeness[torch.arange(len(places)), places] = -torch.inf
        nearest = likeness.topk(min(neighbours, len(source) - (not itself)), dim=1)
        weights = (nearest.values / temperature).softmax(1)
        mixture = torch.einsum("tk,tkh->th", weights, embeddings[nearest.indices])
        mixed.append(unit(mixture) * (weights * lengths[nearest.indices]).sum(1, keepdim=True))
    return torch.cat(mixed)


def mean_embeddings(embeddings: Tensor, translations: "csr_array") -> Tensor:
    """Average source tokens' embeddings for each new token, as long as they are on average.

    Args:
        embeddings: of the source's tokens, [source tokens, hidden].
        translations: 1 where a source token takes part, at least one in each row, [tokens, source tokens].

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
    """While the block trains a classifier, have it read some tokens as mixtures of their neighbours.

    In another language it will read little else. A classifier that has met the mixtures of its own tokens, each
    without itself, while it learnt, takes the others' with less loss; the parameters are no more than before.

    Args:
        classifier: in whose training mode tokens are exchanged; nothing changes when it predicts.
        vectors: what `token_vectors` gives for its tokenizer; tokens without a vector stay.
        probability: of a token, on average; each text has its own, evenly from none to twice as many.
        neighbours: see `mix_embeddings`.
        temperature: see `mix_embeddings`.
    """
    layer = classifier.model.get_input_embeddings()
    texts = 1 if classifier.model.config.model_type == "xlnet" else 0  # the dimension that texts lie along in there
    mixed, known = layer.weight.detach().clone(), vectors.any(1)
    if probability > 0 and known.sum() > 1:
        places = known.nonzero()[:, 0]
        own = vectors[places]
        mixed[places] = mix_embeddings(mixed[places], own, own, neighbours, temperature, itself=False)

    ids = torch.zeros(0)

    def remember(_: torch.nn.Module, inputs: tuple[Any, ...]) -> None:
        nonlocal ids
        ids = inputs[0]  # before a training gives them other numbers (`only_rows_read`)

    def exchange(module: torch.nn.Module, _: tuple[Any, ...], embedded: Tensor) -> Tensor:
        nonlocal mixed, known
        if not module.training:
            return embedded
        mixed, known = mixed.to(ids.device), known.to(ids.device)
        # Drawn from the generator that dropout draws from, which a training's checkpoints keep.
        shares = 2 * probability * torch.rand(ids.shape[texts], device=ids.device)
        shares = shares[None] if texts else shares[:, None]
        chosen = (torch.rand(ids.shape, device=ids.device) < shares) & known[ids]
        return torch.where(chosen[..., None], mixed[ids].to(embedded.dtype), embedded)

    hooks = (
        [layer.register_forward_pre_hook(remember), layer.register_forward_hook(exchange)] if probability > 0 else []
    )
    try:
        yield
    finally:
        for hook in hooks:
            hook.remove()
