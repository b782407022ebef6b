"""One training by several processes: real ranks, which must give what one process gives."""

import json
import re
import subprocess
import sys
import time
from itertools import chain
from pathlib import Path

import psutil
import pytest
import torch
from safetensors.torch import load_file

from crosswiki.pipeline import ranks
from crosswiki.pipeline.errors import UserError
from crosswiki.pipeline.outputs import read_json
from tests import ranked
from tests.tiny import clean_environment, results_alone, run


@pytest.mark.parametrize(("count", "world"), [(10, 1), (10, 4), (3, 4), (0, 2), (1000, 7)])
def test_shares_are_in_a_row_and_even(count: int, world: int, monkeypatch: pytest.MonkeyPatch) -> None:
    found = []
    for rank in range(world):
        monkeypatch.setattr(ranks, "_place", ranks._Place(rank, world))
        found.append(list(range(count))[ranks.share(count)])
    assert list(chain.from_iterable(found)) == list(range(count))
    assert max(map(len, found)) - min(map(len, found)) <= 1


def test_more_processes_than_gpus_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    ranks.check_devices(2, "auto")
    ranks.check_devices(3, "cpu")
    with pytest.raises(UserError, match="processes: found 3; this machine has a GPU for 2: set it to 2, or device"):
        ranks.check_devices(3, "auto")


def test_four_shards_on_one_two_and_four_ranks_give_the_same_bytes(tmp_path: Path, warm: dict[str, str]) -> None:
    processes = ranked.run_ranks(warm, 2, "skipgram", str(tmp_path)) + ranked.run_ranks(
        warm, 4, "skipgram", str(tmp_path)
    )
    ranked.skipgram(tmp_path)
    ranked.finish(processes)
    files = sorted(tmp_path.glob("*.safetensors"))
    assert len(files) == 1 + 2 + 4
    assert len({file.read_bytes() for file in files}) == 1


def test_every_training_on_two_ranks_gives_what_one_process_gives(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, warm: dict[str, str]
) -> None:
    monkeypatch.setenv("DVC_ROOT", str(tmp_path))
    processes = ranked.run_ranks(warm, 2, "trainings", str(tmp_path)) + ranked.run_ranks(
        warm, 1, "trainings", str(tmp_path)
    )
    ranked.finish(processes)
    histories = {name: json.loads((tmp_path / f"{name}.json").read_text()) for name in ("1-0", "2-0", "2-1")}
    logits = {name: load_file(tmp_path / f"{name}.tensors") for name in histories}
    assert histories["2-0"] == histories["2-1"]
    for training, expected in histories["1-0"].items():
        found = histories["2-0"][training]
        assert len(found) == len(expected) > 3
        assert [row["step"] for row in found] == [row["step"] for row in expected]
        assert [row["loss"] for row in found] == pytest.approx([row["loss"] for row in expected], abs=1e-4)
        assert expected[0]["loss"] != pytest.approx(expected[-1]["loss"], abs=1e-3)  # it has learnt
        assert torch.equal(logits["2-0"][training], logits["2-1"][training])
        torch.testing.assert_close(logits["2-0"][training], logits["1-0"][training], atol=1e-3, rtol=0)
        assert torch.equal(logits["2-0"][training].argmax(1), logits["1-0"][training].argmax(1))


def test_after_a_rank_was_killed_a_training_goes_on_to_the_same_bytes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, warm: dict[str, str]
) -> None:
    whole, killed = tmp_path / "whole", tmp_path / "killed"
    for folder in (whole, killed):
        folder.mkdir()
    (killed / "kill").touch()
    started = {}
    for folder in (whole, killed):
        monkeypatch.setenv("DVC_ROOT", str(folder))
        started[folder] = ranked.run_ranks(warm, 2, "interrupted", str(folder))
    for process in started[killed]:
        process.communicate()
    assert all(process.returncode for process in started[killed])  # the other one does not wait for ever
    assert not (killed / "kill").exists()
    assert not list(killed.glob("*.safetensors"))
    ranked.finish(ranked.run_ranks(warm, 2, "interrupted", str(killed)))
    ranked.finish(started[whole])
    assert (killed / "steps-0").read_text().split() == ["1", "2", "3", "4", "5", "6"]  # no step was done twice
    made = {(folder / f"{rank}.safetensors").read_bytes() for folder in (whole, killed) for rank in (0, 1)}
    assert len(made) == 1


@pytest.fixture(scope="module")
def clone(finished: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the finished tiny clone, where two processes run each stage."""
    folder = results_alone(finished, tmp_path_factory.mktemp("ranks") / "clone")
    params = folder / "params.yaml"
    params.write_text(re.sub(r"(?m)^processes: 1\b", "processes: 2", params.read_text(encoding="utf-8")))
    return folder


def test_a_stage_starts_two_processes_and_makes_what_one_makes(finished: Path, clone: Path) -> None:
    answer = run(clone, "python", "-m", "stages.finetune_target", CROSSWIKI_TRACKING="off")
    assert answer.stdout.count("finetune_target: starts") == 1
    assert answer.stderr == ""
    metrics = {folder: read_json(folder / "metrics" / "finetune_target.json") for folder in (finished, clone)}
    assert metrics[clone] == pytest.approx(metrics[finished], abs=2e-3)  # bf16, where the machine has it
    weights = {folder: load_file(folder / "models/target/model.safetensors") for folder in (finished, clone)}
    for name, tensor in weights[finished].items():
        torch.testing.assert_close(weights[clone][name], tensor, atol=5e-3, rtol=0)


def test_a_killed_process_ends_the_stage_with_one_line(clone: Path) -> None:
    before = (clone / "models/target/model.safetensors").read_bytes()
    command = [sys.executable, "-m", "stages.finetune_target"]
    environment = clean_environment(CROSSWIKI_TRACKING="off")
    with subprocess.Popen(command, cwd=clone, env=environment, stderr=subprocess.PIPE, text=True) as stage:
        while len(ranks_of := psutil.Process(stage.pid).children()) < 2:
            time.sleep(0.05)
        ranks_of[1].kill()
        _, errors = stage.communicate()
    assert stage.returncode == 1
    line = "process 1 of 2 was ended by SIGKILL, and the others with it: run the stage again"
    assert errors.count("\n") == 1
    assert line in errors
    assert (clone / "models/target/model.safetensors").read_bytes() == before
    assert not any(process.is_running() for process in ranks_of)


def test_an_error_is_one_line_though_both_processes_have_it(clone: Path) -> None:
    (clone / "data/prepared/target/articles.parquet").unlink()
    answer = run(clone, "python", "-m", "stages.finetune_target", status=2, CROSSWIKI_TRACKING="off")
    assert answer.stderr.count("\n") == 1
    assert "data/prepared/target/articles.parquet" in answer.stderr
