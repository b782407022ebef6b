"""The last chapter of docs/tutorial.md: a language is added to a fresh clone, Russian as the target."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.tiny import clone
from tests.tutorial import following, runs_in, said_to


@pytest.fixture(scope="module")
def followed(tmp_path_factory: pytest.TempPathFactory, warm: dict[str, str]) -> Iterator[tuple[Path, dict[str, str]]]:
    with following(clone(tmp_path_factory.mktemp("language")), warm, 6) as both:
        yield both


def test_the_new_language_has_a_model_that_answers(followed: tuple[Path, dict[str, str]]) -> None:
    folder, said = followed
    assert "crosswiki-ru version 1 is the new champion" in said_to(said, "dvc exp run --name russian")
    russian = json.loads(said_to(said, "crosswiki predict --language ru"))
    assert russian["language"] == "ru"
    teacher = json.loads((folder / "models/source/config.json").read_text())
    assert russian["topic"] in teacher["label2id"]


def test_its_run_says_which_languages_it_is_about(followed: tuple[Path, dict[str, str]]) -> None:
    folder, _ = followed
    parents, found = runs_in(folder)
    assert {one.info.status for one in found} == {"FINISHED"}
    assert {one.data.tags["languages"] for one in found} == {"en-ru"}
    assert set(parents) == {"russian"}
    parent = parents["russian"]
    assert parent.data.params["corpus"] == "mine"
    assert parent.inputs.dataset_inputs[0].dataset.digest in (folder / "dvc.lock").read_text()
