"""How sure a classifier may be: temperature scaling, calibration error, coverage, and accuracy without labels."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy
from numpy.typing import NDArray
from scipy.optimize import minimize_scalar
from scipy.special import log_softmax, softmax

BINS = 15  # of the calibration error, as in Guo et al. 2017
POINTS = 50  # of a curve
WANTED_ACCURACY = 0.95  # of `coverage_at_95`
RANGE = (-3.0, 3.0)  # natural logarithms of the temperatures that are tried

Floats = NDArray[numpy.float64]


@dataclass(frozen=True)
class Calibration:
    """A fitted temperature, and what it was fitted on.

    Attributes:
        temperature: by which logits are divided.
        metrics: accuracy, calibration_error (after scaling) and calibration_error_unscaled.
    """

    temperature: float
    metrics: dict[str, float]


def calibrate(logits: Floats, actual: Sequence[str], topics: Sequence[str]) -> Calibration:
    """Fit a temperature on labelled texts.

    Args:
        logits: [texts, topics], at least one text.
        actual: the right topics; texts with one that the classifier does not know are left out of the fit.
        topics: in the order of the logits.
    """
    labels = numpy.array([topics.index(topic) if topic in topics else -1 for topic in actual], dtype=numpy.int64)
    known = labels >= 0
    temperature = fit_temperature(logits[known], labels[known]) if known.any() else 1.0
    right = logits.argmax(1) == labels
    scaled, unscaled = (
        expected_calibration_error(confidences(logits, divisor), right) for divisor in (temperature, 1.0)
    )
    metrics = {"accuracy": float(right.mean()), "calibration_error": scaled, "calibration_error_unscaled": unscaled}
    return Calibration(temperature, metrics)


def fit_temperature(logits: Floats, labels: NDArray[numpy.int64]) -> float:
    """Find the temperature that makes the right labels likeliest (Guo et al. 2017, section 4.2).

    The order of the classes stays, and so does the accuracy.

    Args:
        logits: [texts, classes], at least one text.
        labels: the right classes, [texts].

    Returns:
        T, by which logits are divided before the softmax.
    """
    rows = numpy.arange(len(labels))

    def loss(logarithm: float) -> float:
        return -float(log_softmax(logits / numpy.exp(logarithm), axis=1)[rows, labels].mean())

    return float(numpy.exp(minimize_scalar(loss, bounds=RANGE, method="bounded").x))


def confidences(logits: Floats, temperature: float = 1.0) -> Floats:
    """The probability of each text's likeliest class, [texts]."""
    highest: Floats = softmax(numpy.asarray(logits, dtype=numpy.float64) / temperature, axis=1).max(1)
    return highest


def expected_calibration_error(confidence: Floats, right: NDArray[numpy.bool_], bins: int = BINS) -> float:
    """The mean distance between confidence and accuracy, over bins of equal width (Guo et al. 2017, equation 3).

    Args:
        confidence: the probability of each answer, [texts].
        right: whether it is right, [texts].
        bins: how many.
    """
    place = numpy.minimum((confidence * bins).astype(int), bins - 1)
    gaps = numpy.bincount(place, weights=confidence - right, minlength=bins)
    return float(numpy.abs(gaps).sum() / max(len(confidence), 1))


def coverage_at(confidence: Floats, right: NDArray[numpy.bool_], accuracy: float) -> float:
    """The largest share of texts that can be answered, the surest first, with at least this accuracy."""
    order = numpy.argsort(-confidence, kind="stable")
    accuracies = numpy.cumsum(right[order]) / numpy.arange(1, len(right) + 1)
    enough = numpy.flatnonzero(accuracies >= accuracy)
    return float((enough[-1] + 1) / len(right)) if len(enough) else 0.0


def coverage_curve(confidence: Floats, right: NDArray[numpy.bool_]) -> list[tuple[float, float]]:
    """The accuracy on the surest texts: pairs of coverage and accuracy, from few texts to all."""
    order = numpy.argsort(-confidence, kind="stable")
    accuracies = numpy.cumsum(right[order]) / numpy.arange(1, len(right) + 1)
    counts = sorted({max(1, round(len(right) * place / POINTS)) for place in range(1, POINTS + 1)})
    return [(count / len(right), float(accuracies[count - 1])) for count in counts if count <= len(right)]


def average_thresholded_confidence(
    confidence: Floats, right: NDArray[numpy.bool_], others: Sequence[float] | Floats
) -> float:
    """Estimate an accuracy without labels (Garg et al. 2022, "Leveraging Unlabeled Data …", equations 1 and 2).

    The threshold is the confidence that as large a share of the labelled texts exceeds as is answered right; the
    estimate is the share of the other texts that exceeds it.

    Args:
        confidence: on texts whose labels are known, [texts].
        right: whether the answers to them are right, [texts].
        others: confidences on texts without labels.
    """
    wrong = int((~right).sum())
    threshold = numpy.sort(confidence)[wrong - 1] if wrong else -numpy.inf
    return float((numpy.asarray(others) > threshold).mean())
