"""Run a command such as `dvc repro` so that stages start at once: the heavy libraries are imported once for all.

They are the same stages with the same results, started seconds earlier. On a Mac, and where there is a GPU, the
command runs as it does without.
"""

import argparse
import os
import signal
import subprocess
import sys
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from tempfile import TemporaryDirectory

from crosswiki.pipeline.errors import UserError
from crosswiki.pipeline.forks import WARM, can_fork, warm_python
from crosswiki.pipeline.tracking import MLFLOW_DEFAULTS


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    parser.add_argument("command", nargs=argparse.REMAINDER, metavar="COMMAND …", help="such as: dvc repro")


def run(arguments: argparse.Namespace) -> None:
    """Run the command, and end as it ends.

    Raises:
        UserError: there is no such command.
    """
    if not arguments.command:
        raise UserError("warm: a command is needed, such as: crosswiki warm dvc repro")
    sys.exit(run_warm(arguments.command))


def run_warm(command: Sequence[str]) -> int:
    """Run a command whose stages start at once, where that is possible.

    Returns:
        Its exit status; as in a shell, 128 and the number of the signal that ended it.

    Raises:
        UserError: there is no such command.
    """
    with ExitStack() as stack:
        changes: dict[str, str] = {}
        if can_fork() and WARM not in os.environ:  # else `python` is a fork already
            folder = stack.enter_context(TemporaryDirectory(prefix="crosswiki-"))
            changes = stack.enter_context(warm_python(Path(folder), {**MLFLOW_DEFAULTS, **os.environ}))
        try:
            process = subprocess.Popen(command, env={**os.environ, **changes})
        except OSError as error:
            raise UserError(f"{command[0]}: cannot be run ({error.strerror})") from error
        before = signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the command, which says how it ends
        try:
            status = process.wait()
        finally:
            signal.signal(signal.SIGINT, before)
    return status if status >= 0 else 128 - status
