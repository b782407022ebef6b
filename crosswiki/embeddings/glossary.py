"""Texts of the source's language read word for word in another one, as far as an alignment knows its words.

A glossed text has the wrong grammar and many a wrong word, but the words of real texts in their real company, and its
original says what it means. No translated text is needed for it.
"""

import re

import torch
from torch import Tensor

from crosswiki.corpora.text import HAN, SEGMENTERS, segment
from crosswiki.corpora.vocabulary import Vocabulary
from crosswiki.embeddings.alignment import Pairs
from crosswiki.embeddings.dictionary import Entries

_WORD = re.compile(r"\w+")
_BETWEEN_HAN = re.compile(f"(?<={HAN}) +(?={HAN})")


def glossary(
    source: Vocabulary, other: Vocabulary, nearest: Tensor, known: Pairs, source_vectors: Tensor, other_vectors: Tensor
) -> Entries:
    """One translation of each of the source's words: of those that are told the nearest, else the nearest of all.

    Args:
        source: the source's words.
        other: the other language's.
        nearest: row numbers of other words, [source words] (`Translations.of_source`).
        known: known translations; a word may have several.
        source_vectors: rows of unit length, [source words, dim].
        other_vectors: the same in the same space, [other words, dim].
    """
    chosen = nearest.clone()
    cosines = (source_vectors[known.source] * other_vectors[known.other]).sum(1)
    order = torch.argsort(cosines, stable=True)  # the nearest is written last, and stays
    for s, o in zip(known.source[order].tolist(), known.other[order].tolist(), strict=True):
        chosen[s] = o
    return [(word, other.words[int(o)]) for word, o in zip(source.words, chosen, strict=True)]


def gloss(text: str, words: dict[str, str], language: str) -> str:
    """Replace each word by its translation; what has none, a number or a name, stays as it is.

    Args:
        text: in the source's language.
        words: translations of words in lower case.
        language: the source's; some write no spaces between words.
    """

    def translated(run: re.Match[str]) -> str:
        inside = segment(run[0], language) if language in SEGMENTERS and not run[0].isascii() else [run[0]]
        return " ".join(words.get(word.lower(), word) for word in inside)

    return close_up(_WORD.sub(translated, text))


def close_up(text: str) -> str:
    """Take the spaces between Chinese words away, where none are written."""
    return _BETWEEN_HAN.sub("", text)
