"""Writing outputs whole: beside their place first, then renamed, so that nothing half-written remains."""

import csv
import errno
import json
import os
import shutil
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from filelock import FileLock

from crosswiki.pipeline.errors import UserError


def remove(path: Path) -> None:
    """Remove a file or a whole folder; nothing happens if there is none."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


@contextmanager
def replacing(path: Path, directory: bool = False) -> Iterator[Path]:
    """Give a place beside `path` to write to, and rename it to `path` when the block ends without an error.

    Args:
        path: where the output is to stand; its parent folders are made.
        directory: whether the output is a folder (made empty) or a file.

    Yields:
        The place to write to: `.NAME.partial` in the same folder. It is removed if the block raises.
    """
    partial = path.with_name(f".{path.name}.partial")
    path.parent.mkdir(parents=True, exist_ok=True)
    remove(partial)  # what a killed run left
    if directory:
        partial.mkdir()
    try:
        yield partial
        partial.lstat()  # before the old output goes: is there a new one?
        if directory or path.is_dir():
            remove(path)
        partial.replace(path)
    except OSError as error:
        full = error.errno in (errno.ENOSPC, errno.EDQUOT)  # such an error names no file
        if not full and str(partial) not in str(error.filename):
            raise
        raise UserError(f"{path}: cannot be written ({error.strerror}): free some space or check the rights") from error
    finally:
        remove(partial)


@contextmanager
def alone(place: Path) -> Iterator[None]:
    """Wait until no other experiment that runs at the same time works on `place`."""
    place.parent.mkdir(parents=True, exist_ok=True)
    with FileLock(place.with_name(f"{place.name}.lock")):
        yield


def save_curve(points: Iterable[tuple[int, float]], path: Path, x: str = "step", y: str = "loss") -> None:
    """Write a curve as DVC plots it: a CSV file with the columns `x` and `y`."""
    with replacing(path) as partial, partial.open("w", newline="", encoding="utf-8") as file:
        csv.writer(file, lineterminator="\n").writerows([(x, y), *((at, f"{value:.6g}") for at, value in points)])


def write_json(path: Path, value: Any) -> None:
    """Write a value as indented JSON, keys in their order, through `replacing`."""
    with replacing(path) as partial:
        partial.write_text(json.dumps(value, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")


def read_json(path: Path) -> Any:
    """Read a JSON file.

    Raises:
        UserError: there is no such file, or it is not JSON.
    """
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise UserError(f"{path}: no such file: run the stage that makes it first (dvc repro)") from error
    except json.JSONDecodeError as error:
        raise UserError(f"{path}: not JSON ({error})") from error


def checkpoints() -> Path:
    """Where unfinished work and fetched files are kept, for every workspace of the project; see .gitignore."""
    return Path(os.environ.get("DVC_ROOT") or ".") / ".checkpoints"


def checkpoint_path(what: str, digest: str) -> Path:
    """Where a training that may be killed keeps what it goes on from: outside of DVC's outputs, and never tracked.

    Args:
        what: is trained.
        digest: of everything that the result depends on, so that nothing else goes on from there.
    """
    return checkpoints() / f"{what.replace(' ', '-')}-{digest}"
