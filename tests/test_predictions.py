"""Answers over all topics and among those that the corpus names for a language, against planted scores."""

import json
import re
from pathlib import Path
from typing import Any

import numpy
import pandas
import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks.readme import table
from crosswiki.evaluation.comparison import TestSplit, score_systems
from crosswiki.evaluation.linear import linear_classifier, tfidf, topic_scores
from crosswiki.evaluation.predictions import Predictions, fewer_topics
from crosswiki.pipeline.checked_yaml import read_yaml
from crosswiki.pipeline.parameters_of_measuring import Evaluate
from crosswiki.pipeline.presets import PRESETS, FilesPreset, WheelPreset, load_preset
from stages import report
from tests.measured import LANGUAGES, scores_of, write_json, write_project
from tests.tiny import ROOT

TOPICS = ["Arts", "History", "None", "Physics"]  # one that careless reading takes for a missing value
ALONE = ("concept", "topic", "id")


def split(actual: list[str]) -> TestSplit:
    ids = [f"{place:03}" for place in range(len(actual))]
    return TestSplit(pandas.DataFrame({"id": ids, "concept": ids, "topic": actual}), None)


@given(st.sets(st.sampled_from([*TOPICS, "Sport"])), st.integers(0, 10_000))
def test_among_the_named_topics_the_likeliest_of_these_wins(named: set[str], seed: int) -> None:
    scores = numpy.random.default_rng(seed).normal(size=(9, 4))
    predictions = Predictions([*map(str, range(9))], frozenset(named) or None)
    predictions.add("model", TOPICS, scores)
    assert predictions.topics["model"] == [max(TOPICS, key=lambda topic: row[TOPICS.index(topic)]) for row in scores]
    known = [topic for topic in TOPICS if topic in named]
    expected = [max(known, key=lambda topic: row[TOPICS.index(topic)]) for row in scores] if known else None
    assert predictions.among_named.get("model") == expected


def test_a_system_is_scored_over_all_topics_and_among_the_named_ones() -> None:
    actual = ["Arts", "Arts", "History", "History"]
    # The first and the last text are answered rightly, the second is Physics; the third is None, and then Arts.
    scores = numpy.array([[3, 1, 0, 2], [2, 1, 0, 3], [2, 1, 3, 0], [0, 3, 2, 1]])
    options = (Evaluate(bootstrap_resamples=100, confidence=0.9), 1)
    found = {}
    for named in (frozenset({"Arts", "History"}), None):
        predictions = Predictions(list("abcd"), named)
        predictions.add("transplanted", TOPICS, scores)
        found[named] = score_systems("test", split(actual), predictions, [], *options)["transplanted"]
    few, every = found.values()
    assert few is not None and every is not None
    among = few.pop("among_named_topics")  # type: ignore[misc]
    assert few == every, "what is named changes nothing of the score over all topics"
    assert few["accuracy"] == 0.5
    assert (among["accuracy"], among["n"]) == (0.75, 4)
    assert among["macro_f1"] == pytest.approx((4 / 5 + 2 / 3) / 2, abs=1e-6)  # by hand: Arts 2 of 2 and one too many
    assert among["accuracy_low"] <= 0.75 <= among["accuracy_high"]


def test_the_default_corpus_names_fewer_topics_for_spanish_alone() -> None:
    preset = load_preset("offline", ROOT / PRESETS)
    languages = {"source": "en", "target": "fr", "test": "es"}
    articles = {role: pandas.DataFrame({"language": [language]}) for role, language in languages.items()}
    named = fewer_topics(articles, preset)  # type: ignore[arg-type]
    assert named["source"] is named["target"] is None
    spanish = {"Arts", "Geography", "History", "Mathematics", "People", "Philosophy and religion", "Technology"}
    assert named["test"] == spanish
    swapped = fewer_topics({"source": articles["test"], "target": articles["source"]}, preset)
    assert swapped == {"source": None, "target": None}, "a source with fewer topics takes none from the others"


def test_labels_of_the_users_own_may_be_any_topics() -> None:
    content = read_yaml(ROOT / PRESETS / "offline.yaml")
    file = {"path": "mine.csv", "columns": {"topic": "topic"}}
    answers = {"path": "answers.csv", "columns": {"topic": "topic", "article": "article"}}
    assert WheelPreset(**content, labelled={"en": [file]}).named_topics("es") is None
    joined = WheelPreset(**content, labelled={"es": [answers]})
    assert joined.named_topics("es") is None
    assert len(joined.named_topics("en") or ()) == 11
    assert FilesPreset(kind="files", languages={"source": "en", "target": "zh"}).named_topics("zh") is None


def test_saved_predictions_are_loaded_as_they_were(tmp_path: Path) -> None:
    predictions = Predictions(["1", "02", "NA"], frozenset({"None", "Arts"}))
    predictions.add("use", TOPICS, numpy.array([[0, 0, 0, 9], [5, 0, 6, 0], [9, 0, 0, 0]]))
    predictions.save(tmp_path, "test", actual=["None", "None", ""])
    written = [(tmp_path / f"{name}.csv").read_text(encoding="utf-8") for name in ("test", "named-test")]
    assert written[0] == "id,actual,use\n1,None,Physics\n02,None,None\nNA,,Arts\n"
    assert written[1] == "id,actual,use\n1,None,Arts\n02,None,None\nNA,,Arts\n"
    predictions.save(tmp_path, "test")
    again = Predictions(predictions.ids, predictions.named)
    assert again.load(tmp_path, "test") == ["use"]
    assert again == predictions
    Predictions(["1"], None).save(tmp_path, "source")
    assert {path.name for path in tmp_path.iterdir()} == {"test.csv", "named-test.csv", "source.csv"}
    assert Predictions(["1"], None).load(tmp_path, "source") == []


@pytest.mark.parametrize("topics", [["a", "b"], ["a", "b", "c"]])
def test_the_highest_score_of_a_linear_classifier_is_its_prediction(topics: list[str]) -> None:
    generator = numpy.random.default_rng(3)
    labels = [topics[place % len(topics)] for place in range(30)]
    features = generator.normal(size=(30, 5)) + numpy.array([[ord(label) - 97, 0, 0, 0, 0] for label in labels])
    texts = [f"{label} w{place % 4}" for place, label in enumerate(labels)]
    for classifier, read in (
        (linear_classifier(features, labels, [1.0]), features),
        (tfidf(texts, labels, [1.0], str.split), texts),
    ):
        known, scores = topic_scores(classifier, read)
        assert scores.shape == (30, len(topics))
        assert [known[place] for place in scores.argmax(1)] == classifier.predict(read).tolist()  # type: ignore[attr-defined]


@pytest.fixture
def evaluation() -> dict[str, Any]:
    systems: dict[str, Any] = {name: scores_of(0.8) for name in ("word_vectors", "copied", "transplanted")}
    systems["transplanted"] |= {"among_named_topics": scores_of(0.9123)}
    systems["copied"] |= {"among_named_topics": scores_of(0.7345)}
    return {"test": {"tfidf": None, **systems}, "named_topics": {"test": {"named": 7, "all": 11}}}


def test_the_report_has_both_where_fewer_topics_are_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, evaluation: dict[str, Any]
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("CROSSWIKI_TRACKING", "off")
    write_project()
    report.main()
    assert "topics in xx" not in Path("metrics/report.html").read_text(encoding="utf-8")
    write_json("metrics/evaluation.json", json.loads(Path("metrics/evaluation.json").read_text()) | evaluation)
    report.main()
    page = Path("metrics/report.html").read_text(encoding="utf-8")
    text = re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", page)).replace("\N{NO-BREAK SPACE}", " ")
    assert (
        "The corpus names 7 of the 11 topics in xx; among these alone, the final model is right on 91 % (89–93)" in text
    )
    tables = {role: page.split(f"({role})</caption>")[1].split("</table>")[0] for role in LANGUAGES}
    assert [role for role, table in tables.items() if "Among 7 topics" in table] == ["test"]
    cells = {
        re.findall(r">([^<]+)<small", row)[0]: re.findall(r'data-label="Among 7 topics">([^<]*)', row)
        for row in tables["test"].split("<tr>")[2:]
    }
    assert cells["Transplanted"] == ["91.2\N{NO-BREAK SPACE}%"]
    assert cells["Copied"] == ["73.5\N{NO-BREAK SPACE}%"] or cells["Copied"] == ["73.4\N{NO-BREAK SPACE}%"]
    assert cells["Word vectors"] == ["–"]
    for role in LANGUAGES:
        rows = tables[role].split("<tr>")
        columns = rows[1].count("<th")
        spans = [sum(int(n) - 1 for n in re.findall(r'colspan="(\d)"', row)) for row in rows[2:]]
        assert [row.count("<t") + more for row, more in zip(rows[2:], spans, strict=True)] == [columns] * len(spans)


def test_the_readmes_table_says_so_in_one_line(evaluation: dict[str, Any]) -> None:
    lines = table(evaluation).splitlines()
    assert lines[-1] == (
        "The corpus names 7 of the 11 topics for Spanish (test), and counts every other answer as wrong. "
        "Accuracy among those alone: `copied` 73.5, `transplanted` 91.2."
    )
    assert "names" not in table({"test": evaluation["test"]})
