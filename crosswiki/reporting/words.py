"""Words across languages: the nearest ones, and a map of those that are each other's nearest everywhere."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy
from numpy.typing import NDArray
from scipy.stats import rankdata
from sklearn.decomposition import PCA

from crosswiki.embeddings.alignment import mutual_neighbours, nearest
from crosswiki.embeddings.vectors import WordVectors
from crosswiki.pipeline.parameters import Role
from crosswiki.reporting.tables import spread

FREQUENT = 2000  # the examples of nearest words are among this many of the most frequent ones
MAPPED, SKIPPED = 3000, 100  # the map's; the first hundred are words such as "the", which mean little on a map
CSLS = 10


@dataclass(frozen=True)
class Place:
    """A word on the map, which goes from 0 to 1 both ways."""

    word: str
    x: float
    y: float


Thing = dict[Role, Place]  # what has a word in each language


def neighbours(source: WordVectors, other: WordVectors, words: int, best: int) -> dict[str, list[str]]:
    """Some frequent words, each with its nearest source words under CSLS.

    Words that the source spells alike are left out: they were in the seed dictionary.

    Args:
        source: of the source, as `load_aligned` gives them.
        other: of another language, in the same space.
        words: how many are shown; they are spread evenly over the frequent ones.
        best: source words for each.
    """
    frequent, known = other.vocabulary.words[:FREQUENT], source.vocabulary.ids
    for least in (4, 2, 1):  # short words mean little, but a Chinese word is seldom longer than two characters
        places = [i for i, word in enumerate(frequent) if len(word) >= least and word.isalpha() and word not in known]
        if len(places) >= words:
            break
    # Of all frequent words: CSLS needs them to find the source words that are near to everything.
    found = nearest(other.vectors[: len(frequent)], source.vectors, CSLS, best)
    return {frequent[i]: [source.vocabulary.words[row] for row in found[i].tolist()] for i in spread(places, words)}


def word_map(vectors: Mapping[Role, WordVectors], most: int) -> list[Thing]:
    """Choose words that are each other's nearest in all languages, and place them by their two main directions.

    The closest come first.

    Args:
        vectors: every role's, in one space, rows of unit length.
        most: things at most.
    """
    things = translations(vectors)
    if len(vectors) < 2 or len(things) < 2:
        return []
    rows = numpy.array([[vectors[role].vectors[thing[role]].tolist() for role in vectors] for thing in things])
    closest = numpy.argsort(-numpy.linalg.norm(rows.sum(1), axis=1), kind="stable")[:most]
    rows = rows[closest]
    directions = PCA(2, svd_solver="full").fit(rows.mean(1))
    points = _in_frame(directions.transform(rows.reshape(-1, rows.shape[-1]))).reshape(*rows.shape[:2], 2)
    return [
        {
            role: Place(vectors[role].vocabulary.words[things[place][role]], *corner)
            for role, corner in zip(vectors, corners, strict=True)
        }
        for place, corners in zip(closest.tolist(), points.tolist(), strict=True)
    ]


def translations(vectors: Mapping[Role, WordVectors]) -> list[dict[Role, int]]:
    """Row numbers of words that are mutual nearest neighbours (CSLS) between the source and every other language.

    Words that the source spells alike are left out: they were in the seed dictionary.
    """
    source = vectors["source"]
    known = source.vocabulary.words[:MAPPED]
    partners: dict[Role, dict[int, int]] = {"source": {row: row for row in range(len(known))}}
    for role in [role for role in vectors if role != "source"]:
        words = vectors[role].vocabulary.words
        pairs = mutual_neighbours(source.vectors[:MAPPED], vectors[role].vectors[:MAPPED], CSLS)
        mutual = zip(pairs.source.tolist(), pairs.other.tolist(), strict=True)
        partners[role] = {row: other for row, other in mutual if words[other] != known[row] and words[other].isalpha()}
    skipped = SKIPPED if len(known) > 2 * SKIPPED else 0
    shared = [row for row in range(skipped, len(known)) if all(row in found for found in partners.values())]
    long = [row for row in shared if len(known[row]) >= 4 and known[row].isalpha()] or shared
    return [{role: found[row] for role, found in partners.items()} for row in long]


def _in_frame(points: NDArray[numpy.float64]) -> NDArray[numpy.float64]:
    """Stretch points over the frame, half of the way by their ranks: the middle would be too full."""
    even = (points - points.min(0)) / numpy.maximum(numpy.ptp(points, axis=0), 1e-9)
    ranks = (rankdata(points, method="ordinal", axis=0) - 1) / max(len(points) - 1, 1)
    return 0.5 * even + 0.5 * ranks
