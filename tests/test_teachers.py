"""Several teachers of one student: their mixture, their agreement, and what each text counts."""

from pathlib import Path

import numpy
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from scipy.spatial.distance import jensenshannon
from torch import Tensor
from torch.nn.functional import one_hot

from crosswiki.bert.distillation import UNKNOWN, PairedTexts, distillation_loss
from crosswiki.bert.models import Classifier
from crosswiki.bert.pretrained import load_pretrained
from crosswiki.embeddings.affixes import Affixes
from crosswiki.embeddings.lexicon import Lexicon, save_lexicon
from crosswiki.evaluation.confidence import LEAST_LABELS
from crosswiki.evaluation.teachers import (
    Panel,
    agreement,
    choose_weights,
    equal_weights,
    mix,
    prepare_lessons,
)
from tests.test_selection import articles, calling
from tests.tiny import make_tiny_model


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


@pytest.fixture
def panel(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Panel:
    """Two teachers that differ: the adapted model calls every text art, the teacher of the source sports."""
    make_tiny_model(tmp_path / "tiny", deviation=0.5)
    classifier = load_pretrained(str(tmp_path / "tiny"), ["art", "sports"], 1)
    classifier.tokenizer.model_max_length = 16
    folder = tmp_path / "models" / "gloss" / "target"
    folder.mkdir(parents=True)
    save_lexicon(Lexicon("fr", "en", {}, Affixes({}, {}), frozenset()), folder)
    monkeypatch.chdir(tmp_path)
    teacher: Classifier = calling(classifier, "sports")
    return Panel(("adapted", "glossed"), teacher, calling(classifier, "art"), 0.0, torch.device("cpu"))


PAIRED = PairedTexts(["un", "deux", "trois"], [None, "two", None], [None, "sports", None])


def test_validation_labels_choose_between_teachers_and_a_linked_text_has_the_sources(panel: Panel) -> None:
    lessons = prepare_lessons(panel, PAIRED, articles(["art"] * LEAST_LABELS))
    assert lessons.metrics["weight_adapted"] == lessons.metrics["teachers_validation_accuracy"] == 1.0
    assert lessons.logits.argmax(1).tolist() == [0, 1, 0]
    assert lessons.trust.tolist() == [1.0, 1.0, 1.0]
    assert set(lessons.columns(hidden=False)) == {"teacher_logits", "trust"}
    assert len(lessons.columns(hidden=True)["teacher_states"]) == 3


def test_without_labels_teachers_weigh_the_same_and_a_text_they_differ_on_counts_less(panel: Panel) -> None:
    lessons = prepare_lessons(panel, PAIRED, articles(["art"] * (LEAST_LABELS - 1)))
    assert lessons.metrics["weight_adapted"] == lessons.metrics["weight_glossed"] == 0.5
    assert "teachers_validation_accuracy" not in lessons.metrics
    assert lessons.trust[1] == 1.0  # linked
    assert max(lessons.trust[0], lessons.trust[2]) < 0.5
    assert lessons.metrics["agreement"] == pytest.approx(float(lessons.trust[[0, 2]].mean()), abs=1e-6)


def test_a_teacher_that_calls_all_texts_one_topic_is_adjusted_to_the_sources_shares(panel: Panel) -> None:
    """The adapted model is for art on every text, the source's teacher for sports; they differ by nothing else."""
    texts = PairedTexts(["un", "deux"], [None] * 2, [None] * 2)
    lessons = prepare_lessons(panel, texts, articles([None] * 9), ["art", "art", "art", "sports"])
    assert lessons.logits.softmax(1).mean(0).tolist() == pytest.approx([0.75, 0.25], abs=1e-3)
    assert lessons.metrics["agreement"] > 0.9
    usual = prepare_lessons(panel, texts, articles([None] * 9))
    assert usual.logits.softmax(1).mean(0).tolist() == pytest.approx([0.5, 0.5], abs=0.02)
    assert usual.metrics["agreement"] < 0.5
