"""Scores against scikit-learn, and their intervals against a bootstrap written out."""

import random
from collections.abc import Callable

import numpy
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import accuracy_score, f1_score

from crosswiki.evaluation.scores import Scores, accuracy, score

TOPICS = ("Arts", "Histoire", "数学", "Zinc")


def some_answers(
    size: int, right: float, seed: int = 0, topics: tuple[str, ...] = TOPICS
) -> tuple[list[str], list[str]]:
    """Right answers, and those of a system that knows a share of them and guesses the others."""
    generator = random.Random(seed)
    actual = [generator.choice(topics) for _ in range(size)]
    return actual, [topic if generator.random() < right else generator.choice(topics) for topic in actual]


def scored(actual: list[str], predicted: list[str], concepts: list[str] | None = None, resamples: int = 200) -> Scores:
    """Score, every text its own concept unless said otherwise."""
    own = concepts or [f"Q{i}" for i in range(len(actual))]
    return score(actual, predicted, own, resamples=resamples, confidence=0.95, seed=1)


def macro_f1(actual: list[str], predicted: list[str]) -> float:
    """scikit-learn's, over the topics that occur in `actual`."""
    found = f1_score(actual, predicted, average="macro", labels=sorted(set(actual)), zero_division=0)
    return float(found)


@settings(deadline=None, max_examples=60)
@given(st.lists(st.tuples(st.sampled_from(TOPICS), st.sampled_from((*TOPICS, "never"))), min_size=1, max_size=40))
def test_the_point_is_that_of_scikit_learn(answers: list[tuple[str, str]]) -> None:
    actual, predicted = [a for a, _ in answers], [p for _, p in answers]
    found = scored(actual, predicted, resamples=2)
    assert found["accuracy"] == pytest.approx(accuracy_score(actual, predicted), abs=1e-6)
    assert found["macro_f1"] == pytest.approx(macro_f1(actual, predicted), abs=1e-6)
    assert found["n"] == len(answers)
    assert accuracy(actual, predicted) == pytest.approx(accuracy_score(actual, predicted))


def test_a_topic_that_is_predicted_and_never_right_counts_as_wrong_and_as_no_topic_of_its_own() -> None:
    found = scored(["a", "a", "b", "b"], ["a", "c", "b", "c"])
    assert found["accuracy"] == 0.5
    assert found["macro_f1"] == pytest.approx(2 / 3, abs=1e-6)  # each has precision 1, recall 1/2; c is not counted
    nothing = scored(["a", "b"], ["c", "c"])
    assert (nothing["accuracy"], nothing["macro_f1"]) == (0, 0)


def test_no_predictions_are_no_accuracy() -> None:
    assert accuracy([], []) == 0


def bootstrap(
    statistic: Callable[[list[str], list[str]], float],
    actual: list[str],
    predicted: list[str],
    concepts: list[str],
    resamples: int,
    confidence: float,
    seed: int,
) -> tuple[float, float]:
    """Draw as many concepts as there are, with replacement; score all texts of those drawn; take percentiles."""
    names = sorted(set(concepts))
    generator = numpy.random.default_rng(seed)
    drawn = []
    for _ in range(resamples):
        rows = [
            i
            for g in generator.integers(0, len(names), len(names))
            for i in range(len(actual))
            if concepts[i] == names[g]
        ]
        drawn.append(statistic([actual[i] for i in rows], [predicted[i] for i in rows]))
    low, high = numpy.percentile(drawn, [50 * (1 - confidence), 50 * (1 + confidence)])
    return float(low), float(high)


@pytest.mark.parametrize("confidence", [0.8, 0.95])
@pytest.mark.parametrize("name", ["accuracy", "macro_f1"])
@pytest.mark.parametrize("per_concept", [1, 3])
def test_the_interval_is_that_of_a_bootstrap_over_concepts(per_concept: int, name: str, confidence: float) -> None:
    """Each resample is scored as a test split of its own: macro-F1 over the topics that occur in it."""
    actual, predicted = some_answers(24, right=0.6, topics=(*TOPICS, "rare"))
    concepts = [f"Q{i // per_concept}" for i in range(24)]
    found = score(actual, predicted, concepts, resamples=150, confidence=confidence, seed=7)
    statistic = {"accuracy": lambda a, p: float(accuracy_score(a, p)), "macro_f1": macro_f1}[name]
    low, high = bootstrap(statistic, actual, predicted, concepts, 150, confidence, 7)
    assert (found[f"{name}_low"], found[f"{name}_high"]) == pytest.approx((low, high), abs=1e-6)  # type: ignore[literal-required]
    assert low < high


def test_a_system_that_is_always_right_leaves_no_doubt_however_rare_a_topic_is() -> None:
    """A topic that a resample happens to miss is no mistake in it."""
    actual = [f"topic {i}" for i in range(30)]
    found = scored(actual, actual)
    assert (found["accuracy_low"], found["accuracy_high"]) == (1, 1)
    assert (found["macro_f1_low"], found["macro_f1"], found["macro_f1_high"]) == (1, 1, 1)


@pytest.mark.parametrize("size", [50, 400])
@pytest.mark.parametrize("right", [0.1, 0.5, 0.9])
def test_the_interval_contains_the_point(size: int, right: float) -> None:
    found = scored(*some_answers(size, right))
    assert 0 <= found["accuracy_low"] < found["accuracy"] < found["accuracy_high"] <= 1
    assert 0 <= found["macro_f1_low"] < found["macro_f1"] < found["macro_f1_high"] <= 1


def width(scores: Scores) -> float:
    """Of the interval of the accuracy."""
    return scores["accuracy_high"] - scores["accuracy_low"]


def test_more_texts_make_the_interval_narrower_as_their_root() -> None:
    few, many = (scored(*some_answers(size, 0.6), resamples=1000) for size in (100, 1600))
    assert width(few) / width(many) == pytest.approx(4, rel=0.2)
    assert many["macro_f1_high"] - many["macro_f1_low"] < few["macro_f1_high"] - few["macro_f1_low"]


def test_the_interval_has_the_width_that_the_binomial_law_gives() -> None:
    found = scored(*some_answers(1600, 0.6), resamples=1000)
    deviation = (found["accuracy"] * (1 - found["accuracy"]) / 1600) ** 0.5
    assert width(found) == pytest.approx(2 * 1.96 * deviation, rel=0.15)


def test_less_confidence_makes_the_interval_narrower() -> None:
    actual, predicted = some_answers(200, 0.6)
    own = [str(i) for i in range(200)]
    sure, unsure = (score(actual, predicted, own, resamples=500, confidence=c, seed=1) for c in (0.99, 0.5))
    assert width(unsure) < width(sure)
    assert sure["accuracy_low"] < unsure["accuracy_low"] < unsure["accuracy_high"] < sure["accuracy_high"]


def test_two_texts_of_one_concept_are_no_two_witnesses() -> None:
    """Every text twice: the interval must stay as wide as it was, which is √2 of what 400 free texts would give."""
    actual, predicted = some_answers(200, 0.6)
    once = scored(actual, predicted, resamples=1000)
    together = scored(actual * 2, predicted * 2, [str(i) for i in range(200)] * 2, resamples=1000)
    apart = scored(actual * 2, predicted * 2, resamples=1000)
    assert together["accuracy"] == apart["accuracy"] == once["accuracy"]
    assert width(together) == pytest.approx(width(once), rel=0.1)
    assert width(together) / width(apart) == pytest.approx(2**0.5, rel=0.15)
    assert together["n"] == 400


def test_scores_depend_on_the_seed_and_on_nothing_global() -> None:
    actual, predicted = some_answers(80, 0.6)
    own = [str(i) for i in range(80)]
    states = random.getstate(), str(numpy.random.get_state()), torch.get_rng_state()  # noqa: NPY002
    first = score(actual, predicted, own, resamples=100, confidence=0.95, seed=1)
    assert (random.getstate(), str(numpy.random.get_state())) == states[:2]  # noqa: NPY002
    assert torch.equal(torch.get_rng_state(), states[2])
    random.seed(9)
    numpy.random.seed(9)  # noqa: NPY002
    assert score(actual, predicted, own, resamples=100, confidence=0.95, seed=1) == first
    assert score(actual, predicted, own, resamples=100, confidence=0.95, seed=2) != first


def test_neither_the_names_of_the_topics_nor_those_of_the_concepts_matter() -> None:
    actual, predicted = some_answers(60, 0.6)
    renamed = [[f"{9 - TOPICS.index(topic)}" for topic in answers] for answers in (actual, predicted)]
    concepts = [f"{i:03}" for i in range(60)]
    assert scored(actual, predicted, concepts) == scored(renamed[0], renamed[1], [f"Q{name}" for name in concepts])
