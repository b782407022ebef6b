"""Answers that have each topic as often as the source's labels do."""

import json
from pathlib import Path

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from transformers import AutoConfig, AutoModelForSequenceClassification

from crosswiki.bert import classification
from crosswiki.bert.classification import predict_logits
from crosswiki.bert.models import Classifier, add_to_logits
from crosswiki.bert.pretrained import load_pretrained
from crosswiki.corpora.articles import TASK
from crosswiki.evaluation.teachers import adjust
from crosswiki.evaluation.topic_shares import (
    load_log_odds,
    log_odds,
    odds_of_shares,
    representative_texts,
    shares_of,
)
from crosswiki.pipeline.errors import UserError
from tests.test_architectures import KINDS
from tests.test_selection import articles
from tests.test_teachers import random_probabilities
from tests.tiny import make_tiny_model, trio_texts

CPU = torch.device("cpu")
TEXTS = trio_texts("en")[:5]


@pytest.fixture
def classifier(tmp_path: Path) -> Classifier:
    make_tiny_model(tmp_path / "tiny", deviation=0.5)
    classifier = load_pretrained(str(tmp_path / "tiny"), ["art", "sports"], 1)
    classifier.tokenizer.model_max_length = 32
    return classifier


@given(st.integers(0, 1000))
def test_adjusted_answers_have_the_shares_and_keep_the_odds_between_texts(seed: int) -> None:
    """p'(a | x) / p'(b | x) is the same multiple of p(a | x) / p(b | x) for every text x."""
    said, shares = random_probabilities(50, seed), torch.tensor([0.1, 0.2, 0.3, 0.4])
    factors = odds_of_shares(said, shares)
    adjusted = adjust({"glossed": said}, {"glossed": factors})["glossed"]
    assert adjusted.mean(0).tolist() == pytest.approx(shares.tolist(), abs=1e-4)
    assert adjusted.sum(1).tolist() == pytest.approx([1.0] * 50, abs=1e-5)
    odds = (adjusted[:, 1:] / adjusted[:, :1]) / (said[:, 1:] / said[:, :1])
    expected = (factors[1:] / factors[0]).float().expand(50, 3)
    assert odds.flatten().tolist() == pytest.approx(expected.flatten().tolist(), rel=1e-3)


def test_shares_are_counted_among_labels() -> None:
    assert shares_of(["b", "a", "b", "b"], ["a", "b"]).tolist() == [0.25, 0.75]


@pytest.mark.parametrize("kind", KINDS)
def test_a_number_is_added_to_each_logit_of_every_text(
    kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(classification, "half_precision", lambda device: False)
    make_tiny_model(tmp_path, kind, deviation=0.3)
    classifier, change = load_pretrained(str(tmp_path), ["a", "b", "c"], seed=1), torch.tensor([-1.0, 0.5, 2.0])
    before = predict_logits(classifier, TEXTS, 40, CPU, "before")
    add_to_logits(classifier.model, change)
    torch.testing.assert_close(predict_logits(classifier, TEXTS, 40, CPU, "after"), before + change)


def test_a_last_layer_without_a_bias_is_refused() -> None:
    config = AutoConfig.for_model("gpt2", vocab_size=20, n_embd=8, n_layer=1, n_head=2, num_labels=3)
    with pytest.raises(UserError, match="source_shares: the output layer of gpt2 has no bias"):
        add_to_logits(AutoModelForSequenceClassification.from_config(config), torch.zeros(3))


def test_a_classifier_for_which_all_is_sport_answers_as_often_as_the_labels_say(classifier: Classifier) -> None:
    labels = ["art", "sports", "art", "art"]
    add_to_logits(classifier.model, torch.tensor([0.0, 3.0]))
    change = log_odds(classifier, TEXTS, labels, CPU, "shares")
    add_to_logits(classifier.model, change)
    again = log_odds(classifier, TEXTS, labels, CPU, "shares")
    assert (again[0] - again[1]).item() == pytest.approx(0.0, abs=1e-2)  # nothing is left to add
    assert (change[0] - change[1]).item() > 3
    assert log_odds(classifier, [], labels, CPU, "shares").tolist() == [0.0, 0.0]


def test_the_tasks_own_texts_stand_for_a_language_and_no_text_of_the_test_split() -> None:
    table = articles(["art"] * 6)
    table["split"] = ["train", "train", "validation", "test", "train", "train"]
    train = table[table["split"] == "train"]["text"].tolist()
    assert sorted(representative_texts(table, 1)) == sorted(train)
    table.loc[1, "concept"] = f"{TASK}one"
    assert representative_texts(table, 1) == [table.loc[1, "text"]]


def test_what_is_added_to_glosses_is_read_by_topic(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UserError, match=r"models/shares/test.json: not there: .*dvc repro transplant"):
        load_log_odds("test", ["art"])
    Path("models/shares").mkdir(parents=True)
    for role, found in (("test", {}), ("target", {"sports": 0.5, "art": -0.25})):
        Path(f"models/shares/{role}.json").write_text(json.dumps(found))
    assert load_log_odds("test", ["art", "sports"]).tolist() == [0.0, 0.0]
    assert load_log_odds("target", ["art", "sports"]).tolist() == [-0.25, 0.5]
