"""Rare words' vectors, shrunk towards what their character n-grams predict.

fastText (Bojanowski et al. 2017) learns vectors of character n-grams together with those of words. Here they are
fitted to the finished word vectors by ridge regression (Zhao, Mudgal and Liang 2018, "Generalizing Word Embeddings
using Bag of Subwords"). A word keeps more of its own vector the more often it occurs.
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

GRAMS = (3, 4, 5)  # characters in an n-gram; each edge of a word counts as one
RIDGE = 1.0  # λ, the penalty on the n-grams' vectors
STEPS = 20  # of conjugate gradients
COLUMNS = 10  # dimensions that are fitted at a time


def subwords_of(word: str) -> list[str]:
    """A word's character n-grams; of a Chinese word its single characters and the pairs of neighbours."""
    if is_han(word):
        return [*word, *map("".join, pairwise(word))]
    edged = f" {word} "
    return [edged[start : start + length] for length in GRAMS for start in range(len(edged) - length + 1)]


def count_subwords(words: Sequence[str]) -> "csr_array":
    """Count each word's n-grams, those that only one word has left out.

    Returns:
        Rows of unit length, or of zeros where no n-gram is left; float64, [words, n-grams].
    """
    # Imported here: most modules that import this one do not need scikit-learn, which takes long to load.
    from scipy.sparse import csr_array
    from sklearn.feature_extraction.text import CountVectorizer

    counted = CountVectorizer(analyzer=subwords_of, dtype=numpy.float64).fit_transform(words).tocsc()
    shared = csr_array(counted[:, numpy.diff(counted.indptr) > 1])
    lengths = numpy.sqrt((shared * shared).sum(axis=1)).clip(min=1)  # rows of zeros stay as they are
    return csr_array(shared / lengths[:, None])


def shrink_towards_subwords(words: WordVectors, prior: float) -> Tensor:
    """Mix each word's vector with the prediction of its n-grams, and keep its length.

    Let x be a word's direction, n its count, g its row of `count_subwords`, and m the prior. The n-grams' vectors B
    minimise Σ n/(n+m) ‖x − gB‖² + λ‖B‖², and the word's new direction is that of (n·x + m·gB) / (n+m). This is an
    empirical Bayes estimate if the variance of a vector's noise is proportional to 1/n. N-grams that predict little
    have short vectors, and so little weight in the mixture.

    Args:
        words: words, their counts and their vectors, [words, dim].
        prior: m, the count at which a word's own vector and the prediction have the same weight; 0: no mixing.

    Returns:
        [words, dim].
    """
    subwords = count_subwords(words.vocabulary.words) if prior and len(words.vocabulary) else None
    if subwords is None or not subwords.nnz:
        return words.vectors
    from sklearn.linear_model import Ridge

    counts = words.vocabulary.counts.astype(numpy.float64)
    weights = counts / (counts + prior)
    directions = unit(words.vectors.double()).numpy()
    predicted = numpy.empty_like(directions)
    ridge = Ridge(alpha=RIDGE, fit_intercept=False, solver="sparse_cg", max_iter=STEPS)
    groups = numpy.array_split(numpy.arange(directions.shape[1]), -(-directions.shape[1] // COLUMNS))
    for columns in progress(groups, "subwords"):
        predicted[:, columns] = ridge.fit(subwords, directions[:, columns], sample_weight=weights).predict(subwords)
    mixed = torch.from_numpy(weights[:, None] * directions + (1 - weights)[:, None] * predicted)
    return (unit(mixed) * words.vectors.double().norm(dim=1, keepdim=True)).to(words.vectors.dtype)
