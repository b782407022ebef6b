"""Labels that no classifier can learn or carry over are found before anything is trained."""

from pathlib import Path
from typing import Any

import pandas
import pyarrow
import pyarrow.parquet
import pytest
from hypothesis import given
from hypothesis import strategies as st

from crosswiki.corpora.articles import COLUMNS, load_articles
from crosswiki.corpora.labels import Labels, check_role, check_source, nearest, read_labels, topics_of
from crosswiki.corpora.splits import Split, labelled
from crosswiki.pipeline.errors import UserError
from crosswiki.pipeline.parameter_values import Role
from crosswiki.pipeline.parameters import Parameters, load_parameters
from stages import prepare
from tests.tiny import ROOT

SOURCE: Labels = [(topic, "train", place / 20) for place, topic in enumerate(["Biology", "Art", "History"] * 5)]


def params_with(source: int = 4000, target: int = 1000) -> Parameters:
    params = load_parameters(ROOT / "params.yaml")
    finetune_source = params.finetune_source.model_copy(update={"labels": source})
    finetune_target = params.finetune_target.model_copy(update={"labels": target})
    return params.model_copy(update={"finetune_source": finetune_source, "finetune_target": finetune_target})


def lines(role: Role, topic: str, split: Split, **limits: int) -> list[str]:
    labels: Labels = [("Art", "train", 0.1), (topic, split, 0.2)]
    return list(check_role(role, labels, SOURCE, params_with(**limits)))


def complaint(role: Role, topic: str, split: Split, **limits: int) -> str:
    with pytest.raises(UserError) as caught:
        lines(role, topic, split, **limits)
    return str(caught.value)


@pytest.mark.parametrize(
    ("topics", "message"),
    [
        ([], "source: no labelled article in the train split"),
        (["Art"] * 9, "source: 'Art' is the only topic in the train split; two or more are needed"),
        (["Art", "History"] * 2, "source: 4 labelled articles in the train split; 5 or more are needed"),
    ],
)
def test_labels_that_nothing_can_learn_are_refused(topics: list[str], message: str) -> None:
    with pytest.raises(UserError, match=message):
        check_source(topics)
    labels: Labels = [(topic, "train", 0.5) for topic in topics]
    with pytest.raises(UserError, match=message):
        list(check_role("source", labels, labels, params_with()))


def test_five_labels_of_two_topics_can_be_learnt() -> None:
    check_source(["Art", "Art", "History", "Art", "Art"])


def test_a_target_topic_that_the_source_lacks_is_refused_and_the_near_one_named() -> None:
    asked = "is not the source's: map it in the preset"
    assert complaint("target", "biology", "train") == f"target: topic 'biology' {asked}, to 'Biology' perhaps"
    assert complaint("target", "Cuisine", "train") == f"target: topic 'Cuisine' {asked}"


def test_a_label_that_no_training_reads_is_no_error_but_counts_as_wrong() -> None:
    assert lines("target", "biology", "train", target=0) == []
    assert lines("target", "biology", "train", target=1) == [], "the one that is picked is Art"
    roles: tuple[Role, ...] = ("target", "test")
    for role in roles:
        assert lines(role, "Cuisine", "test") == [
            f"{role}: the source has no topic 'Cuisine'; its texts count as wrong (1 of test)"
        ]
        (line,) = lines(role, "historia", "test")
        assert line.endswith("count as wrong (1 of test); it has 'History': map it in the preset")
    assert lines("test", "Cuisine", "train") == []


def test_a_topic_counts_as_known_only_where_the_teacher_learns_it() -> None:
    """Of the source's labels, those that the limit picks."""
    assert lines("target", "History", "train") == []
    assert topics_of(SOURCE, "train", 5) == {"Biology": 2, "Art": 2, "History": 1}
    rare: Labels = [*SOURCE, ("Cuisine", "train", 0.99)]
    labels: Labels = [("Cuisine", "train", 0.5)]
    assert list(check_role("target", labels, rare, params_with())) == []
    with pytest.raises(UserError, match="'Cuisine' is not the source's"):
        list(check_role("target", labels, rare, params_with(source=15)))
    in_test: Labels = [*SOURCE, ("Cuisine", "test", 0.5)]
    with pytest.raises(UserError, match="'Cuisine' is not the source's"):
        list(check_role("target", labels, in_test, params_with()))


@pytest.mark.parametrize(
    ("topic", "meant"),
    [("biology", "Biology"), ("BIOLOGY ", "Biology"), ("Biologie", "Biology"), ("ecole", "École"), ("Sport", None)],
)
def test_the_near_topic(topic: str, meant: str | None) -> None:
    assert nearest(topic, ["Biology", "Geology", "École", "Art"]) == meant


@given(st.lists(st.text(max_size=6), max_size=8), st.text(max_size=6))
def test_the_near_topic_is_one_of_them_in_whatever_order(known: list[str], topic: str) -> None:
    found = nearest(topic, known)
    assert found is None or found in known
    assert nearest(topic, known[::-1]) == found


def articles(language: str, topics: list[str | None]) -> list[dict[str, Any]]:
    rest = {"title": None, "text": "the river flows to the sea and the sea is wide", "language": language}
    return [{"id": f"{n}", "topic": topic, "concept": f"c{n}", **rest} for n, topic in enumerate(topics)]


def write(rows: list[dict[str, Any]], role: str) -> None:
    path = Path("data/articles") / f"{role}.parquet"
    path.parent.mkdir(parents=True, exist_ok=True)
    schema = pyarrow.schema([(name, pyarrow.string()) for name in COLUMNS])
    pyarrow.parquet.write_table(pyarrow.Table.from_pylist(rows, schema), path)


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "params.yaml").write_bytes((ROOT / "params.yaml").read_bytes())
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("CROSSWIKI_TRACKING", "off")
    monkeypatch.delenv("DVC_ROOT", raising=False)
    write(articles("en", ["Art", "History", None, "Biology"] * 30), "source")
    return tmp_path


@pytest.mark.parametrize("limit", [None, 0, 1, 17])
def test_these_are_the_labels_that_the_trainings_pick(project: Path, limit: int | None) -> None:
    params = load_parameters()
    write(articles("en", ["Art", "History", None, "Biology"] * 30), "target")
    prepare.main("source")
    table = load_articles(Path("data/prepared/source/articles.parquet"))
    labels = read_labels(Path("data/articles/source.parquet"), params.prepare, params.seed)
    for split in ("train", "validation", "test"):
        picked = labelled(table, split, limit, params.seed)
        assert topics_of(labels, split, limit) == picked["topic"].value_counts().to_dict()


def test_prepare_refuses_before_it_reads_a_text(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def read(*_: object) -> None:
        raise AssertionError("it reads")

    monkeypatch.setattr(prepare, "read_all", read)
    write(articles("de", ["Art", "history"] * 30), "target")
    with pytest.raises(UserError, match="topic 'history' is not the source's: map it in the preset, to 'History'"):
        prepare.main("target")
    write(articles("en", ["Art", None] * 30), "source")
    with pytest.raises(UserError, match="'Art' is the only topic"):
        prepare.main("source")
    assert not Path("data/prepared").exists()


def test_prepare_says_which_texts_count_as_wrong(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write(articles("es", ["Art", "Cocina"] * 40), "test")
    write(articles("de", ["Art"] * 5), "target")
    prepare.main("test")
    said = capsys.readouterr().out
    n = len(pandas.read_parquet("data/prepared/test/articles.parquet").query("split == 'test' and topic == 'Cocina'"))
    assert n > 2
    assert f"test: the source has no topic 'Cocina'; its texts count as wrong ({n} of test)\n" in said
