"""Words across languages: the nearest ones, and a map of those that are each other's nearest everywhere."""

from collections.abc import Mapping

import numpy
import pandas
from scipy.stats import rankdata
from sklearn.decomposition import PCA

from crosswiki.embeddings.alignment import mutual_neighbours
from crosswiki.embeddings.search import nearest
from crosswiki.embeddings.vectors import WordVectors
from crosswiki.pipeline.parameter_values import Role
from crosswiki.reporting.tables import spread

FREQUENT = 2000  # the examples of nearest words are among this many of the most frequent ones
MAPPED, SKIPPED = 3000, 100  # the map's; the first hundred are words such as "the", which mean little on a map
CSLS = 10


def neighbours(source: WordVectors, other: WordVectors, words: int, best: int) -> dict[str, list[str]]:
    """Some of another language's frequent words, evenly spread, each with its nearest source words under CSLS.

    Words that the source spells alike are left out: they were in the seed dictionary.
    """
    frequent, known = other.vocabulary.words[:FREQUENT], source.vocabulary.ids
    for least in (4, 2, 1):  # short words mean little, but a Chinese word is seldom longer than two characters
        places = [i for i, word in enumerate(frequent) if len(word) >= least and word.isalpha() and word not in known]
        if len(places) >= words:
            break
    # Of all frequent words: CSLS needs them to find the source words that are near to everything.
    found = nearest(other.vectors[: len(frequent)], source.vectors, CSLS, best).rows
    return {frequent[i]: [source.vocabulary.words[row] for row in found[i].tolist()] for i in spread(places, words)}


def word_map(vectors: Mapping[Role, WordVectors], most: int) -> pandas.DataFrame:
    """Choose words that are each other's nearest in all languages, and place them by their two main directions.

    Takes vectors in one space, rows of unit length. Gives a row for each thing (of `most`, the closest first) and role:
    thing (its number), role, word, x and y (from 0 to 1).
    """
    rows = translations(vectors)
    if len(vectors) < 2 or len(rows) < 2:
        return pandas.DataFrame(columns=["thing", "role", "word", "x", "y"])
    places = numpy.stack([vectors[role].vectors.double().numpy()[rows[role]] for role in vectors], axis=1)
    closest = numpy.argsort(-numpy.linalg.norm(places.sum(1), axis=1), kind="stable")[:most]
    places = places[closest]
    points = PCA(2, svd_solver="full").fit(places.mean(1)).transform(places.reshape(-1, places.shape[-1]))
    even = (points - points.min(0)) / numpy.maximum(numpy.ptp(points, axis=0), 1e-9)
    ranks = (rankdata(points, method="ordinal", axis=0) - 1) / (len(points) - 1)
    x, y = (0.5 * even + 0.5 * ranks).T  # half of the way by their ranks: the middle would be too full
    chosen = [(thing, role, rows[role].iloc[thing]) for thing in closest for role in vectors]
    words = [(thing, role, vectors[role].vocabulary.words[row]) for thing, role, row in chosen]
    return pandas.DataFrame(words, columns=["thing", "role", "word"]).assign(x=x, y=y)


def translations(vectors: Mapping[Role, WordVectors]) -> pandas.DataFrame:
    """Row numbers (columns: roles) of words that are mutual nearest neighbours (CSLS) of the source's in all languages.

    Words that the source spells alike are left out: they were in the seed dictionary.
    """
    source = vectors["source"]
    known = source.vocabulary.words[:MAPPED]
    rows = pandas.DataFrame({"source": range(SKIPPED if len(known) > 2 * SKIPPED else 0, len(known))})
    for role in [role for role in vectors if role != "source"]:
        words = vectors[role].vocabulary.words
        pairs = mutual_neighbours(source.vectors[:MAPPED], vectors[role].vectors[:MAPPED], CSLS)
        partners = zip(pairs.source.tolist(), pairs.other.tolist(), strict=True)
        differ = [(row, other) for row, other in partners if words[other] != known[row] and words[other].isalpha()]
        rows = rows.merge(pandas.DataFrame(differ, columns=["source", role], dtype=int), on="source")
    long = rows["source"].map(lambda row: len(known[row]) >= 4 and known[row].isalpha()).astype(bool)
    return rows[long] if long.any() else rows
