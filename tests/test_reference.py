"""The plain skip-gram of the paper, against formulas."""

import numpy
import pytest
import torch
from scipy.stats import chisquare

from crosswiki.embeddings.skipgram.reference import (
    NegativeSamplingLoss,
    generate_negative_samples,
    keep_probability,
    noise_distribution,
)
from tests.test_blocks import model_of
from tests.words import seeded


def test_the_plain_loss_is_equation_4() -> None:
    positive = torch.tensor([0.3, -2.0], dtype=torch.float64)
    negative = torch.tensor([[1.0, 0.0, -3.0], [0.5, 2.0, 7.0]], dtype=torch.float64)

    def log_sigmoid(x: float) -> float:
        return -float(numpy.log1p(numpy.exp(-x)))

    expected = -sum(log_sigmoid(float(x)) for x in positive) - sum(log_sigmoid(-float(x)) for x in negative.flatten())
    assert NegativeSamplingLoss()(positive, negative).item() == pytest.approx(expected, rel=1e-12)
    half = NegativeSamplingLoss()(positive, negative, torch.full_like(negative, 0.5)).item()
    only = NegativeSamplingLoss()(positive, negative, torch.zeros_like(negative)).item()
    assert half == pytest.approx((expected + only) / 2, rel=1e-12)
    assert only == pytest.approx(-sum(log_sigmoid(float(x)) for x in positive), rel=1e-12)


def test_a_score_is_the_product_of_a_centre_and_a_context() -> None:
    model = model_of(3, 9, 4)
    centre, context = torch.tensor([1, 8]), torch.tensor([[0, 1, 1], [8, 2, 7]])
    v, w = model.centres.detach().numpy(), model.contexts.detach().numpy()
    expected = [[v[1] @ w[0], v[1] @ w[1], v[1] @ w[1]], [v[8] @ w[8], v[8] @ w[2], v[8] @ w[7]]]
    numpy.testing.assert_allclose(model(centre, context).detach(), expected)
    numpy.testing.assert_allclose(model(centre, context[:, 0]).detach(), [expected[0][0], expected[1][0]])


@pytest.mark.parametrize("exponent", [0.0, 0.75, 1.0])
def test_noise_words_are_drawn_in_proportion_to_a_power_of_their_counts(exponent: float) -> None:
    counts = numpy.array([1, 2, 5, 10, 100, 1000, 3, 40])
    expected = counts**exponent / (counts**exponent).sum()
    distribution = noise_distribution(torch.from_numpy(counts), exponent)
    assert distribution.tolist() == pytest.approx(expected)
    drawn = generate_negative_samples(distribution, (300, 200), seeded(1))
    assert drawn.shape == (300, 200)
    assert drawn.dtype == torch.int64
    found = numpy.bincount(drawn.flatten().numpy(), minlength=len(counts))
    assert chisquare(found, expected * found.sum()).pvalue > 0.001


def test_a_word_that_never_occurs_is_never_drawn() -> None:
    distribution = noise_distribution(torch.tensor([0, 3, 0, 1, 0]), 0.75)
    assert set(generate_negative_samples(distribution, (20_000,), seeded(1)).tolist()) == {1, 3}


def test_frequent_words_are_kept_as_often_as_the_paper_says() -> None:
    counts = numpy.array([1, 10, 100, 1000, 10_000])
    found = keep_probability(torch.from_numpy(counts), 0.001)
    frequencies = counts / counts.sum()
    assert found.tolist() == pytest.approx([min(1.0, (0.001 / f) ** 0.5) for f in frequencies])
    assert 1 - found[-1].item() == pytest.approx(1 - (0.001 / frequencies[-1]) ** 0.5)
    assert keep_probability(torch.from_numpy(counts), 0.0).tolist() == [1.0] * 5
