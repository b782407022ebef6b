"""Several teachers of one student: their mixture, their agreement, and what each text counts."""

import numpy
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from scipy.spatial.distance import jensenshannon
from torch import Tensor
from torch.nn.functional import one_hot

from crosswiki.bert.distillation import UNKNOWN, distillation_loss
from crosswiki.evaluation.teachers import agreement, choose_weights, equal_weights, mix


def random_probabilities(texts: int, seed: int) -> Tensor:
    return (2 * torch.randn(texts, 4, generator=torch.Generator().manual_seed(seed))).softmax(1)


def test_teachers_are_mixed_by_their_weights() -> None:
    said = {"adapted": torch.tensor([[1.0, 0.0]]), "neighbours": torch.tensor([[0.2, 0.8]])}
    assert mix(said, {"adapted": 0.25, "neighbours": 0.75}).tolist() == [pytest.approx([0.4, 0.6])]
    assert equal_weights(["adapted", "neighbours"]) == {"adapted": 0.5, "neighbours": 0.5}


@given(st.integers(0, 1000))
def test_two_teachers_agree_as_far_as_scipys_divergence_says(seed: int) -> None:
    said = {"adapted": random_probabilities(5, seed), "neighbours": random_probabilities(5, seed + 1)}
    distances = [jensenshannon(a, b, base=2) for a, b in zip(*(p.double().numpy() for p in said.values()), strict=True)]
    expected = 1 - numpy.square(distances)
    assert agreement(said, equal_weights(list(said))).tolist() == pytest.approx(expected, abs=1e-5)


def test_teachers_agree_wholly_or_not_at_all_and_one_alone_with_itself() -> None:
    art, sport = torch.tensor([[1.0, 0.0, 0.0]]), torch.tensor([[0.0, 1.0, 0.0]])
    weather = torch.tensor([[0.0, 0.0, 1.0]])
    three = {"adapted": art, "neighbours": sport, "glossed": weather}
    assert agreement(three, {"adapted": 0.5, "neighbours": 0.3, "glossed": 0.2}).tolist() == [
        pytest.approx(0.0, abs=1e-6)
    ]
    assert agreement({"adapted": art, "neighbours": art}, {"adapted": 0.5, "neighbours": 0.5}).tolist() == [1.0]
    assert agreement({"adapted": random_probabilities(2, 0)}, {"adapted": 1.0}).tolist() == [1.0, 1.0]


def test_validation_chooses_the_teacher_that_is_right_and_a_mixture_where_each_is_right_at_times() -> None:
    actual = torch.arange(40) % 4
    right, wrong = 0.8 * one_hot(actual, 4) + 0.05, 0.8 * one_hot((actual + 1) % 4, 4) + 0.05
    assert choose_weights({"adapted": wrong, "neighbours": right}, actual) == ({"adapted": 0.0, "neighbours": 1.0}, 1.0)
    first = torch.arange(40)[:, None] < 12
    weights, _ = choose_weights(
        {"adapted": torch.where(first, right, wrong), "neighbours": torch.where(first, wrong, right)}, actual
    )
    assert 0 < weights["adapted"] < weights["neighbours"] < 1


def test_a_text_counts_in_the_soft_loss_as_far_as_it_is_trusted() -> None:
    student, teacher = random_probabilities(3, 1).log(), random_probabilities(3, 2).log()
    labels = torch.tensor([UNKNOWN, 2, UNKNOWN])
    each = [distillation_loss(student[[text]], teacher[[text]], labels[[text]], 2.0, 0.7).item() for text in range(3)]
    whole = distillation_loss(student, teacher, labels, 2.0, 0.7).item()
    assert whole == pytest.approx(sum(each) / 3, rel=1e-5)
    trusted = distillation_loss(student, teacher, labels, 2.0, 0.7, trust=torch.ones(3)).item()
    assert trusted == pytest.approx(whole, rel=1e-6)
    half = distillation_loss(student, teacher, labels, 2.0, 0.7, trust=torch.tensor([0.5, 1.0, 0.0])).item()
    assert half == pytest.approx((0.5 * each[0] + each[1]) / 3, rel=1e-5)
