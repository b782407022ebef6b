"""Class weights, in every loss on labels: against scikit-learn, against formulas, and on labels that are rare."""

from functools import partial

import numpy
import pandas
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from sklearn.utils.class_weight import compute_class_weight
from torch.nn.functional import log_softmax

from crosswiki.bert.classification import label_loss, label_weights
from crosswiki.bert.distillation import UNKNOWN, distillation_loss
from crosswiki.evaluation.label_curve import label_curve
from crosswiki.evaluation.linear import linear_classifier, tfidf
from crosswiki.pipeline.parameters import load_parameters
from crosswiki.pipeline.parameters_of_measuring import Evaluate
from tests.tiny import ROOT


@given(st.lists(st.integers(0, 4), min_size=1, max_size=40))
def test_balanced_weights_are_scikit_learns(labels: list[int]) -> None:
    weights = label_weights(labels, 5, "balanced")
    assert weights is not None
    there = sorted(set(labels))
    expected = compute_class_weight("balanced", classes=numpy.array(there), y=numpy.array(labels))
    assert weights[there].tolist() == pytest.approx(expected.tolist())
    assert weights.count_nonzero() == len(there)


@given(st.lists(st.integers(0, 4), min_size=1, max_size=40))
def test_the_topics_weigh_the_same_together_and_a_text_weighs_1_in_the_mean(labels: list[int]) -> None:
    weights = label_weights([*labels, UNKNOWN, UNKNOWN], 5, "balanced")
    assert weights is not None
    each = weights[torch.tensor(labels)]
    assert each.mean().item() == pytest.approx(1, rel=1e-5)
    totals = [each[torch.tensor(labels) == topic].sum().item() for topic in set(labels)]
    assert totals == pytest.approx([totals[0]] * len(totals), rel=1e-5)


def test_without_weights_or_labels_there_are_none() -> None:
    assert label_weights([0, 0, 1], 2, "none") is None
    assert label_weights([UNKNOWN, UNKNOWN], 2, "balanced") is None
    assert load_parameters(ROOT / "params.yaml").class_weights == "none"


class Logits(torch.nn.Module):
    """A model that gives the logits that it was made with."""

    def __init__(self, logits: torch.Tensor) -> None:
        super().__init__()
        self.logits = logits

    def forward(self) -> "Logits":
        return self


@pytest.mark.parametrize("kind", ["none", "balanced"])
def test_the_losses_are_weighted_means(kind: str) -> None:
    generator = torch.Generator().manual_seed(3)
    logits, teacher = torch.randn(2, 7, 3, generator=generator)
    labels = torch.tensor([0, 0, 0, 0, 1, 1, 2])
    weights = label_weights(labels.tolist(), 3, kind)  # type: ignore[arg-type]
    each = -log_softmax(logits, dim=1)[torch.arange(7), labels]
    its = torch.ones(7) if weights is None else torch.tensor([7 / 12, 7 / 6, 7 / 3])[labels]
    loss = label_loss(Logits(logits), {"labels": labels}, weights)  # type: ignore[arg-type]
    assert loss.item() == pytest.approx(((each * its).sum() / its.sum()).item(), rel=1e-5)
    some = labels.clone()
    some[0] = UNKNOWN
    hard = distillation_loss(logits, teacher, some, 2.0, 0.0, weights)
    assert hard.item() == pytest.approx(((each * its)[1:].sum() / 7).item(), rel=1e-5)
    soft = distillation_loss(logits, teacher, some, 2.0, 1.0, weights)
    assert soft.item() == distillation_loss(logits, teacher, some, 2.0, 1.0).item()


def rare_topics() -> tuple[list[str], list[str]]:
    """Texts of noise, in which one word makes the rare topic likelier, but never likely."""
    random = numpy.random.default_rng(1)
    texts, topics = [], []
    for _ in range(600):
        rare = random.random() < 0.1
        sign = random.random() < (0.9 if rare else 0.25)
        texts.append(" ".join([*random.choice(["a", "b", "c", "d"], 4), "sign" if sign else "none"]))
        topics.append("rare" if rare else "usual")
    return texts, topics


def test_the_baselines_find_rare_topics_where_they_are_balanced() -> None:
    texts, topics = rare_topics()
    features = numpy.array([[float("sign" in text)] for text in texts])
    truly = numpy.array(topics) == "rare"
    for fit in (
        lambda kind: tfidf(texts, topics, (1.0,), str.split, kind).predict(texts),
        lambda kind: linear_classifier(features, topics, (1.0,), kind).predict(features),
    ):
        plain, balanced = ((numpy.array(fit(kind)) == "rare")[truly].mean() for kind in ("none", "balanced"))
        assert plain < 0.2
        assert balanced > 0.6


def test_the_label_curve_is_balanced_too() -> None:
    texts, topics = rare_topics()
    splits = ["test" if place % 3 == 0 else "train" for place in range(len(texts))]
    names = [str(place) for place in range(len(texts))]
    table = pandas.DataFrame({"text": texts, "topic": topics, "split": splits, "concept": names, "id": names})
    draw = partial(label_curve, table, (1.0,), Evaluate(bootstrap_resamples=100, confidence=0.95), 1, str.split)
    plain, balanced = draw("none"), draw("balanced")
    assert plain["accuracy"].iloc[-1] > balanced["accuracy"].iloc[-1]  # always `usual` is nine times of ten right
