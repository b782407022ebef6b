"""Rare words' vectors drawn towards what the letters that they are made of say, as all other words tell it.

fastText (Bojanowski et al. 2017) learns vectors of n-grams of letters together with those of words. Here they are
fitted to the finished vectors (Zhao, Mudgal and Liang 2018, "Generalizing Word Embeddings using Bag of Subwords"), by
ridge regression, and a word has the more of itself the more often it has been read.
"""

from collections.abc import Sequence
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy
import torch
from torch import Tensor

from crosswiki.corpora.text import is_han
from crosswiki.embeddings.vectors import WordVectors, unit
from crosswiki.pipeline.progress import progress

if TYPE_CHECKING:
    from scipy.sparse import csr_array

GRAMS = (3, 4, 5)  # letters in an n-gram, the edges of a word counting as one each
RIDGE = 1.0  # of the regression: as if each n-gram were a word too, once, that says nothing
STEPS = 20  # of conjugate gradients
COLUMNS = 10  # dimensions that are fitted at a time


def parts_of(word: str) -> list[str]:
    """A word's n-grams of letters; of a Chinese word its letters, which mean something alone, and their pairs."""
    if is_han(word):
        return [*word, *map("".join, pairwise(word))]
    edged = f" {word} "
    return [edged[start : start + long] for long in GRAMS for start in range(len(edged) - long + 1)]


def count_parts(words: Sequence[str]) -> "csr_array":
    """Count each word's parts that another word has too, rows of unit length, float64, [words, parts]."""
    # Here, since much else imports this room and need not wait for scikit-learn.
    from scipy.sparse import csr_array
    from sklearn.feature_extraction.text import CountVectorizer

    counted = CountVectorizer(analyzer=parts_of, dtype=numpy.float64).fit_transform(words).tocsc()
    shared = csr_array(counted[:, numpy.diff(counted.indptr) > 1])
    lengths = numpy.sqrt((shared * shared).sum(axis=1)).clip(min=1)  # a row without parts stays without
    return csr_array(shared / lengths[:, None])


def draw_to_parts(words: WordVectors, often: float) -> Tensor:
    """Mix each word's vector with what its parts say of it, and leave its length as it is.

    With x a word's direction, n its count, g its row of `count_parts` and m the number `often`, the parts' vectors B
    have the least Σ n/(n+m) ‖x − gB‖² + λ‖B‖², and the word's new direction is that of (n·x + m·gB) / (n+m): an
    empirical Bayes estimate, if a vector's noise is as 1/n. Parts that say little have short vectors, and so a small
    part in it.

    Args:
        words: and their vectors, [words, dim].
        often: m, how often a word is read when it has as much of itself as of its parts; 0: nothing is mixed.

    Returns:
        [words, dim].
    """
    parts = count_parts(words.vocabulary.words) if often and len(words.vocabulary) else None
    if parts is None or not parts.nnz:
        return words.vectors
    from sklearn.linear_model import Ridge

    counts = words.vocabulary.counts.astype(numpy.float64)
    own = counts / (counts + often)
    directions = unit(words.vectors.double()).numpy()
    said = numpy.empty_like(directions)
    ridge = Ridge(alpha=RIDGE, fit_intercept=False, solver="sparse_cg", max_iter=STEPS)
    groups = numpy.array_split(numpy.arange(directions.shape[1]), -(-directions.shape[1] // COLUMNS))
    for columns in progress(groups, "parts of words"):
        said[:, columns] = ridge.fit(parts, directions[:, columns], sample_weight=own).predict(parts)
    mixed = torch.from_numpy(own[:, None] * directions + (1 - own)[:, None] * said)
    return (unit(mixed) * words.vectors.double().norm(dim=1, keepdim=True)).to(words.vectors.dtype)
