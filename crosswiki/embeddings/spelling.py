"""Similarity of spelling between two languages, which finds names, loan words and cognates.

After Riley and Gildea 2018 ("Orthographic Features for Bilingual Lexicon Induction"), with character n-grams in place
of letters, and all scripts transliterated to Latin letters.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy
import torch
from anyascii import anyascii
from torch import Tensor

if TYPE_CHECKING:
    from scipy.sparse import csr_array

GRAMS = (2, 4)  # least and most characters in an n-gram; each edge of a word counts as one


@dataclass(frozen=True)
class Spelling:
    """Character n-grams of two languages' words, weighted by TF-IDF; rows of unit length."""

    source: "csr_array"  # float32, [source words, n-grams]
    other: "csr_array"  # float32, [other words, n-grams]
    weight: float  # of the cosine of the n-grams, which is added to CSLS

    def likeness(self, rows: slice, columns: slice) -> Tensor:
        """Weighted cosines of some of the other language's words with some source words, [rows, columns]."""
        cosines = self.other[rows] @ self.source[columns].T
        return torch.from_numpy(cosines.toarray()) * self.weight

    def turned(self) -> "Spelling":
        """The same with the two languages exchanged."""
        return Spelling(self.other, self.source, self.weight)

    def only(self, source: Tensor | slice, other: Tensor | slice) -> "Spelling":
        """The same for a subset of the words, by row numbers."""
        parts = [rows if isinstance(rows, slice) else rows.numpy() for rows in (source, other)]
        return Spelling(self.source[parts[0]], self.other[parts[1]], self.weight)


def compare_spelling(source: Sequence[str], other: Sequence[str], weight: float) -> Spelling | None:
    """Count the n-grams of two languages' words, in lower-case Latin letters without accents.

    Args:
        source: words of the source.
        other: words of the other language.
        weight: see `Spelling`.

    Returns:
        None if the weight is 0, or a language has no words.
    """
    spelled = [[latin(word) for word in words] for words in (source, other)] if weight else []
    if not spelled or not all(any(map(str.strip, words)) for words in spelled):
        return None
    # Imported here: most modules that import this one do not need scikit-learn, which takes long to load.
    from scipy.sparse import csr_array
    from sklearn.feature_extraction.text import TfidfVectorizer

    grams = TfidfVectorizer(
        analyzer="char_wb", ngram_range=GRAMS, sublinear_tf=True, lowercase=False, dtype=numpy.float32
    )
    grams.fit(spelled[0] + spelled[1])
    rows = [csr_array(grams.transform(words)) for words in spelled]
    return Spelling(rows[0], rows[1], weight)


def latin(word: str) -> str:
    """A word in lower-case Latin letters: Électricité is electricite, Москва moskva."""
    return anyascii(word).lower()
