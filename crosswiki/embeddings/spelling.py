"""How alike the words of two languages are spelled: names, loans and cognates, which vectors of little text confuse.

After Riley and Gildea 2018 ("Orthographic Features for Bilingual Lexicon Induction"), with character n-grams in place
of letters, and Latin letters for every script.
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

GRAMS = (2, 4)  # letters in an n-gram, the edges of a word counting as one each


@dataclass(frozen=True)
class Spelling:
    """Character n-grams of two languages' words, weighted by TF-IDF; rows of unit length."""

    source: "csr_array"  # float32, [source words, n-grams]
    other: "csr_array"  # float32, [other words, n-grams]
    weight: float  # of a cosine between them, beside twice the cosine of the vectors (CSLS)

    def likeness(self, rows: Tensor) -> Tensor:
        """Weighted cosines of some of the other language's words with all of the source's, [rows, source words]."""
        cosines = self.other[rows.numpy()] @ self.source.T
        return torch.from_numpy(cosines.toarray()) * self.weight

    def turned(self) -> "Spelling":
        """The same with the languages' places changed."""
        return Spelling(self.other, self.source, self.weight)

    def only(self, source: Tensor | slice, other: Tensor | slice) -> "Spelling":
        """The same of a part of the words, by their row numbers."""
        parts = [rows if isinstance(rows, slice) else rows.numpy() for rows in (source, other)]
        return Spelling(self.source[parts[0]], self.other[parts[1]], self.weight)


def compare_spelling(source: Sequence[str], other: Sequence[str], weight: float) -> Spelling | None:
    """Break the words of two languages into n-grams, in Latin letters without accents and in lower case.

    Args:
        source: words of the source.
        other: words of the other language.
        weight: see `Spelling`.

    Returns:
        None without a weight, or without words.
    """
    spelled = [[latin(word) for word in words] for words in (source, other)] if weight else []
    if not spelled or not all(any(map(str.strip, words)) for words in spelled):
        return None
    # Here, since much else imports this room and need not wait for scikit-learn.
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
