"""Linear baselines: they learn from the same labels as the models, and choose their penalty on these labels alone."""

from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import Any

import numpy
import torch
from numpy.typing import NDArray
from sklearn.base import ClassifierMixin
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV, KFold
from sklearn.pipeline import make_pipeline
from sklearn.svm import LinearSVC

from crosswiki.embeddings.vectors import WordVectors, unit, word_frequency
from crosswiki.pipeline.parameters import FOLDS, ClassWeights

SKLEARN: dict[ClassWeights, str | None] = {"none": None, "balanced": "balanced"}  # its name for class weights
PENALTY = "linearsvc__C"  # name of C in the classifier of `tfidf`
SMOOTHING = 1e-3  # a of Arora et al. 2017: a word's weight is a / (a + frequency)


def can_be_learnt(topics: Sequence[str]) -> bool:
    """Whether there are labels enough for cross-validation, and of more than one topic."""
    return len(topics) >= FOLDS and len(set(topics)) > 1


def _tuned(model: Any, penalties: Sequence[float], features: Any, topics: Sequence[str]) -> Any:
    """Choose C by cross-validation, if there are several values, and fit on all labels."""
    if len(penalties) == 1:
        return model.set_params(C=penalties[0]).fit(features, list(topics))
    folds = KFold(FOLDS, shuffle=True, random_state=0)
    search = GridSearchCV(model, {"C": list(penalties)}, cv=folds, error_score=0.0)
    return search.fit(features, list(topics)).best_estimator_


def tfidf(
    texts: Sequence[str],
    topics: Sequence[str],
    penalties: Sequence[float],
    words: Callable[[str], list[str]],
    class_weights: ClassWeights = "none",
) -> ClassifierMixin:
    """Fit a linear support-vector machine on TF-IDF weighted words and pairs of words.

    In cross-validation too, the TF-IDF weights are those of all texts; only labels are held out.

    Args:
        texts: to learn from; at least `FOLDS` of them.
        topics: of the texts.
        penalties: values of C to choose from.
        words: from a text to its words.
        class_weights: of the topics in the loss.

    Returns:
        A classifier of texts.
    """
    features = TfidfVectorizer(analyzer=lambda text: _words_and_pairs(words(text)), sublinear_tf=True)
    weights = features.fit_transform(texts)
    machine = LinearSVC(random_state=0, class_weight=SKLEARN[class_weights])
    return make_pipeline(features, _tuned(machine, penalties, weights, topics))


def _words_and_pairs(words: list[str]) -> list[str]:
    return words + [f"{first} {second}" for first, second in pairwise(words)]


def average_vectors(documents: Sequence[Sequence[str]], words: WordVectors) -> NDArray[numpy.float32]:
    """Average the vectors of documents' words, with lower weights for frequent words (Arora, Liang and Ma 2017).

    Args:
        documents: lists of words.
        words: word vectors; words without a vector are left out.

    Returns:
        Rows of unit length, [documents, dim]; zeros for a document without a known word.
    """
    ids = words.vocabulary.ids
    weight = SMOOTHING / (SMOOTHING + word_frequency(words.vocabulary))
    rows = torch.zeros(len(documents), words.vectors.shape[1])
    for place, document in enumerate(documents):
        known = torch.tensor([ids[word] for word in document if word in ids], dtype=torch.int64)
        rows[place] = (words.vectors[known] * weight[known, None]).sum(0)
    result: NDArray[numpy.float32] = unit(rows).numpy()
    return result


def linear_classifier(
    features: NDArray[Any], topics: Sequence[str], penalties: Sequence[float], class_weights: ClassWeights = "none"
) -> ClassifierMixin:
    """Fit a logistic regression."""
    machine = LogisticRegression(max_iter=2000, class_weight=SKLEARN[class_weights])
    return _tuned(machine, penalties, features, topics)
