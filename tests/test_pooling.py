"""A pool answers with the normalised product of its members' probabilities."""

import numpy
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from crosswiki.evaluation.comparison import BASELINES, MEMBERS, MODELS, POOLED, check_peers
from crosswiki.evaluation.confidence import OTHER_SCALE, Answers
from crosswiki.evaluation.pooling import pool_answers
from crosswiki.pipeline.errors import UserError

TOPICS = ["art", "law", "sport"]
LOGITS = arrays(numpy.float64, (4, 3), elements=st.floats(-4, 4))


def answers(logits: numpy.ndarray, temperature: float = 1.0) -> Answers:
    return Answers([TOPICS[place] for place in logits.argmax(1)], logits, temperature)


def probabilities(logits: numpy.ndarray) -> numpy.ndarray:
    exponentials = numpy.exp(logits)
    return exponentials / exponentials.sum(1, keepdims=True)


@settings(max_examples=50)
@given(LOGITS, LOGITS, LOGITS)
def test_it_is_the_normalised_geometric_mean(one: numpy.ndarray, two: numpy.ndarray, three: numpy.ndarray) -> None:
    """Of the members' calibrated probabilities."""
    product = probabilities(one) * probabilities(two / 0.7) * probabilities(three)
    expected = product ** (1 / 3)
    expected /= expected.sum(1, keepdims=True)
    found = pool_answers([answers(one), answers(two, temperature=0.7), answers(three)], TOPICS)
    numpy.testing.assert_allclose(probabilities(found.logits), expected, atol=1e-9)
    numpy.testing.assert_allclose(found.confidence(), expected.max(1), atol=1e-9)
    again = pool_answers([answers(three), answers(one), answers(two, temperature=0.7)], TOPICS)
    numpy.testing.assert_allclose(again.logits, found.logits, atol=1e-9)


@settings(max_examples=20)
@given(LOGITS, st.integers(1, 4), st.floats(-50, 50))
def test_members_that_agree_are_one(logits: numpy.ndarray, members: int, shift: float) -> None:
    """What is added to all logits of a text, as models do, says nothing."""
    found = pool_answers([answers(logits + place * shift) for place in range(members)], TOPICS)
    numpy.testing.assert_allclose(probabilities(found.logits), probabilities(logits), atol=1e-6)


def test_who_is_sure_that_it_is_not_so_is_heard() -> None:
    """Two lean towards art, one thinks it impossible: a vote or a mean of probabilities would say art."""
    leaning = answers(numpy.log([[0.6, 0.4 - 1e-9, 1e-9]]))
    denying = answers(numpy.log([[1e-6, 0.5, 0.5 - 1e-6]]))
    assert pool_answers([leaning, leaning, denying], TOPICS).topics == ["law"]


@pytest.mark.parametrize("role", ["target", "test"])
def test_its_members_are_systems_without_labels_of_the_language(role: str) -> None:
    assert set(MEMBERS[role]) < set(MODELS[role])  # type: ignore[index]
    assert not {"finetuned", "scratch", *BASELINES[role]} & set(MEMBERS[role])  # type: ignore[index]
    assert POOLED in OTHER_SCALE  # its confidence says nothing by the teacher's threshold


@pytest.mark.parametrize("name", [POOLED, "title", "text", "id", "target", "teacher"])
def test_a_peer_cannot_have_its_name_or_that_of_a_column(name: str) -> None:
    with pytest.raises(UserError, match=f"found '{name}', which is taken"):
        check_peers(["use", name])
