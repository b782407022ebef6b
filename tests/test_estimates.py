"""Accuracies that are estimated without a label of the language."""

import json
from dataclasses import replace
from pathlib import Path

import numpy
import pandas
import pytest
import torch

from crosswiki.bert.distillation import PairedTexts
from crosswiki.bert.models import Classifier
from crosswiki.bert.pretrained import load_pretrained
from crosswiki.embeddings.affixes import Affixes
from crosswiki.embeddings.lexicon import Entry, Lexicon, Translation, save_counts, save_lexicon
from crosswiki.evaluation.confidence import Answers, estimate_accuracies
from crosswiki.evaluation.estimates import ADJUSTED, TAUGHT, Estimator, prepare_estimator
from crosswiki.pipeline.parameters import load_parameters
from tests.test_selection import calling
from tests.tiny import ROOT, make_tiny_model

CPU = torch.device("cpu")
KNOWN = ["art", "art", "art", "sports"]
LOGITS = numpy.array([[3.0, 0.0], [2.0, 0.0], [1.0, 0.0], [0.0, 0.5]])


@pytest.fixture
def teacher(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Classifier:
    make_tiny_model(tmp_path / "tiny", deviation=0.5)
    classifier = load_pretrained(str(tmp_path / "tiny"), ["art", "sports"], 1)
    classifier.tokenizer.model_max_length = 32
    monkeypatch.chdir(tmp_path)
    return classifier


def answers(logits: numpy.ndarray) -> Answers:
    return Answers([("art", "sports")[place] for place in logits.argmax(1)], logits, 1.0)


def test_what_has_learnt_from_the_target_is_measured_on_labels_in_its_words(teacher: Classifier) -> None:
    carried = PairedTexts(["un", "deux", "trois", "quatre"], [None] * 4, list(KNOWN))
    estimator = Estimator(teacher, answers(LOGITS), KNOWN, {"target": carried}, TAUGHT, CPU)
    assert estimator.by_labels("target", "distilled", calling(teacher, "art")) == {"distilled": 0.75}
    assert estimator.by_labels("target", "adapted", calling(teacher, "sports")) == {"adapted": 0.25}
    assert estimator.by_labels("target", "transplanted", teacher) == {}
    none = replace(estimator, carried={"target": PairedTexts([], [], [])})
    assert none.by_labels("target", "distilled", teacher) == {}


def test_the_glosses_confidence_is_taken_before_it_is_adjusted(teacher: Classifier) -> None:
    Path("models/shares").mkdir(parents=True)
    Path("models/shares/target.json").write_text(json.dumps({"art": 0.0, "sports": 2.5}))
    estimator = Estimator(teacher, answers(LOGITS), KNOWN, {}, ADJUSTED, CPU)
    given = {"copied": answers(LOGITS), "glossed": answers(LOGITS + numpy.array([0.0, 2.5]))}
    found = estimator.by_confidence("target", given)
    assert found == estimate_accuracies(estimator.reference, KNOWN, {name: answers(LOGITS) for name in given})
    assert found["glossed"] == found["copied"]


@pytest.mark.parametrize(("assumed", "systems"), [(False, TAUGHT), (True, ADJUSTED)])
def test_the_sources_texts_are_carried_into_each_languages_words(
    teacher: Classifier, assumed: bool, systems: tuple[str, ...]
) -> None:
    for role, word in (("target", "chat"), ("test", "gato")):
        folder = Path("models/gloss") / role
        folder.mkdir(parents=True)
        entries = {word: Entry((Translation("cat", 1.0),), "dictionary")}
        save_lexicon(Lexicon("fr", "en", entries, Affixes({}, {}), frozenset()), folder)
        save_counts({word: 1}, folder / "words.tsv")
    known = pandas.DataFrame({"text": ["a cat"], "topic": ["art"], "concept": ["1"]})
    params = load_parameters(ROOT / "params.yaml").model_copy(update={"source_shares": assumed})
    estimator = prepare_estimator(teacher, known, params, CPU)
    assert {role: carried.texts for role, carried in estimator.carried.items()} == {
        "target": ["a chat"],
        "test": ["a gato"],
    }
    assert estimator.topics == ["art"]
    assert tuple(estimator.by_these) == systems
