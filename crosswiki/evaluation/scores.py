"""Accuracy and macro-F1 with bootstrap intervals over concepts (Efron and Tibshirani 1993, chapter 13)."""

from collections.abc import Sequence
from typing import NotRequired, TypedDict

import numpy
from numpy.typing import NDArray

from crosswiki.pipeline.parameter_values import Role

# The last system of each role, whose confusion matrix is drawn.
FINAL: dict[Role, str] = {"source": "teacher", "target": "finetuned", "test": "transplanted"}


class Difference(TypedDict):
    """One system's scores less another's, with intervals, as `ahead_of` in metrics/evaluation.json has them."""

    accuracy: float
    macro_f1: float
    accuracy_low: float
    accuracy_high: float
    macro_f1_low: float
    macro_f1_high: float


class Scores(TypedDict):
    """One system's scores on one test split, as metrics/evaluation.json has them."""

    accuracy: float
    macro_f1: float
    accuracy_low: float
    accuracy_high: float
    macro_f1_low: float
    macro_f1_high: float
    n: int
    # Of systems that give probabilities, on the same texts; see evaluation/calibration.py.
    calibration_error: NotRequired[float]  # after temperature scaling
    calibration_error_unscaled: NotRequired[float]
    coverage_at_95: NotRequired[float]  # the share of texts that can be answered with an accuracy of 95 %
    estimated_accuracy: NotRequired[float]  # from source labels alone: no label of this language
    # Of peers: how far they are ahead, by system; negative numbers: behind.
    ahead_of: NotRequired[dict[str, Difference]]
    # Where the corpus names fewer topics for the language than for the source: of the likeliest of these alone.
    among_named_topics: NotRequired["Scores"]


def accuracy(actual: Sequence[str], predicted: Sequence[str]) -> float:
    """The share of predictions that are right; 0 where there are none."""
    return float(numpy.mean(numpy.asarray(actual) == numpy.asarray(predicted))) if len(actual) else 0.0


def accuracy_and_macro_f1(actual: Sequence[str], predicted: Sequence[str]) -> tuple[float, float]:
    """The share of predictions that are right, and the mean F1 of the topics that occur."""
    names = sorted({*actual, *predicted})
    rows, columns = (
        numpy.array([names.index(name) for name in topics], dtype=numpy.int64) for topics in (actual, predicted)
    )
    return _accuracy_and_macro_f1(_confusion(rows, columns, len(names)))


def validation_scores(actual: Sequence[str], predicted: Sequence[str]) -> dict[str, float]:
    """Accuracy, macro-F1 and the number of texts, as metrics/finetune_target.json names them."""
    share, macro_f1 = accuracy_and_macro_f1(actual, predicted)
    return {
        "validation_accuracy": round(share, 6),
        "validation_macro_f1": round(macro_f1, 6),
        "validation_n": len(actual),
    }


def _confusion(actual: NDArray[numpy.int64], predicted: NDArray[numpy.int64], classes: int) -> NDArray[numpy.int64]:
    return numpy.bincount(actual * classes + predicted, minlength=classes * classes).reshape(classes, classes)


def _accuracy_and_macro_f1(confusion: NDArray[numpy.int64]) -> tuple[float, float]:
    correct = numpy.diag(confusion)
    f1 = 2 * correct / numpy.maximum(confusion.sum(0) + confusion.sum(1), 1)
    return float(correct.sum() / max(confusion.sum(), 1)), float(f1[confusion.sum(1) > 0].mean())


def score(
    actual: Sequence[str],
    predicted: Sequence[str],
    concepts: Sequence[str],
    resamples: int,
    confidence: float,
    seed: int,
) -> Scores:
    """Score predictions, with percentile intervals from resampled concepts.

    Macro-F1 is the mean over the topics that occur in `actual`; a prediction of any other topic is simply wrong.

    Args:
        actual: the true topics, [texts].
        predicted: the topics that a system predicts, [texts].
        concepts: each text's concept, [texts]; texts on one concept are resampled together.
        resamples: number of bootstrap samples.
        confidence: of the intervals, say 0.95.
        seed: of the resampling.
    """
    samples, exact = _bootstrap(actual, predicted, concepts, resamples, seed)
    accuracies, f1s = numpy.quantile(samples, _edges(confidence), axis=0).T
    return Scores(
        accuracy=round(exact[0], 6),
        macro_f1=round(exact[1], 6),
        accuracy_low=round(float(accuracies[0]), 6),
        accuracy_high=round(float(accuracies[1]), 6),
        macro_f1_low=round(float(f1s[0]), 6),
        macro_f1_high=round(float(f1s[1]), 6),
        n=len(actual),
    )


def difference(
    actual: Sequence[str],
    first: Sequence[str],
    second: Sequence[str],
    concepts: Sequence[str],
    resamples: int,
    confidence: float,
    seed: int,
) -> Difference:
    """The first system's scores less the second's, by the paired bootstrap: both are scored on the same resamples.

    Args:
        actual: the true topics, [texts].
        first: what one system predicts, [texts].
        second: what the other one predicts, [texts].
        concepts: see `score`.
        resamples: see `score`.
        confidence: see `score`.
        seed: see `score`.
    """
    (one, exact), (other, other_exact) = (
        _bootstrap(actual, predicted, concepts, resamples, seed) for predicted in (first, second)
    )
    accuracies, f1s = numpy.quantile(one - other, _edges(confidence), axis=0).T
    return Difference(
        accuracy=round(exact[0] - other_exact[0], 6),
        macro_f1=round(exact[1] - other_exact[1], 6),
        accuracy_low=round(float(accuracies[0]), 6),
        accuracy_high=round(float(accuracies[1]), 6),
        macro_f1_low=round(float(f1s[0]), 6),
        macro_f1_high=round(float(f1s[1]), 6),
    )


def _edges(confidence: float) -> tuple[float, float]:
    return (1 - confidence) / 2, (1 + confidence) / 2


def _bootstrap(
    actual: Sequence[str], predicted: Sequence[str], concepts: Sequence[str], resamples: int, seed: int
) -> tuple[NDArray[numpy.float64], tuple[float, float]]:
    """Accuracy and macro-F1 of each resample, [resamples, 2], and of all texts.

    Which texts a resample has depends on the concepts and the seed alone.
    """
    names = sorted({*actual, *predicted})
    place = {name: i for i, name in enumerate(names)}
    actual_ids = numpy.array([place[name] for name in actual], dtype=numpy.int64)
    predicted_ids = numpy.array([place[name] for name in predicted], dtype=numpy.int64)
    _, concept = numpy.unique(numpy.asarray(concepts, dtype=str), return_inverse=True)
    groups = int(concept.max()) + 1
    generator = numpy.random.default_rng(seed)
    samples = []
    for _ in range(resamples):
        times = numpy.bincount(generator.integers(0, groups, groups), minlength=groups)
        rows = numpy.repeat(numpy.arange(len(actual_ids)), times[concept])
        samples.append(_accuracy_and_macro_f1(_confusion(actual_ids[rows], predicted_ids[rows], len(names))))
    return numpy.array(samples), _accuracy_and_macro_f1(_confusion(actual_ids, predicted_ids, len(names)))
