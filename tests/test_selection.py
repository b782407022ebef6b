"""A step that costs accuracy is not kept: by validation labels, by confidence, or not judged at all."""

import copy
from collections import Counter
from pathlib import Path

import pandas
import pytest
import torch

from crosswiki.bert.models import Classifier
from crosswiki.bert.pretrained import load_pretrained
from crosswiki.embeddings.affixes import Affixes
from crosswiki.embeddings.lexicon import Entry, Lexicon, Translation, save_counts, save_lexicon
from crosswiki.evaluation.confidence import LEAST_LABELS, calibrate_on
from crosswiki.evaluation.selection import Judge
from tests.tiny import make_tiny_model, trio_texts

CPU = torch.device("cpu")


@pytest.fixture(scope="module")
def sports(tmp_path_factory: pytest.TempPathFactory) -> Classifier:
    """A classifier that calls every text sports, with more or less confidence."""
    folder = tmp_path_factory.mktemp("models") / "tiny"
    make_tiny_model(folder, deviation=0.5)
    classifier = load_pretrained(str(folder), ["art", "sports"], 1)
    classifier.tokenizer.model_max_length = 32
    return calling(classifier, "sports")


def calling(classifier: Classifier, topic: str, confidence: float = 3.0) -> Classifier:
    model = copy.deepcopy(classifier.model)
    with torch.no_grad():
        model.classifier.weight.mul_(0.1)
        model.classifier.bias.zero_()
        model.classifier.bias[classifier.topics.index(topic)] = confidence
    return Classifier(model, classifier.tokenizer)


def articles(topics: list[str | None], split: str = "validation") -> pandas.DataFrame:
    texts = trio_texts("en")
    rows = [
        {"id": str(n), "concept": f"c{n}", "text": texts[n % len(texts)], "topic": topic, "split": split}
        for n, topic in enumerate(topics)
    ]
    return pandas.DataFrame(rows)


def test_labels_decide_where_there_are_enough(sports: Classifier) -> None:
    art, target = calling(sports, "art"), articles(["art"] * LEAST_LABELS)
    source = articles(["sports"] * 20)
    gained = Judge(target, source, sports, CPU, 1).choose(sports, art)
    assert gained.classifier is art
    assert gained.metrics == {"validation_accuracy_before": 0.0, "validation_accuracy_after": 1.0, "kept": 1}
    lost = Judge(target, source, sports, CPU, 1).choose(art, sports)
    assert lost.classifier is art
    assert lost.metrics == {"validation_accuracy_before": 1.0, "validation_accuracy_after": 0.0, "kept": 0}


def test_a_tolerated_loss_is_kept(sports: Classifier) -> None:
    art, target = calling(sports, "art"), articles(["art"] * 52 + ["sports"] * 48)
    source = articles(["sports"] * 20)
    assert Judge(target, source, sports, CPU, 1).choose(art, sports, 0.05).classifier is sports
    assert Judge(target, source, sports, CPU, 1).choose(art, sports, 0.03).classifier is art


def test_confidence_decides_where_there_are_no_labels(sports: Classifier) -> None:
    """The teacher is right on half of its texts, so half of them are above the threshold."""
    unsure, target = calling(sports, "sports", 0.01), articles([None] * 40)
    source = articles(["sports", "art"] * 20)
    choice = Judge(target, source, sports, CPU, 1).choose(sports, unsure)
    assert choice.classifier is sports
    assert choice.metrics["estimated_accuracy_after"] == 0
    assert choice.metrics["estimated_accuracy_before"] > 0.2
    assert Judge(target, source, sports, CPU, 1).choose(unsure, sports).classifier is sports


def test_a_few_labels_do_not_decide(sports: Classifier) -> None:
    target = articles(["art"] * (LEAST_LABELS - 1))
    choice = Judge(target, articles(["sports", "art"] * 20), sports, CPU, 1).choose(sports, calling(sports, "art"))
    assert "estimated_accuracy_after" in choice.metrics


def test_nothing_to_judge_by_keeps_the_step(sports: Classifier) -> None:
    after = calling(sports, "art")
    for target, source in (
        (articles([None] * 9, "train"), articles(["sports"] * 9)),
        (articles([None] * 9), articles(["sports"] * 9, "train")),
    ):
        choice = Judge(target, source, sports, CPU, 1).choose(sports, after)
        assert choice.classifier is after
        assert choice.metrics == {"kept": 1}


def test_the_test_split_is_not_read(sports: Classifier) -> None:
    held_back = articles(["art"] * 100, "test")
    choice = Judge(held_back, articles(["sports"] * 9), sports, CPU, 1).choose(sports, calling(sports, "art"))
    assert choice.metrics == {"kept": 1}


def test_with_a_lexicon_the_sources_labels_decide_in_the_targets_words(sports: Classifier, tmp_path: Path) -> None:
    """Every text of the source is art, in whatever words, so a classifier that says so is kept however unsure it is."""
    entries = {"truc": Entry((Translation("the", 1.0),), "dictionary")}
    save_lexicon(Lexicon("fr", "en", entries, Affixes({}, {}), frozenset()), tmp_path)
    save_counts(Counter(truc=3), tmp_path / "words.tsv")
    unsure, source, target = calling(sports, "art", 1.0), articles(["art"] * 20), articles([None] * 40)
    gained = Judge(target, source, sports, CPU, 1, lexicon=tmp_path).choose(sports, unsure)
    assert gained.classifier is unsure
    assert gained.metrics == {"carried_accuracy_before": 0.0, "carried_accuracy_after": 1.0, "kept": 1}
    assert Judge(target, source, sports, CPU, 1, lexicon=tmp_path).choose(unsure, sports).classifier is unsure
    measured = Judge(articles(["sports"] * LEAST_LABELS), source, sports, CPU, 1, lexicon=tmp_path).choose(
        sports, unsure
    )
    assert measured.metrics == {"validation_accuracy_before": 1.0, "validation_accuracy_after": 0.0, "kept": 0}


def test_a_few_labels_leave_the_temperature(sports: Classifier) -> None:
    """All are right, so the likeliest temperature makes every answer certain."""
    one = calling(sports, "sports")
    scores = calibrate_on(one, articles(["sports"] * (LEAST_LABELS - 1)), CPU)
    assert one.temperature == 1
    assert scores["validation_accuracy"] == 1
    assert not any("calibration" in name for name in scores)
    assert "validation_calibration_error" in calibrate_on(one, articles(["sports"] * LEAST_LABELS), CPU)
    assert one.temperature < 0.1
