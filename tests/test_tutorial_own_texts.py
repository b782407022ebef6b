"""Chapter 7 of docs/tutorial.md: from two CSV files to a served classifier, in a fresh clone."""

import csv
import json
from collections.abc import Iterator
from pathlib import Path

import pandas
import pytest

from tests.tiny import ROOT, clone
from tests.tutorial import following, runs_in, said_to

TICKETS = ROOT / "tests/tickets"
QUEUES = {"billing", "delivery", "technical"}


@pytest.fixture(scope="module")
def followed(tmp_path_factory: pytest.TempPathFactory, warm: dict[str, str]) -> Iterator[tuple[Path, dict[str, str]]]:
    with following(clone(tmp_path_factory.mktemp("tickets")), warm, 7) as both:
        yield both


def written(name: str, separator: str) -> list[list[str]]:
    with (TICKETS / name).open(encoding="utf-8-sig", newline="") as file:
        return list(csv.reader(file, delimiter=separator))[1:]


def test_what_is_in_the_files_is_said_and_read(followed: tuple[Path, dict[str, str]]) -> None:
    folder, said = followed
    looked = said_to(said, "crosswiki new")
    for part in ("commas, UTF-8, 48 texts", "semicolons, UTF-8, 48 texts", "'message'", "'Thema'", "12 texts without"):
        assert part in looked
    for role, name, separator in (("source", "tickets-en.csv", ","), ("target", "tickets-de.csv", ";")):
        read = pandas.read_parquet(folder / f"data/articles/{role}.parquet")
        expected = [(text, label or None) for _, text, label in written(name, separator)]
        found = zip(read["text"], read["topic"].astype(object).where(read["topic"].notna(), None), strict=True)
        assert sorted(found, key=str) == sorted(expected, key=str)


def test_the_classifier_answers_and_is_served(followed: tuple[Path, dict[str, str]]) -> None:
    _, said = followed
    answer = json.loads(said_to(said, "crosswiki predict"))
    assert answer["language"] == "de"
    assert answer["topic"] in QUEUES
    served = json.loads(said_to(said, "curl"))["predictions"]
    assert [one["topic"] in QUEUES for one in served] == [True, True]


def test_messages_without_a_label_are_suggested(followed: tuple[Path, dict[str, str]]) -> None:
    folder, _ = followed
    with (folder / "to-label.csv").open(encoding="utf-8-sig", newline="") as file:
        rows = list(csv.DictReader(file))
    unlabelled = {text for _, text, label in written("tickets-de.csv", ";") if not label}
    assert 0 < len(rows) <= 6
    assert {row["text"] for row in rows} <= unlabelled
    assert {row["label"] for row in rows} == {""}


def test_the_run_is_about_two_languages(followed: tuple[Path, dict[str, str]]) -> None:
    folder, _ = followed
    parents, found = runs_in(folder)
    assert set(parents) == {"tickets"}
    assert {one.info.status for one in found} == {"FINISHED"}
    assert {one.data.tags["languages"] for one in found} == {"en-de"}
    scores = json.loads((folder / "metrics/evaluation.json").read_text())
    prepared = pandas.read_parquet(folder / "data/prepared/target/articles.parquet")
    tested = prepared[(prepared["split"] == "test") & prepared["topic"].notna()]
    assert scores["target"]["finetuned"]["n"] == len(tested) > 0
    assert not (folder / "models/transplanted/test").exists()
