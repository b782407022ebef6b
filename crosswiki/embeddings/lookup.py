"""Nearest words, within a language and across languages."""

from collections.abc import Iterable
from pathlib import Path

import torch

from crosswiki.embeddings.alignment import standardise
from crosswiki.embeddings.search import hubness
from crosswiki.embeddings.vectors import WordVectors, load_vectors, unit
from crosswiki.pipeline.parameter_values import ROLES, Role

FOLDERS: dict[Role, Path] = {
    "source": Path("models/skipgram/source"),
    "target": Path("models/aligned/target"),
    "test": Path("models/aligned/test"),
}
CSLS_NEIGHBOURS = 10  # k of CSLS
FREQUENT = 20_000  # most frequent words, over which CSLS measures hubness


def load_aligned(roles: Iterable[Role] = ROLES) -> dict[Role, WordVectors]:
    """Load the roles' vectors in one space, the source's standardised one.

    Raises:
        UserError: `skipgram` or `align` has not run yet.
    """
    found = {role: load_vectors(FOLDERS[role]) for role in roles}
    return {
        role: WordVectors(words.vocabulary, standardise(words.vectors)) if role == "source" else words
        for role, words in found.items()
    }


def nearest_words(word: str, words: WordVectors, others: WordVectors, best: int) -> list[tuple[str, float]]:
    """The words of `others` that are nearest to a word of `words`, both in one space.

    Within a language they are ranked by the cosine, across languages by CSLS, 2cos(x, y) − r(x) − r(y) (Lample et al.
    2018, equation 7), which corrects for hubs: words that are near to many others.

    Args:
        word: one of `words`; any other raises KeyError.
        words: the vectors of the word's language.
        others: the same, or those of another language.
        best: number of words.

    Returns:
        The nearest first, each with its cosine.
    """
    place = words.vocabulary.ids[word]
    vectors, keys = unit(words.vectors), unit(others.vectors)
    cosines = keys @ vectors[place]
    within = words.vocabulary.words == others.vocabulary.words
    scores = cosines if within else 2 * cosines - hubness(keys, vectors[:FREQUENT], CSLS_NEIGHBOURS)
    if within:
        scores[place] = -torch.inf
    found = scores.topk(min(best, len(keys) - within)).indices.tolist()
    return [(others.vocabulary.words[row], float(cosines[row])) for row in found]
