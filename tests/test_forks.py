"""`python` as a fork: from outside, nothing tells it from the usual one."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil
import pytest

from crosswiki.pipeline.forks import STARTED, warm_python
from tests.tiny import ROOT, clean_environment

PROGRAM = """
import json, os, sys
told = {"arguments": sys.argv[1:], "folder": os.getcwd(), "word": os.environ.get("WORD"), "main": __name__}
told |= {"module": __spec__.name, "input": sys.stdin.read(), "started": os.environ.get("CROSSWIKI_STARTED_AS")}
told |= {"torch": "torch" in sys.modules, "isolated": sys.flags.isolated, "beside": __import__("beside").WORD}
print(json.dumps(told))
print("to the other stream", file=sys.stderr)
sys.exit(int(sys.argv[1]))
"""
ENDINGS = {
    "sys.exit()": (0, ""),
    "sys.exit(7)": (7, ""),
    "sys.exit('no such file')": (1, "no such file"),
    "raise ValueError('wrong')": (1, "ValueError: wrong"),
    "import atexit; atexit.register(print, 'at the end', file=sys.stderr)": (0, "at the end"),
}


def usual() -> dict[str, str]:
    return clean_environment()


def start(folder: Path, environment: dict[str, str], *arguments: str, **settings: str) -> "subprocess.Popen[str]":
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    command = ["python", "-m", *arguments]
    variables = {**usual(), **environment, **settings}
    program = next(
        place for name in variables["PATH"].split(os.pathsep) if (place := Path(name) / "python").is_file()
    )  # Popen looks in this process's PATH
    return subprocess.Popen([program, *command[1:]], cwd=folder, env=variables, text=True, **pipes)  # type: ignore[call-overload]


def said(process: "subprocess.Popen[str]", text: str = "") -> tuple[int, str, str]:
    out, error = process.communicate(text, timeout=240)
    return process.returncode, out, error


def test_a_fork_is_given_what_a_process_is_given(tmp_path: Path, warm: dict[str, str]) -> None:
    (tmp_path / "program.py").write_text(PROGRAM)
    (tmp_path / "beside.py").write_text("WORD = 'here'")
    answers = [said(start(tmp_path, how, "program", "3", "é", WORD="вода"), "a line\n") for how in ({}, warm)]
    assert answers[0][0] == answers[1][0] == 3
    assert answers[0][2] == answers[1][2] == "to the other stream\n"
    told = [json.loads(out) for _, out, _ in answers]
    differing = {key for key in told[0] if told[0][key] != told[1][key]}
    assert differing == {"torch", "started"}  # what it has imported already, and whom it stands for
    assert told[0]["arguments"] == ["3", "é"]
    assert told[0]["input"] == "a line\n"


@pytest.mark.parametrize("ending", ENDINGS)
def test_it_ends_as_a_process_ends(tmp_path: Path, warm: dict[str, str], ending: str) -> None:
    status, last = ENDINGS[ending]
    (tmp_path / "program.py").write_text(f"import sys\n{ending}\n")
    code, out, error = said(start(tmp_path, warm, "program"))
    assert (code, out) == (status, "")
    assert error.strip().rpartition("\n")[2] == last


@contextmanager
def sleeping(folder: Path, warm: dict[str, str]) -> Iterator[tuple["subprocess.Popen[str]", psutil.Process]]:
    """A program that waits for a minute: the process that was started, and the fork that stands for it."""
    (folder / "program.py").write_text("import os, time\nprint(os.getpid(), flush=True)\ntime.sleep(60)\n")
    process = start(folder, warm, "program")
    try:
        fork = psutil.Process(int(process.stdout.readline()))  # type: ignore[union-attr]
        assert fork.pid != process.pid
        yield process, fork
    finally:
        process.kill()
        process.communicate()


def test_a_signal_ends_the_fork_too(tmp_path: Path, warm: dict[str, str]) -> None:
    with sleeping(tmp_path, warm) as (process, fork):
        process.terminate()
        gone, _ = psutil.wait_procs([fork], timeout=120)
    assert fork in gone or fork.status() == psutil.STATUS_ZOMBIE


def test_a_fork_that_is_killed_is_a_failure(tmp_path: Path, warm: dict[str, str]) -> None:
    with sleeping(tmp_path, warm) as (process, fork):
        fork.kill()
        code, _, error = said(process)
    assert code == 128 + signal.SIGKILL
    assert error == "python -m program was ended by a signal: was there enough memory?\n"


def test_without_the_libraries_it_is_the_usual_python(tmp_path: Path) -> None:
    (tmp_path / "program.py").write_text(f"import os\nprint({STARTED!r} in os.environ)\n")
    place = tmp_path / "a folder" / "warm"
    place.mkdir(parents=True)
    with warm_python(place, usual()) as changes:  # seconds before they are there
        assert said(start(tmp_path, changes, "program", **{STARTED: "1"})) == (0, "False\n", "")
    assert said(start(tmp_path, changes, "program")) == (0, "False\n", "")  # and when that process is gone


def crosswiki_warm(folder: Path, *command: str) -> "subprocess.Popen[str]":
    # As in a terminal: what a shell starts in the background, such as these tests, ignores Ctrl-C, and so would it.
    listening = "env", "--default-signal=INT"
    return subprocess.Popen(
        [*listening, sys.executable, "-m", "crosswiki", "warm", *command],
        cwd=folder,
        env={**usual(), "PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )


@pytest.mark.parametrize(
    ("command", "status", "out", "error"),
    [
        (("sh", "-c", "echo $0; exit 5", "--help"), 5, "--help\n", ""),
        (("sh", "-c", "kill -TERM $$"), 143, "", ""),
        ((), 2, "", "warm: a command is needed, such as: crosswiki warm dvc repro\n"),
        (("no-such-program",), 2, "", "no-such-program: cannot be run (No such file or directory)\n"),
    ],
)
def test_the_command_ends_as_its_command_ends(
    tmp_path: Path, command: tuple[str, ...], status: int, out: str, error: str
) -> None:
    assert said(crosswiki_warm(tmp_path, *command)) == (status, out, error)


def test_the_interrupt_of_a_terminal_is_left_to_the_command(tmp_path: Path) -> None:
    lines = ["import sys, time", "print('begins', flush=True)", "try:", "    time.sleep(60)"]
    lines += ["except KeyboardInterrupt:", "    sys.exit(9)"]
    process = crosswiki_warm(tmp_path, sys.executable, "-c", "\n".join(lines))
    assert process.stdout and process.stdout.readline() == "begins\n"
    time.sleep(0.2)  # until the command line waits
    os.killpg(process.pid, signal.SIGINT)
    assert said(process) == (9, "", "")
