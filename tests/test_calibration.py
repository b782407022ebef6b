"""Temperature scaling, calibration error, coverage and accuracy without labels, against planted answers."""

from pathlib import Path

import numpy
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from scipy.special import softmax

from crosswiki.bert.models import load_classifier
from crosswiki.corpora.articles import load_articles
from crosswiki.evaluation.calibration import (
    average_thresholded_confidence,
    confidences,
    coverage_at,
    coverage_curve,
    expected_calibration_error,
    fit_temperature,
)
from crosswiki.evaluation.confidence import LEAST_LABELS, answer, calibrate_on


def drawn(seed: int, texts: int = 4000, classes: int = 5) -> tuple[numpy.ndarray, numpy.ndarray]:
    """Logits, and labels that are drawn from their softmax: a calibrated classifier."""
    generator = numpy.random.default_rng(seed)
    logits = generator.normal(0, 2, (texts, classes))
    labels = (generator.random((texts, 1)) > softmax(logits, axis=1).cumsum(1)).sum(1)
    return logits, labels


@pytest.mark.parametrize("temperature", [0.5, 1.0, 2.5])
def test_the_temperature_that_was_planted_is_found(temperature: float) -> None:
    logits, labels = drawn(1)
    assert fit_temperature(logits * temperature, labels) == pytest.approx(temperature, rel=0.06)


def test_scaling_brings_the_calibration_error_down_and_keeps_the_answers() -> None:
    logits, labels = drawn(2)
    sure = logits * 3
    right = sure.argmax(1) == labels
    before = expected_calibration_error(confidences(sure), right)
    after = expected_calibration_error(confidences(sure, fit_temperature(sure, labels)), right)
    assert before > 0.1
    assert after < 0.03


def test_the_calibration_error_is_the_mean_gap_of_its_bins() -> None:
    confidence = numpy.array([0.95, 0.95, 0.55, 0.55])
    right = numpy.array([True, False, True, True])
    # One bin is right in half of the cases at 0.95, the other always at 0.55.
    assert expected_calibration_error(confidence, right, bins=10) == pytest.approx((0.45 + 0.45) / 2)
    assert expected_calibration_error(numpy.ones(3), numpy.ones(3, bool)) == 0


@given(st.integers(0, 1000), st.integers(1, 40))
def test_coverage_is_the_largest_share_with_that_accuracy(seed: int, texts: int) -> None:
    generator = numpy.random.default_rng(seed)
    confidence, right = generator.permutation(texts) / texts, generator.random(texts) < 0.7
    surest = right[numpy.argsort(-confidence)]
    expected = max((n for n in range(1, texts + 1) if surest[:n].mean() >= 0.8), default=0) / texts
    assert coverage_at(confidence, right, 0.8) == pytest.approx(expected)
    curve = coverage_curve(confidence, right)
    assert curve[-1] == (1.0, pytest.approx(right.mean()))
    assert all(accuracy == pytest.approx(surest[: round(share * texts)].mean()) for share, accuracy in curve)


@given(st.integers(0, 1000))
def test_on_the_labelled_texts_themselves_the_estimate_is_the_accuracy(seed: int) -> None:
    generator = numpy.random.default_rng(seed)
    confidence, right = generator.permutation(200) / 200, generator.random(200) < 0.8
    assert average_thresholded_confidence(confidence, right, confidence) == pytest.approx(right.mean())


def test_texts_that_are_less_sure_are_estimated_lower() -> None:
    logits, labels = drawn(3)
    confidence, right = confidences(logits), logits.argmax(1) == labels
    harder, answers = drawn(4)
    harder = harder * 0.5
    estimate = average_thresholded_confidence(confidence, right, confidences(harder))
    assert estimate < right.mean() - 0.05
    assert 0 <= estimate <= 1
    assert average_thresholded_confidence(confidence, numpy.ones(len(right), bool), confidences(harder)) == 1.0
    assert len(answers)


@pytest.mark.parametrize("system", ["distilled", "target"])
def test_the_temperature_is_the_one_that_makes_the_labels_likeliest(finished: Path, system: str) -> None:
    """No other one of a fine grid is likelier."""
    classifier = load_classifier(finished / "models" / system)
    articles = load_articles(finished / "data/prepared/target/articles.parquet")
    known = articles[articles["topic"].notna()]
    known = known.loc[numpy.tile(known.index, 1 + LEAST_LABELS // len(known))]  # repeated, until there are enough
    calibrate_on(classifier, known, torch.device("cpu"))
    logits = answer(classifier, known["text"].tolist(), torch.device("cpu"), "validation").logits
    rows, places = numpy.arange(len(known)), [classifier.topics.index(topic) for topic in known["topic"]]

    def likelihood(temperature: float) -> float:
        return float(numpy.log(softmax(logits / temperature, axis=1)[rows, places]).mean())

    best = likelihood(classifier.temperature)
    assert all(likelihood(float(numpy.exp(logarithm))) <= best + 1e-5 for logarithm in numpy.arange(-3, 3.01, 0.05))
