"""A lock file that a killed run has cut off does not stop the next one."""

import subprocess
import sys
from pathlib import Path

import pytest

from crosswiki.pipeline.locks import LOCK, mend_locks
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
    line = mend_locks(project)
    assert line and "\n" not in line and str(LOCK) in line
    assert repro(project).returncode == 0
    assert (project / "a").read_text() == "a\n"


def test_a_whole_lock_and_none_stay_as_they_are(project: Path) -> None:
    assert mend_locks(project) is None
    (project / LOCK).write_text('{"write": {}, "read": {}}')
    assert mend_locks(project) is None
    assert (project / LOCK).is_file()


def test_nothing_is_removed_while_dvc_runs_in_the_folder(project: Path) -> None:
    (project / LOCK).write_bytes(b"")
    code = "import time; print('there', flush=True); time.sleep(60)"
    program = project / "dvc"
    program.write_text(code)
    with subprocess.Popen([sys.executable, str(program)], cwd=project, stdout=subprocess.PIPE) as dvc:
        assert dvc.stdout is not None
        dvc.stdout.readline()
        line = mend_locks(project)
        dvc.kill()
    assert line and f"process {dvc.pid}" in line
    assert (project / LOCK).is_file()
