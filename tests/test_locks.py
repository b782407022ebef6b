"""Lock files that a killed run has cut off do not stop the next one."""

import subprocess
import sys
from pathlib import Path

import pytest

from crosswiki.pipeline.locks import CUT_OFF, LOCK, RESULTS, mend_locks
from tests.tiny import clean_environment


@pytest.fixture
def project(tmp_path: Path) -> Path:
    subprocess.run(["git", "init", "-q"], cwd=tmp_path, check=True)
    subprocess.run([sys.executable, "-m", "dvc", "init", "-q"], cwd=tmp_path, env=clean_environment(), check=True)
    (tmp_path / "dvc.yaml").write_text("stages:\n  a:\n    cmd: echo a > a\n    outs: [a]\n")
    (tmp_path / LOCK).parent.mkdir(parents=True, exist_ok=True)
    return tmp_path


def repro(folder: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "dvc", "repro"]
    return subprocess.run(command, cwd=folder, env=clean_environment(), capture_output=True, text=True, check=False)


@pytest.mark.parametrize("content", [b"", b'{"read": {"a": [{"pid": 1', b"\xff\xfe"])
def test_a_cut_off_lock_is_removed_and_dvc_goes_on(project: Path, content: bytes) -> None:
    (project / LOCK).write_bytes(content)
    before = repro(project)
    assert before.returncode != 0, "DVC has mended this itself: the module can go"
    (line,) = mend_locks(project)
    assert "\n" not in line and str(LOCK) in line
    assert repro(project).returncode == 0
    assert (project / "a").read_text() == "a\n"


def test_a_whole_lock_and_none_stay_as_they_are(project: Path) -> None:
    assert mend_locks(project) == []
    (project / LOCK).write_text('{"write": {}, "read": {}}')
    assert mend_locks(project) == []
    assert (project / LOCK).is_file()


def test_nothing_is_removed_while_dvc_runs_in_the_folder(project: Path) -> None:
    (project / LOCK).write_bytes(b"")
    code = "import time; print('there', flush=True); time.sleep(60)"
    program = project / "dvc"
    program.write_text(code)
    with subprocess.Popen([sys.executable, str(program)], cwd=project, stdout=subprocess.PIPE) as dvc:
        assert dvc.stdout is not None
        dvc.stdout.readline()
        (line,) = mend_locks(project)
        dvc.kill()
    assert f"process {dvc.pid}" in line
    assert (project / LOCK).is_file()


@pytest.mark.parametrize("committed", [False, True])
def test_a_cut_off_list_of_results_is_replaced_and_nothing_runs_again(project: Path, committed: bool) -> None:
    (project / "a.txt").write_text("one")
    (project / "dvc.yaml").write_text("stages:\n  a:\n    cmd: cp a.txt a\n    deps: [a.txt]\n    outs: [a]\n")
    assert repro(project).returncode == 0
    if committed:
        person = ["-c", "user.name=test", "-c", "user.email=test@example.org"]
        for command in (["add", "dvc.lock"], [*person, "commit", "-q", "-m", "One"]):
            subprocess.run(["git", *command], cwd=project, check=True)
    first = (project / RESULTS).read_bytes()
    (project / "a.txt").write_text("two")
    assert repro(project).returncode == 0
    whole = (project / RESULTS).read_bytes()
    (project / RESULTS).write_bytes(b"")
    assert repro(project).returncode != 0, "DVC has mended this itself: the function can go"
    (line,) = mend_locks(project)
    assert "\n" not in line and line.startswith("dvc.lock: a killed run left it cut off")
    assert (project / RESULTS).is_file() == committed
    assert not committed or (project / RESULTS).read_bytes() == first
    answer = repro(project)
    assert answer.returncode == 0
    assert "Running" not in answer.stdout
    assert (project / RESULTS).read_bytes() == whole
    assert (project / "a").read_text() == "two"


def test_wherever_the_list_of_results_is_cut_off_dvc_can_read_what_is_left(project: Path) -> None:
    assert repro(project).returncode == 0
    whole = (project / RESULTS).read_bytes()
    assert mend_locks(project) == []
    replaced = 0
    for length in range(len(whole)):
        (project / RESULTS).write_bytes(whole[:length])
        lines = mend_locks(project)
        replaced += bool(lines)
        assert (project / RESULTS).exists() == (not lines)
        assert not lines or (project / CUT_OFF).read_bytes() == whole[:length]
        assert mend_locks(project) == []
    assert replaced > len(whole) / 4


def test_a_merge_that_is_not_ended_stays(project: Path) -> None:
    content = "<<<<<<< HEAD\nschema: '2.0'\n=======\nschema: '2.0'\nstages: {}\n>>>>>>> other\n"
    (project / RESULTS).write_text(content)
    assert mend_locks(project) == []
    assert (project / RESULTS).read_text() == content
