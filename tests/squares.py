"""Small tasks for other processes, which import this module alone."""

import os
import signal
from pathlib import Path

from crosswiki.pipeline.errors import UserError


def square(number: int) -> int:
    if number == 13:
        raise UserError("thirteen: no")
    return number * number


def square_or_die(number: int, folder: Path, deaths: int) -> int:
    """The square; but 3 kills its process so many times first."""
    died = len(list(folder.iterdir()))
    if number == 3 and died < deaths:
        (folder / str(died)).touch()
        os.kill(os.getpid(), signal.SIGKILL)
    return number * number


def name_of(number: int) -> str:
    return f"part {number}"
