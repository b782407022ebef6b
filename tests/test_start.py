"""What looking costs: a stage imports what it uses, and no more."""

import subprocess
import sys

import pytest

from crosswiki.__main__ import COMMANDS
from tests.tiny import ROOT, clean_environment

HEAVY = {
    "torch",
    "transformers",
    "datasets",
    "accelerate",
    "sklearn",
    "scipy",
    "matplotlib",
    "mlflow",
    "huggingface_hub",
}
USED = {
    "prepare": set(),
    "skipgram": {"torch", "scipy"},  # numba looks which scipy there is
    "align": {"torch"},
    "report": {"torch", "matplotlib", "scipy", "sklearn"},
}


@pytest.mark.parametrize(("stage", "used"), USED.items())
def test_a_stage_imports_what_it_uses(stage: str, used: set[str]) -> None:
    code = f"import sys, stages.{stage}; print(*sys.modules)"
    answer = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, env=clean_environment(), capture_output=True, text=True, check=True
    )
    assert HEAVY & set(answer.stdout.split()) == used


def test_no_stage_loads_mlflow_before_it_starts() -> None:
    names = sorted(path.stem for path in (ROOT / "stages").glob("[a-z]*.py"))
    code = "import sys; " + "; ".join(f"import stages.{name}" for name in names) + "; print('mlflow' in sys.modules)"
    answer = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, env=clean_environment(), capture_output=True, text=True, check=True
    )
    assert answer.stdout == "False\n"


def test_the_command_line_and_the_package_load_nothing_heavy() -> None:
    code = "import sys, crosswiki, crosswiki.__main__; print(*sys.modules)"
    answer = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, env=clean_environment(), capture_output=True, text=True, check=True
    )
    assert not {*HEAVY, "pandas", "pyarrow", "numba"} & set(answer.stdout.split())


@pytest.mark.parametrize("command", ["", *COMMANDS])
def test_help_says_what_a_command_does(command: str) -> None:
    answer = subprocess.run(
        [sys.executable, "-m", "crosswiki", *command.split(), "--help"],
        cwd=ROOT,
        env=clean_environment(),
        capture_output=True,
        text=True,
        check=True,
    )
    assert answer.stdout.startswith(f"usage: crosswiki {command}".strip())
    named = COMMANDS if not command else [command]
    assert all(name in answer.stdout for name in named)
