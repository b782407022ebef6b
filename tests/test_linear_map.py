"""The map from word vectors to embeddings: against planted maps, a closed form, and the lengths that it keeps."""

import numpy
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from crosswiki.bert.linear_map import PENALTIES, blend, predict_embeddings
from crosswiki.embeddings.vectors import unit

SOURCE, NEW, DIM, HIDDEN = 300, 20, 6, 9


def drawn(seed: int, *shape: int) -> torch.Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


def test_a_planted_map_is_found() -> None:
    source, other = unit(drawn(0, SOURCE, DIM)), unit(drawn(1, NEW, DIM))
    matrix, offset = 100 * drawn(2, DIM, HIDDEN), drawn(3, HIDDEN)
    found = predict_embeddings(source @ matrix + offset, source, other)
    numpy.testing.assert_allclose(found, other @ matrix + offset, rtol=0.05, atol=2.0)


def left_out(source: torch.Tensor, embeddings: torch.Tensor, penalty: float) -> float:
    """The mean squared error of each token, as the map of all others predicts it."""
    errors = []
    for place in range(len(source)):
        others = torch.arange(len(source)) != place
        errors.append(
            (ridge(source[others], embeddings[others], source[place : place + 1], penalty) - embeddings[place])
            .square()
            .mean()
        )
    return float(torch.stack(errors).mean())


def ridge(source: torch.Tensor, embeddings: torch.Tensor, other: torch.Tensor, penalty: float) -> torch.Tensor:
    """(XᵀX + λI)⁻¹ XᵀY about the means: Hoerl and Kennard 1970."""
    centred, mean = source - source.mean(0), embeddings.mean(0)
    weights = torch.linalg.solve(
        centred.mT @ centred + penalty * torch.eye(source.shape[1]), centred.mT @ (embeddings - mean)
    )
    return (other - source.mean(0)) @ weights + mean


def test_it_is_ridge_regression_with_the_penalty_that_predicts_left_out_tokens_best() -> None:
    source, other = unit(drawn(4, 60, DIM)).double(), unit(drawn(5, NEW, DIM)).double()
    embeddings = source @ drawn(6, DIM, HIDDEN).double() + 0.5 * drawn(7, 60, HIDDEN).double()
    best = min(PENALTIES, key=lambda penalty: left_out(source, embeddings, penalty))
    torch.testing.assert_close(predict_embeddings(embeddings, source, other), ridge(source, embeddings, other, best))


@pytest.mark.parametrize(("known", "new"), [(5, 0), (1, 3), (0, 3)])
def test_too_few_tokens_make_no_map_and_change_no_mixture(known: int, new: int) -> None:
    predicted = predict_embeddings(drawn(0, known, HIDDEN), drawn(1, known, DIM), drawn(2, new, DIM))
    mixtures = drawn(3, new, HIDDEN)
    torch.testing.assert_close(blend(mixtures, predicted, 0.3), mixtures)


@given(share=st.floats(0, 1), seed=st.integers(0, 100))
def test_a_blend_keeps_the_lengths_and_lies_between(share: float, seed: int) -> None:
    mixtures, predicted = drawn(seed, NEW, HIDDEN).double(), 7 * drawn(seed + 1, NEW, HIDDEN).double()
    found = blend(mixtures, predicted, share)
    torch.testing.assert_close(found.norm(dim=1), mixtures.norm(dim=1))
    for ends in (mixtures, predicted):
        nearer = (unit(found) * unit(ends)).sum(1) - (unit(mixtures) * unit(predicted)).sum(1)
        assert nearer.min() > -1e-9


@pytest.mark.parametrize(("share", "end"), [(0.0, 0), (1.0, 1)])
def test_the_ends_of_a_blend(share: float, end: int) -> None:
    sides = drawn(0, NEW, HIDDEN).double(), drawn(1, NEW, HIDDEN).double()
    torch.testing.assert_close(unit(blend(*sides, share)), unit(sides[end]))
