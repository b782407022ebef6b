"""An orthogonal map between two word-vector spaces, refined without labels.

Procrustes: Schönemann 1966; Xing et al. 2015 (unit vectors). Refinement by mutual nearest neighbours under CSLS, and
its stopping criterion: Lample et al. 2018 (MUSE), equations 6 and 7 and sections 2 and 3.
"""

from dataclasses import dataclass

import torch
from torch import Tensor

from crosswiki.embeddings.search import hubness, most_similar, nearest
from crosswiki.embeddings.spelling import Spelling
from crosswiki.embeddings.vectors import unit
from crosswiki.pipeline.errors import UserError

MIN_GAIN = 1e-4  # of mean cosine, below which refinement stops


@dataclass(frozen=True)
class Pairs:
    """Translation pairs as row numbers: word `other[i]` translates word `source[i]`."""

    source: Tensor  # int64, [pairs]
    other: Tensor  # int64, [pairs]

    def __len__(self) -> int:
        """The number of pairs."""
        return len(self.source)


def standardise(vectors: Tensor) -> Tensor:
    """Scale to unit length, centre, and scale again (Artetxe et al. 2018), as an orthogonal map needs it."""
    scaled = unit(vectors)
    return unit(scaled - scaled.mean(0))


def orthogonal_map(source: Tensor, other: Tensor, weights: Tensor) -> Tensor:
    """Find the orthogonal W that minimises the weighted sum of ‖other · W − source‖² (Schönemann 1966).

    Args:
        source: one row for each pair, [pairs, dim].
        other: their translations, [pairs, dim].
        weights: of the pairs, [pairs].

    Returns:
        W, [dim, dim]; W·Wᵀ is the identity.
    """
    left, _, right = torch.linalg.svd((weights[:, None] * other.double()).mT @ source.double())
    return (left @ right).to(source.dtype)


@dataclass(frozen=True)
class Translations:
    """For each word of both languages, the row number of the nearest word of the other one."""

    of_source: Tensor  # int64, [source words]
    of_other: Tensor  # int64, [other words]

    def mutual(self) -> Pairs:
        """The pairs of words of which each is the nearest of the other."""
        others = torch.arange(len(self.of_other))
        mutual = self.of_source[self.of_other] == others
        return Pairs(source=self.of_other[mutual], other=others[mutual])


def translate(source: Tensor, other: Tensor, neighbours: int, spelling: Spelling | None = None) -> Translations:
    """Find each row's nearest row of the other language under CSLS and spelling; rows of unit length in one space."""
    there, back = (spelling.turned().likeness, spelling.likeness) if spelling else (None, None)
    return Translations(
        of_source=nearest(source, other, neighbours, 1, there).rows[:, 0],
        of_other=nearest(other, source, neighbours, 1, back).rows[:, 0],
    )


def mutual_neighbours(source: Tensor, other: Tensor, neighbours: int, spelling: Spelling | None = None) -> Pairs:
    """The mutual pairs of `translate`."""
    return translate(source, other, neighbours, spelling).mutual()


@dataclass(frozen=True)
class Fit:
    """A map, and the figures of its refinement."""

    mapping: Tensor  # W of `orthogonal_map`
    rounds: int  # of refinement
    mean_cosine: float  # see `translated_cosine`


def translated_cosine(source: Tensor, other: Tensor, neighbours: int) -> float:
    """Mean cosine of words with their CSLS translations: an unsupervised criterion of a map's fit (MUSE, section 3)."""
    best = nearest(other, source, neighbours, 1).rows[:, 0]
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

    Each round learns from the seeds and from the mutual nearest neighbours among the most frequent words. Refinement
    stops when the mean cosine (`translated_cosine`) grows no more, and the best round is kept.

    Args:
        source: standardised vectors, the most frequent word first, [source words, dim].
        other: the same of the other language, [other words, dim].
        seeds: known translations.
        weights: of the seeds, [seeds]; pairs that refinement finds have the weight 1.
        rounds: of refinement, at most.
        refine_words: number of most frequent words of each language that refinement and its criterion use.
        neighbours: k of CSLS.
        spelling: of all words; refinement uses it to find pairs, the criterion does not.

    Raises:
        UserError: the languages' vectors have different numbers of dimensions.
    """
    if source.shape[1] != other.shape[1]:
        raise UserError(
            f"align: the word vectors of the source have {source.shape[1]} dimensions, the others {other.shape[1]}: "
            "an orthogonal map needs as many: skipgram.pretrained's, or else skipgram.ensemble × skipgram.dim"
        )
    frequent = source[:refine_words], other[:refine_words]
    frequent_spelling = spelling and spelling.only(slice(refine_words), slice(refine_words))

    def fit_of(mapping: Tensor, round_number: int) -> Fit:
        return Fit(mapping, round_number, translated_cosine(frequent[0], frequent[1] @ mapping, neighbours))

    best = fit_of(orthogonal_map(source[seeds.source], other[seeds.other], weights), 0)
    while best.rounds < rounds:
        found = mutual_neighbours(frequent[0], frequent[1] @ best.mapping, neighbours, frequent_spelling)
        pairs = Pairs(torch.cat([seeds.source, found.source]), torch.cat([seeds.other, found.other]))
        pair_weights = torch.cat([weights, weights.new_ones(len(found))])
        refined = fit_of(orthogonal_map(source[pairs.source], other[pairs.other], pair_weights), best.rounds + 1)
        if refined.mean_cosine < best.mean_cosine + MIN_GAIN:
            break
        best = refined
    return best


def precision(source: Tensor, mapped: Tensor, gold: Pairs, neighbours: int, at: tuple[int, ...]) -> dict[int, float]:
    """Precision at k: the share of the words in `gold` with a translation among their k best words under CSLS.

    Args:
        source: unit vectors, [source words, dim].
        mapped: unit vectors in the same space, [other words, dim].
        gold: held-out pairs; a word of `gold.other` may have several translations.
        neighbours: k of CSLS.
        at: the values of k.
    """
    words = gold.other.unique()
    hubs = hubness(source, mapped, neighbours)  # of all words, not only of the queries
    best = most_similar(mapped[words], source, max(at), hubs).rows
    translations = {int(word): set(gold.source[gold.other == word].tolist()) for word in words}
    hits = [[int(row) in translations[int(word)] for row in rows] for word, rows in zip(words, best, strict=True)]
    return {k: sum(any(row[:k]) for row in hits) / max(len(hits), 1) for k in at}
