"""Linear baselines: they learn from the same labels as the models, and choose their penalty on these labels alone."""

from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import Any

import numpy
import pandas
import scipy.sparse
import torch
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, ClassifierMixin, TransformerMixin
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV, KFold
from sklearn.pipeline import make_pipeline
from sklearn.svm import LinearSVC

from crosswiki.corpora.pairs import PAIR, Text
from crosswiki.embeddings.vectors import WordVectors, unit, word_frequency
from crosswiki.pipeline.parameter_values import FOLDS, ClassWeights

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
    texts: Sequence[Text],
    topics: Sequence[str],
    penalties: Sequence[float],
    words: Callable[[str], list[str]],
    class_weights: ClassWeights = "none",
) -> ClassifierMixin:
    """Fit a linear support-vector machine on TF-IDF weighted words and pairs of words; for texts in pairs: `combine`.

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
    features: Any = TfidfVectorizer(analyzer=lambda text: _words_and_pairs(words(text)), sublinear_tf=True)
    if any(isinstance(text, tuple) for text in texts):
        features = BothTexts(features)
    weights = features.fit_transform(texts)
    machine = LinearSVC(random_state=0, class_weight=SKLEARN[class_weights])
    return make_pipeline(features, _tuned(machine, penalties, weights, topics))


class BothTexts(TransformerMixin, BaseEstimator):
    """Features of texts in pairs, from those of single texts; see `combine`."""

    def __init__(self, features: TfidfVectorizer) -> None:
        """Keep what gives the features of a single text."""
        self.features = features

    def fit(self, texts: Sequence[Text], _topics: object = None) -> "BothTexts":
        """Learn from both texts of each pair."""
        self.features.fit([side for text in texts for side in _both(text)])
        return self

    def transform(self, texts: Sequence[Text]) -> Any:
        """The features, [texts, 4 · features of a single text], sparse."""
        first, second = (self.features.transform([_both(text)[place] for text in texts]) for place in (0, 1))
        return scipy.sparse.hstack(combine(first, second), format="csr")


def combine(first: Any, second: Any) -> list[Any]:
    """Both texts' features, how far they differ and their product, |u − v| and u ∘ v (Conneau et al. 2017, InferSent).

    Args:
        first: of each pair's first text, [texts, features], dense or sparse.
        second: of its second text.

    Returns:
        Four matrices of that shape.
    """
    product = first * second if isinstance(first, numpy.ndarray) else first.multiply(second)
    return [first, second, abs(first - second), product]


def _both(text: Text) -> tuple[str, str]:
    return text if isinstance(text, tuple) else (text, "")


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


def text_vectors(
    articles: pandas.DataFrame, words: Callable[[str], list[str]], vectors: WordVectors
) -> NDArray[numpy.float32]:
    """Each text's averaged word vectors, [articles, dim], or, in a table with pairs, those of `combine` side by side.

    Args:
        articles: the column text, and perhaps pair.
        words: from a text to its words.
        vectors: see `average_vectors`.
    """
    return encoded_texts(articles, lambda texts: average_vectors([words(text) for text in texts], vectors))


def encoded_texts(
    articles: pandas.DataFrame, encode: Callable[[list[str]], NDArray[numpy.float32]]
) -> NDArray[numpy.float32]:
    """Each text's vector, [articles, dim], or, in a table with pairs, those of `combine` side by side.

    Args:
        articles: the column text, and perhaps pair.
        encode: from single texts to their vectors.
    """
    first = encode(articles["text"].tolist())
    if PAIR not in articles:
        return first
    return numpy.hstack(combine(first, encode(articles[PAIR].fillna("").tolist())))


def linear_classifier(
    features: NDArray[Any], topics: Sequence[str], penalties: Sequence[float], class_weights: ClassWeights = "none"
) -> ClassifierMixin:
    """Fit a logistic regression."""
    machine = LogisticRegression(max_iter=2000, class_weight=SKLEARN[class_weights])
    return _tuned(machine, penalties, features, topics)


def topic_scores(classifier: Any, features: Any) -> tuple[list[str], NDArray[numpy.float64]]:
    """The topics that a linear classifier knows, and its scores of texts, [texts, topics]; the highest wins."""
    scores = classifier.decision_function(features)
    return [*map(str, classifier.classes_)], numpy.stack([-scores, scores], 1) if scores.ndim == 1 else scores
