"""Nearest words across languages: examples of the alignment for a reader of both."""

from crosswiki.embeddings.alignment import nearest
from crosswiki.embeddings.vectors import WordVectors
from crosswiki.reporting.tables import spread

FREQUENT = 2000  # examples are among this many of the most frequent words
CSLS = 10


def neighbours(source: WordVectors, other: WordVectors, words: int, best: int) -> list[tuple[str, list[str]]]:
    """Some frequent words, each with its nearest source words under CSLS.

    Words that the source spells alike are left out: they were in the seed dictionary.

    Args:
        source: of the source, as `load_aligned` gives them.
        other: of another language, in the same space.
        words: how many are shown; they are spread evenly over the frequent ones.
        best: source words for each.
    """
    frequent = other.vocabulary.words[:FREQUENT]
    for least in (4, 2, 1):  # short words mean little, but a Chinese word is seldom longer than two characters
        known = source.vocabulary.ids
        places = [i for i, word in enumerate(frequent) if len(word) >= least and word.isalpha() and word not in known]
        if len(places) >= words:
            break
    # Of all frequent words: CSLS needs them to find the source words that are near to everything.
    found = nearest(other.vectors[: len(frequent)], source.vectors, CSLS, best)
    return [(frequent[i], [source.vocabulary.words[row] for row in found[i].tolist()]) for i in spread(places, words)]
