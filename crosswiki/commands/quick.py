"""Run the whole pipeline on real data with small limits, in minutes: a sketch that leaves the results as they are.

quick.yaml has the limits, which take the place of those in params.yaml. DVC runs the graph in a folder of its own, as
an experiment named `quick`, so params.yaml, dvc.lock, models/ and metrics/ stay untouched.
"""

import argparse
import json
import subprocess
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from crosswiki.commands.warm import run_warm
from crosswiki.pipeline.checked_yaml import check, read_yaml
from crosswiki.pipeline.errors import UserError
from crosswiki.pipeline.outputs import replacing
from crosswiki.pipeline.parameters import Parameters
from crosswiki.pipeline.provenance import flat, git_commit
from crosswiki.pipeline.renamed import RENAMED

NAME = "quick"  # of the experiment
LIMITS = Path("quick.yaml")
SHOWN = ("metrics/report.html", "metrics/evaluation.json")  # what is copied out of the experiment
FOLDER = Path("sketch")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    parser.add_argument("--limits", type=Path, default=LIMITS, help=f"a part of params.yaml (default: {LIMITS})")


def run(arguments: argparse.Namespace) -> None:
    """Run the experiment, and copy its report and its scores to sketch/.

    Raises:
        UserError: the limits are no part of params.yaml, or the experiment failed.
    """
    started = time.monotonic()
    command = ["dvc", "exp", "run", "--temp", "--name", NAME]
    for setting in settings(read_yaml(Path("params.yaml")), arguments.limits):
        command += ["--set-param", setting]
    known = ["git", "rev-parse", "--quiet", "--verify", _reference()]
    if subprocess.run(known, check=False, capture_output=True).returncode == 0:
        remove = ["dvc", "exp", "remove", "--quiet", NAME]  # `dvc exp run --force` would run every stage anew
        if subprocess.run(remove, check=False).returncode:
            raise UserError(f"quick: the experiment {NAME} of before could not be removed; the lines above say why")
    if run_warm(command):
        raise UserError(f"quick: the experiment failed; the lines above say why: {' '.join(command[:3])}")
    for path in SHOWN:
        with replacing(FOLDER / Path(path).name) as partial:
            partial.write_bytes(_result(path))
    made = ", ".join(str(FOLDER / Path(path).name) for path in SHOWN)
    print(f"quick: made {made} in {time.monotonic() - started:.0f} s; the experiment is named {NAME}")


def settings(params: Mapping[str, Any], limits: Path) -> Iterator[str]:
    """What `dvc exp run --set-param` takes, for each value of a file of limits.

    Args:
        params: the content of params.yaml.
        limits: the file.

    Raises:
        UserError: see `check`.
    """
    changes = read_yaml(limits)
    check(Parameters, _merged(params, changes), limits, RENAMED)
    for name, value in flat(changes):
        yield f"{name}={json.dumps(value)}"


def _merged(values: Mapping[str, Any], changes: Mapping[str, Any]) -> dict[str, Any]:
    both = {
        key: _merged(values[key], change) if isinstance(change, dict) and isinstance(values.get(key), dict) else change
        for key, change in changes.items()
    }
    return {**values, **both}


def _result(path: str) -> bytes:
    """A file of the experiment, as git or DVC's cache has it."""
    import dvc.api  # takes more than a second

    content: bytes = dvc.api.read(path, rev=_reference(), mode="rb")
    return content


def _reference() -> str:
    """The name by which git knows the experiment of the commit that is checked out."""
    head = git_commit(Path())
    return f"refs/exps/{head[:2]}/{head[2:]}/{NAME}"
