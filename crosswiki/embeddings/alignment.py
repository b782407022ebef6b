"""An orthogonal map between two word-vector spaces, refined without labels.

Procrustes: Schönemann 1966; Xing et al. 2015 (unit vectors). Refinement by mutual nearest neighbours under CSLS, and
when it ends: Lample et al. 2018 (MUSE), equations 6 and 7 and sections 2 and 3.
"""

from dataclasses import dataclass

import torch
from torch import Tensor

from crosswiki.embeddings.spelling import Spelling
from crosswiki.embeddings.vectors import unit

ROWS = 256  # of a similarity matrix that are in memory at a time: fewer page faults than larger blocks
LEAST_GAIN = 1e-4  # of mean cosine, for which another round of refinement is kept


@dataclass(frozen=True)
class Pairs:
    """Translation pairs as row numbers: `source[i]` and `other[i]` mean the same."""

    source: Tensor  # int64, [pairs]
    other: Tensor  # int64, [pairs]

    def __len__(self) -> int:
        """The number of pairs."""
        return len(self.source)


def standardise(vectors: Tensor) -> Tensor:
    """Unit length, then zero mean, then unit length again (Artetxe et al. 2018): what an orthogonal map fits best."""
    scaled = unit(vectors)
    return unit(scaled - scaled.mean(0))


def orthogonal_map(source: Tensor, other: Tensor, weights: Tensor) -> Tensor:
    """Find the orthogonal W with the least weighted sum of ‖other · W − source‖² (Schönemann 1966).

    Args:
        source: one row for each pair, [pairs, dim].
        other: their translations, [pairs, dim].
        weights: of the pairs, [pairs].

    Returns:
        W, [dim, dim]; W·Wᵀ is the identity.
    """
    left, _, right = torch.linalg.svd((weights[:, None] * other.double()).mT @ source.double())
    return (left @ right).to(source.dtype)


def mean_similarity(queries: Tensor, keys: Tensor, neighbours: int) -> Tensor:
    """Compute r of MUSE's equation 6: each query's mean cosine with its nearest keys; rows are of unit length.

    Returns:
        One number a query, [queries].
    """
    k = min(neighbours, len(keys))
    return torch.cat([(rows @ keys.mT).topk(k, dim=1).values.mean(1) for rows in queries.split(ROWS)])


def nearest(queries: Tensor, keys: Tensor, neighbours: int, best: int, spelling: Spelling | None = None) -> Tensor:
    """The best keys for each query under CSLS, 2cos(x, y) − r(x) − r(y) (MUSE, equation 7); rows of unit length.

    Args:
        queries: [queries, dim].
        keys: [keys, dim].
        neighbours: k of the mean similarities.
        best: how many keys are wanted.
        spelling: of the keys (as its source) and the queries; what its likeness says is added.

    Returns:
        Row numbers of keys, the best first, [queries, best]. A query's own r does not change its order.
    """
    hubness = mean_similarity(keys, queries, neighbours)
    found = []
    for places in torch.arange(len(queries)).split(ROWS):
        likeness = 2 * queries[places] @ keys.mT - hubness
        if spelling:
            likeness += spelling.likeness(places)
        found.append(likeness.topk(min(best, len(keys)), dim=1).indices)
    return torch.cat(found)


@dataclass(frozen=True)
class Translations:
    """The nearest word of the other language for each word of both, as row numbers."""

    of_source: Tensor  # int64, [source words]
    of_other: Tensor  # int64, [other words]

    def mutual(self) -> Pairs:
        """The pairs that are each other's."""
        own = torch.arange(len(self.of_other))
        mutual = self.of_source[self.of_other] == own
        return Pairs(source=self.of_other[mutual], other=own[mutual])


def translate(source: Tensor, other: Tensor, neighbours: int, spelling: Spelling | None = None) -> Translations:
    """Find each row's nearest on the other side under CSLS, and spelling; rows of unit length in one space."""
    return Translations(
        of_source=nearest(source, other, neighbours, 1, spelling.turned() if spelling else None)[:, 0],
        of_other=nearest(other, source, neighbours, 1, spelling)[:, 0],
    )


def mutual_neighbours(source: Tensor, other: Tensor, neighbours: int, spelling: Spelling | None = None) -> Pairs:
    """Pairs of rows that are each other's nearest; the arguments are those of `translate`."""
    return translate(source, other, neighbours, spelling).mutual()


@dataclass(frozen=True)
class Fit:
    """A map, and how it came about."""

    mapping: Tensor  # W of `orthogonal_map`
    rounds: int  # of refinement that it has
    mean_cosine: float  # see `translated_cosine`


def translated_cosine(source: Tensor, other: Tensor, neighbours: int) -> float:
    """Mean cosine of words with their translations under CSLS: how well a map fits, by no label (MUSE, section 3)."""
    best = nearest(other, source, neighbours, 1)[:, 0]
    return float((other * source[best]).sum(1).mean())


def align(
    source: Tensor,
    other: Tensor,
    seeds: Pairs,
    weights: Tensor,
    rounds: int,
    refine_words: int,
    neighbours: int,
    spelling: Spelling | None = None,
) -> Fit:
    """Map `other` onto `source`: Procrustes on a dictionary, then refinement.

    Each round takes the mutual nearest neighbours among the most frequent words as its dictionary, beside the seeds. It
    ends when the words of the other language come no nearer to their translations, and the best round is kept.

    Args:
        source: standardised vectors, the most frequent word first, [source words, dim].
        other: the same of the other language, [other words, dim].
        seeds: known translations.
        weights: of the seeds, [seeds]; a pair that refinement finds weighs 1.
        rounds: of refinement at most.
        refine_words: so many of the most frequent words of each language take part in it, and judge it.
        neighbours: k of CSLS.
        spelling: of all words; what is spelled alike is nearer when a dictionary is taken, but not when it is judged.
    """
    frequent = source[:refine_words], other[:refine_words]
    spelled = spelling and spelling.only(slice(refine_words), slice(refine_words))

    def judged(mapping: Tensor, done: int) -> Fit:
        return Fit(mapping, done, translated_cosine(frequent[0], frequent[1] @ mapping, neighbours))

    best = judged(orthogonal_map(source[seeds.source], other[seeds.other], weights), 0)
    while best.rounds < rounds:
        found = mutual_neighbours(frequent[0], frequent[1] @ best.mapping, neighbours, spelled)
        pairs = Pairs(torch.cat([seeds.source, found.source]), torch.cat([seeds.other, found.other]))
        everything = torch.cat([weights, weights.new_ones(len(found))])
        refined = judged(orthogonal_map(source[pairs.source], other[pairs.other], everything), best.rounds + 1)
        if refined.mean_cosine < best.mean_cosine + LEAST_GAIN:
            break
        best = refined
    return best


def precision(source: Tensor, mapped: Tensor, gold: Pairs, neighbours: int, at: tuple[int, ...]) -> dict[int, float]:
    """Of the words in `gold`, the share for which one of the k best under CSLS is one of its translations.

    Args:
        source: unit vectors, [source words, dim].
        mapped: unit vectors in the same space, [other words, dim].
        gold: held-out pairs; a word may have several translations.
        neighbours: k of CSLS.
        at: the k of "precision at k".
    """
    words = gold.other.unique()
    hubness = mean_similarity(source, mapped, neighbours)  # over all words, not over the queries alone
    best = torch.cat(
        [
            (2 * mapped[rows] @ source.mT - hubness).topk(min(max(at), len(source)), dim=1).indices
            for rows in words.split(ROWS)
        ]
    )
    translations = {int(word): set(gold.source[gold.other == word].tolist()) for word in words}
    hits = [[int(row) in translations[int(word)] for row in rows] for word, rows in zip(words, best, strict=True)]
    return {k: sum(any(row[:k]) for row in hits) / max(len(hits), 1) for k in at}
