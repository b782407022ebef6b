"""Chapters 3 to 5 of docs/tutorial.md: four experiments by two workers, who find no database; the best is served."""

import json
import re
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from mlflow import MlflowClient

from crosswiki.pipeline.parameters import load_parameters
from tests.tiny import ROOT, run
from tests.tutorial import AFTER_TRAINING, assert_complete, commands, following, runs_in, said_to

NAMES = {"gentle", "longer", "free", "both"}


@pytest.fixture(scope="module")
def followed(
    finished: Path, tmp_path_factory: pytest.TempPathFactory, warm: dict[str, str]
) -> Iterator[tuple[Path, dict[str, str]]]:
    folder = shutil.copytree(finished, tmp_path_factory.mktemp("experiments") / "project")
    with following(folder, warm, 3, 4, 5) as both:
        yield both
    run(folder, "dvc", "queue", "stop", status=None)  # a worker whose view of the queue has failed stays behind


def test_every_command_does_what_the_tutorial_says(followed: tuple[Path, dict[str, str]]) -> None:
    folder, said = followed
    table = said_to(said, "dvc exp show")
    assert all(name in table for name in NAMES)
    assert "validation_macro_f1" in table
    assert "skipgram" not in table
    served = json.loads(said_to(said, "curl"))["predictions"][0]
    local, registered = (
        json.loads(answer)
        for command, answer in said.items()
        if command.startswith("crosswiki predict") and "Loire" in command
    )
    assert served["topic"] == registered["topic"]
    assert served["probability"] == registered["probability"]
    assert (local["model"], registered["model"]) == ("models/target", "models:/crosswiki-zh@champion")
    assert "  epochs: 6\n" in (folder / "params.yaml").read_text()
    assert "up to date" in said_to(said, "dvc repro")


def test_two_workers_at_once_leave_complete_runs(followed: tuple[Path, dict[str, str]]) -> None:
    folder, _ = followed
    parents, found = runs_in(folder)
    assert set(parents) == NAMES
    assert_complete(folder, AFTER_TRAINING)
    epochs = {name: float(parent.data.params["finetune_target.epochs"]) for name, parent in parents.items()}
    assert epochs == {"gentle": 2, "longer": 6, "free": 2, "both": 6}
    frozen = {name: parent.data.params["finetune_target.freeze_output"] for name, parent in parents.items()}
    assert frozen == {"gentle": "true", "longer": "true", "free": "false", "both": "false"}
    commit = run(folder, "git", "rev-parse", "HEAD~1").stdout.strip()  # before the winner was committed
    assert {one.data.tags["mlflow.source.git.commit"] for one in found} == {commit}
    own = json.loads((folder / "metrics/finetune_target.json").read_text())
    assert own["finetune_target_loss"] == parents["longer"].data.metrics["finetune_target.finetune_target_loss"]
    shown = json.loads(run(folder, "dvc", "exp", "show", "--json", "--rev", commit).stdout)
    rows = [one for base in shown for one in base["experiments"] or []]
    asked = {one["name"]: one["revs"][0]["data"]["params"]["params.yaml"]["data"] for one in rows}
    assert {name: params["finetune_target"]["epochs"] for name, params in asked.items()} == epochs


def test_the_champion_is_the_best_by_validation(followed: tuple[Path, dict[str, str]]) -> None:
    folder, _ = followed
    parents, _ = runs_in(folder)
    client = MlflowClient(f"sqlite:///{folder}/mlflow.db")
    versions = client.search_model_versions("name = 'crosswiki-zh'")
    assert {one.run_id for one in versions} <= {parent.info.run_id for parent in parents.values()}
    best = max(float(one.tags["validation_macro_f1"]) for one in versions)
    champion = client.get_model_version_by_alias("crosswiki-zh", "champion")
    assert float(champion.tags["validation_macro_f1"]) == best


def test_the_tutorial_names_only_parameters_that_are_there() -> None:
    names = {name for command in commands(1, 2, 3, 4, 5, 6) for name in re.findall(r"--set-param (\S+?)=", command)}
    assert names
    known = load_parameters(ROOT / "params.yaml").model_dump()
    for name in names:
        section = known
        for key in name.split("."):
            assert key in section, name
            section = section[key]
