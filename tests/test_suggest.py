"""`crosswiki suggest`: planted disputes are found, choices are far apart, and labels come back to the same articles."""

import csv
import json
import math
import shutil
from pathlib import Path

import numpy
import pandas
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy.spatial.distance import jensenshannon

from crosswiki.__main__ import main
from crosswiki.commands.suggest import TARGET, originals
from crosswiki.corpora.articles import ARTICLE, in_task, task_concept
from crosswiki.corpora.collect import Corpus, collect
from crosswiki.corpora.file_labels import labels_of
from crosswiki.corpora.splits import labelled
from crosswiki.evaluation.suggestion import candidates, disagreement, draw, in_order, spread, suggest
from crosswiki.pipeline.parameters import load_parameters
from crosswiki.pipeline.parameters_of_words import Download, Languages
from crosswiki.pipeline.presets import PRESETS, load_preset
from tests.tiny import ROOT, run

Floats = NDArray[numpy.float64]


def articles(count: int, split: str = "train", topic: str | None = None, concept: str = "c") -> pandas.DataFrame:
    rows = [(f"{concept}{i}", f"text {i}", topic, f"{concept}{i}", "de", split) for i in range(count)]
    return pandas.DataFrame(rows, columns=["id", "text", "topic", "concept", "language", "split"])


# ------------------------------------------------------------------------------------------------- disagreement

SHARES = st.lists(st.floats(0.01, 1), min_size=3, max_size=3)


@given(st.lists(SHARES, min_size=2, max_size=2))
def test_of_two_classifiers_it_is_the_jensen_shannon_divergence(shares: list[list[float]]) -> None:
    first, second = (numpy.array(one) / sum(one) for one in shares)
    found = disagreement(numpy.array([[first], [second]]))
    assert found[0] == pytest.approx(jensenshannon(first, second) ** 2, abs=1e-9)


@given(st.lists(SHARES, min_size=1, max_size=5), st.permutations(range(5)))
def test_it_lies_between_unity_and_full_dispute_and_knows_no_order(shares: list[list[float]], order: list[int]) -> None:
    given_ = numpy.array([[numpy.array(one) / sum(one)] for one in shares])
    found = disagreement(given_)[0]
    assert 0 <= found <= math.log(len(shares)) + 1e-9
    assert found == pytest.approx(disagreement(given_[[i for i in order if i < len(shares)]])[0], abs=1e-9)


def test_sure_classifiers_that_all_differ_disagree_most_and_unsure_ones_that_agree_not_at_all() -> None:
    assert disagreement(numpy.eye(3)[:, None, :])[0] == pytest.approx(math.log(3))
    assert disagreement(numpy.full((3, 1, 3), 1 / 3))[0] == pytest.approx(0)


def test_probabilities_follow_the_other_order_of_topics() -> None:
    found = in_order(numpy.array([[0.2, 0.8]]), ["b", "a"], ["a", "never learnt", "b"])
    assert found.tolist() == [[0.8, 0, 0.2]]


# ------------------------------------------------------------------------------------------------------- spread


def clusters(each: int) -> Floats:
    """Points within 0.1 of the three corners of a triangle with sides of 10, corner after corner."""
    generator = numpy.random.default_rng(0)
    corners = numpy.array([[0.0, 0.0], [10.0, 0.0], [5.0, 8.66]])
    return numpy.repeat(corners, each, axis=0) + generator.uniform(-0.1, 0.1, (3 * each, 2))


def test_each_cluster_gets_a_choice_before_any_gets_two() -> None:
    chosen = spread(clusters(5), 6)
    assert {row // 5 for row in chosen[:3]} == {0, 1, 2}
    assert len(set(chosen)) == 6
    assert chosen[0] == 0  # the preferred one


def test_what_is_near_a_centre_comes_last() -> None:
    assert {row // 5 for row in spread(clusters(5), 2, numpy.zeros((1, 2)))} == {1, 2}


@given(st.lists(st.tuples(st.integers(-3, 3), st.integers(-3, 3)), min_size=2, max_size=9), st.integers(1, 4))
def test_it_is_at_most_twice_as_far_as_the_best_choice(points: list[tuple[int, int]], count: int) -> None:
    """Gonzalez's bound, held against all choices that there are."""
    from itertools import combinations

    vectors = numpy.array(points, dtype=float)
    between = numpy.linalg.norm(vectors[:, None] - vectors[None], axis=2)
    best = min(
        between[:, list(rows)].min(1).max() for rows in combinations(range(len(points)), min(count, len(points)))
    )
    chosen = spread(vectors, count)
    assert len(set(chosen)) == len(chosen) == min(count, len(points))
    assert between[:, chosen].min(1).max() <= 2 * best + 1e-9


# ------------------------------------------------------------------------------------------------------- choice


def planted(each: int = 40) -> tuple[pandas.DataFrame, Floats, Floats, set[int]]:
    """Three clusters of texts, and three classifiers that agree but on three texts in each."""
    vectors = clusters(each)
    disputed = {cluster * each + place for cluster in range(3) for place in (3, 7, 20)}
    distributions = numpy.tile([0.8, 0.1, 0.1], (3, 3 * each, 1))
    distributions[:, sorted(disputed)] = numpy.eye(3)[:, None, :]
    return articles(3 * each), distributions, vectors, disputed


def test_the_disputed_texts_are_chosen_from_every_cluster() -> None:
    table, distributions, vectors, disputed = planted()
    drawn_too = disputed & set(draw(table, 2, 1))
    assert not drawn_too  # else the next lines would test less
    found = suggest(table, distributions, vectors, 4, 1)
    assert set(found.disputed) <= disputed
    assert len({row // 40 for row in [*found.disputed, *found.random]}) == 3
    assert len(found.random) == len(found.disputed) == 2


def test_without_dispute_half_is_still_drawn_and_nothing_comes_twice() -> None:
    table, distributions, vectors, _ = planted()
    distributions[:] = 1 / 3
    found = suggest(table, distributions, vectors, 51, 1)
    assert (len(found.random), len(found.disputed)) == (26, 25)
    assert len({*found.random, *found.disputed}) == 51


def test_the_draw_is_even_knows_no_dispute_and_a_larger_one_holds_the_smaller() -> None:
    table = articles(2000)
    few, many = draw(table, 100, 1), draw(table, 500, 1)
    assert many[:100] == few
    assert numpy.mean(many) == pytest.approx(1000, abs=4 * 2000 / math.sqrt(12 * 500))  # of a uniform distribution
    assert draw(table, 100, 2) != few
    shuffled = table.sample(frac=1, random_state=0)
    assert shuffled["id"].iloc[draw(shuffled, 100, 1)].tolist() == table["id"].iloc[few].tolist()


def test_the_same_seed_chooses_the_same_and_all_are_given_where_there_are_fewer() -> None:
    table, distributions, vectors, _ = planted()
    assert suggest(table, distributions, vectors, 30, 1) == suggest(table, distributions, vectors, 30, 1)
    every = suggest(table, distributions, vectors, 1000, 1)
    assert sorted([*every.random, *every.disputed]) == list(range(len(table)))


# --------------------------------------------------------------------------------------------------- candidates


def test_candidates_are_unlabelled_of_the_train_split_and_each_concept_comes_once() -> None:
    table = pandas.concat(
        [articles(5, concept="new"), articles(5, concept="new"), articles(4, topic="a", concept="old")]
        + [articles(3, split, concept=split) for split in ("test", "validation")]
        + [articles(1, concept="old")],  # a repetition of a text that has a label
        ignore_index=True,
    )
    assert candidates(table, 0, 1)["concept"].tolist() == [f"new{i}" for i in range(5)]


def test_where_there_are_texts_of_the_task_nothing_else_is_asked_for() -> None:
    table = pandas.concat([articles(5), articles(3, concept=task_concept("x"))], ignore_index=True)
    assert all(map(in_task, candidates(table, 0, 1)["concept"]))
    assert len(candidates(table, 0, 1)) == 3


def test_where_all_have_labels_those_are_left_that_fine_tuning_does_not_read() -> None:
    table = articles(50, topic="a")
    left = set(candidates(table, 20, 1)["concept"])
    assert len(left) == 30
    assert not left & set(labelled(table, "train", 20, 1)["concept"])
    assert candidates(table, 50, 1).empty


# ------------------------------------------------------------------------------------------- there and back again


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Messages of two languages: the German ones have no label."""
    (tmp_path / PRESETS).mkdir(parents=True)
    shutil.copy2(ROOT / "params.yaml", tmp_path)
    shutil.copy2(ROOT / PRESETS / "offline.yaml", tmp_path / PRESETS)
    english = [(f"where is parcel {i}", ("delivery", "billing")[i % 2]) for i in range(40)]
    (tmp_path / "en.csv").write_text("text,label\n" + "".join(f"{text},{label}\n" for text, label in english))
    (tmp_path / "de.txt").write_text("".join(f"Wo ist  Päckchen “{i}”, bitte?\n" for i in range(40)))
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("DVC_ROOT", str(tmp_path))
    return tmp_path


NEW = ("new", "mine", "--source", "en=en.csv", "--target", "de=de.txt", "--wikipedia", "none", "--force")


def collected(language: str = "de", corpus: str = "mine", **limits: int) -> pandas.DataFrame:
    """What `download` makes of a corpus."""
    languages = Languages(source=None, target=None, test=None)
    settings = {"max_articles": None, "max_characters": 10_000, "max_bad_records": 0.01} | limits
    collect(
        Corpus(load_preset(corpus), language, "en"), Download(languages=languages, **settings), 1, Path("out.parquet")
    )
    return pandas.read_parquet("out.parquet")


def suggestions(rows: list[tuple[str, str, str]], path: str = "to-label.csv") -> None:
    """A table as the command writes it, filled in: id, text, label."""
    with Path(path).open("w", encoding="utf-8-sig", newline="") as file:
        drawn = ("random", "disagreement")
        lines = [(f"de:{name}", text, label, drawn[i % 2]) for i, (name, text, label) in enumerate(rows)]
        csv.writer(file).writerows([(ARTICLE, "text", "label", "drawn"), *lines])


def test_new_takes_the_table_back_and_the_labels_join_the_same_texts(
    project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    main(NEW)
    before = collected()
    assert before["topic"].isna().all()
    chosen = before.iloc[[3, 11, 30]]
    answers = ["billing", "", "delivery"]
    suggestions(list(zip(chosen["id"], chosen["text"], answers, strict=True)))
    main((*NEW, "--target", "de=to-label.csv"))
    assert "2 to train on, 0 to choose by" in capsys.readouterr().out
    after = collected()
    unlabelled = ["id", "title", "text", "concept", "language"]
    assert after[unlabelled].equals(before[unlabelled])  # so the splits are the same, and no text is there twice
    assert after["topic"].dropna().to_dict() == {3: "billing", 30: "delivery"}
    found = labels_of(load_preset("mine"), "de", load_parameters().prepare, 1)
    assert sorted(topic for topic, *_ in found) == ["billing", "delivery"]
    assert collected("en")["topic"].notna().all()
    assert set(collected(max_articles=2)["topic"]) == {"billing", "delivery"}  # what has a label is kept first


def test_a_table_that_is_read_as_texts_of_its_own_gives_the_same_concepts(project: Path) -> None:
    main(NEW)
    before = collected()
    suggestions([(row.id, row.text, "billing") for row in before.head(3).itertuples()])
    preset = (project / PRESETS / "mine.yaml").read_text()
    entry = "  de:\n    - {path: to-label.csv, columns: {topic: label}}\n"
    (project / PRESETS / "mine.yaml").write_text(preset.replace("labelled:\n", f"labelled:\n{entry}", 1))
    after = collected()
    assert set(after["concept"]) == set(before["concept"])
    assert set(after.loc[after["topic"].notna(), "concept"]) == set(before["concept"].head(3))


def test_the_labels_join_articles_of_any_corpus_whose_other_topics_stay(
    project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rows = [
        {"id": str(i), "title": f"Zinc {i}", "text": f"Zink {i}.", "topic": "a" if i % 2 else None} for i in range(9)
    ]
    (project / "wiki.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    preset = (
        "kind: files\nlanguages: {source: en, target: de}\n"
        "articles: {de: [{path: wiki.jsonl, columns: {topic: topic}}]}\n"
    )
    (project / PRESETS / "wiki.yaml").write_text(preset)
    before = collected(corpus="wiki")
    suggestions([("wiki:4", "Zink 4.", "b"), ("wiki:gone", "?", "b")])
    entry = f"labelled: {{de: [{{path: to-label.csv, columns: {{article: {ARTICLE}, topic: label}}}}]}}\n"
    (project / PRESETS / "wiki.yaml").write_text(preset + entry)
    capsys.readouterr()
    after = collected(corpus="wiki")
    found = labels_of(load_preset("wiki"), "de", load_parameters().prepare, 1)
    assert sorted(topic for topic, *_ in found) == sorted(after["topic"].dropna())
    assert after["concept"].tolist() == before["concept"].tolist()
    expected = before["topic"].where(before["id"] != "wiki:4", "b")
    assert after["topic"].fillna("").tolist() == expected.fillna("").tolist()
    assert "1 of 2 labels name no article of the corpus; the first: 'wiki:gone'" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("fr:x,a text,billing,random", ("row 2", "'fr:x'", "de:ID")),
        (",a text,billing,random", ("row 2", ARTICLE, "de:ID")),
        ("de:x,a text,billing,random\r\nde:x,a text,delivery,random", ("row 3", "'billing' too")),
    ],
)
def test_a_row_that_joins_nothing_ends_in_one_line(line: str, expected: tuple[str, ...], project: Path) -> None:
    from crosswiki.corpora.readers.task import labels_of_articles
    from crosswiki.pipeline.errors import UserError

    main(NEW)
    Path("to-label.csv").write_text(f"{ARTICLE},text,label,drawn\r\n{line}\r\n")
    main((*NEW, "--target", "de=to-label.csv"))
    with pytest.raises(UserError) as caught:
        labels_of_articles(load_preset("mine"), "de")
    assert all(part in str(caught.value) for part in ("to-label.csv", *expected))


def refused(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    with pytest.raises(SystemExit) as caught:
        main(arguments)
    assert caught.value.code == 2
    said = capsys.readouterr().err
    assert said.count("\n") == 1, said
    return said


def test_what_cannot_be_done_ends_in_one_line(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = ("--out", "to-label.csv")
    assert "1 or more" in refused(capsys, "suggest", "0", *out)
    assert ".csv" in refused(capsys, "suggest", "9", "--out", "to-label.xlsx")
    assert "run the stage that makes it first" in refused(capsys, "suggest", "9", *out)
    TARGET.parent.mkdir(parents=True)
    articles(5).to_parquet(TARGET)
    assert "run the stage that makes it first" in refused(capsys, "suggest", "9", *out)
    articles(5, topic="a").to_parquet(TARGET)
    assert "nothing is left to label" in refused(capsys, "suggest", "9", *out)
    assert not Path("to-label.csv").exists()
    suggestions([("x", "a text", "")])
    before = Path("to-label.csv").read_bytes()
    assert "is there already" in refused(capsys, "suggest", "9", *out)
    assert Path("to-label.csv").read_bytes() == before
    assert "'label' is empty" in refused(capsys, *NEW, "--target", "de=to-label.csv")


def test_texts_are_as_they_were_written(project: Path) -> None:
    main(NEW)
    table = collected()
    found = originals(table["id"].tolist()[:3], Path("out.parquet"))
    assert list(found.values()) == table["text"].tolist()[:3]
    assert "“" in found[table["id"].iloc[0]]


def test_the_command_chooses_on_a_finished_run(finished: Path, tmp_path: Path) -> None:
    prepared = pandas.read_parquet(finished / TARGET).set_index("id")
    written = pandas.read_parquet(finished / "data/articles/target.parquet").set_index("id")["text"]
    said = {}
    for count, name in ((2, "two.csv"), (2, "again.csv"), (1000, "all.csv")):
        command = ("python", "-m", "crosswiki", "suggest", str(count), "--out", str(tmp_path / name))
        said[name] = run(finished, *command).stdout
    rows = pandas.read_csv(tmp_path / "two.csv", dtype=str)
    assert (tmp_path / "two.csv").read_bytes() == (tmp_path / "again.csv").read_bytes()
    assert rows["drawn"].tolist() == ["random", "disagreement"]
    assert rows["label"].isna().all()
    ids = rows[ARTICLE].str.removeprefix("zh:")
    assert written[ids].tolist() == rows["text"].tolist()
    assert set(prepared.loc[ids, "split"]) == {"train"}
    assert "all that are left" in said["all.csv"]
    every = set(pandas.read_csv(tmp_path / "all.csv", dtype=str)[ARTICLE])
    assert set(rows[ARTICLE]) < every
    assert "labelled:\n  zh:\n    - path: " in said["two.csv"]
