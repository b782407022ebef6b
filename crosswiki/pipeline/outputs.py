"""Writing outputs completely: first to a partial file beside them, then renamed, so no half-written file remains."""

import csv
import errno
import json
import os
import shutil
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory, TemporaryFile
from typing import Any

from filelock import FileLock

from crosswiki.pipeline.errors import UserError
from crosswiki.pipeline.ranks import rank

FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)  # the disk, or what a user may have of it


def remove(path: Path) -> None:
    """Remove a file or a folder, if it exists; rank 0 alone does."""
    if rank() > 0:
        return
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


@contextmanager
def replacing(path: Path, directory: bool = False) -> Iterator[Path]:
    """Give a path beside `path` to write to, and rename it to `path` when the block ends without an error.

    Args:
        path: of the output; its parent folders are made.
        directory: whether the output is a folder (made empty) or a file.

    Yields:
        The path to write to: `.NAME.partial` in the same folder. It is removed if the block raises. Where several
        ranks run, what others than rank 0 write is thrown away.
    """
    if rank() > 0:  # every rank has the same to write, and rank 0 does
        with TemporaryDirectory() as elsewhere:
            partial = Path(elsewhere) / path.name
            if directory:
                partial.mkdir()
            yield partial
        return
    partial = path.with_name(f".{path.name}.partial")
    path.parent.mkdir(parents=True, exist_ok=True)
    remove(partial)  # left by a killed run
    if directory:
        partial.mkdir()
    try:
        yield partial
        partial.lstat()  # raises if nothing was written, before the old output is removed
        if directory:
            _open_to_readers(partial)
        if directory or path.is_dir():
            remove(path)
        partial.replace(path)
    except UserError:
        raise
    except Exception as error:
        reason = _refusal(error, partial)
        if reason is None:
            raise
        raise UserError(f"{path}: cannot be written ({reason}): free some space or check the rights") from error
    finally:
        remove(partial)


def _refusal(error: Exception, partial: Path) -> str | None:
    """Why the disk refuses what is written to `partial`, if that is why an error was raised."""
    if isinstance(error, OSError) and str(partial) in str(error.filename):
        return error.strerror
    for full in map(os.strerror, FULL):
        if full in str(error):  # names no file, and need not be an OSError: safetensors has its own
            return full
    try:  # PyTorch says "unexpected pos", so the disk is asked
        with TemporaryFile(dir=partial.parent) as probe:
            probe.write(bytes(2**16))
    except OSError as refused:
        return refused.strerror
    return None


def _open_to_readers(folder: Path) -> None:
    """Let all read a folder's files who may read the folder: safetensors writes its own for the owner alone."""
    allowed = folder.stat().st_mode & 0o666
    for file in folder.rglob("*"):
        if file.is_file() and not file.is_symlink():
            file.chmod(file.stat().st_mode | allowed)


@contextmanager
def alone(place: Path) -> Iterator[None]:
    """Wait until no other experiment works on `place`, and lock it."""
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
    """The folder of checkpoints and fetched files, which all workspaces of the project share; see .gitignore."""
    return Path(os.environ.get("DVC_ROOT") or ".") / ".checkpoints"


def checkpoint_path(what: str, digest: str) -> Path:
    """The path of a training's checkpoints, outside of DVC's outputs and never tracked.

    Args:
        what: name of the training.
        digest: of all that the result depends on, so that no other training uses these checkpoints.
    """
    return checkpoints() / f"{what.replace(' ', '-')}-{digest}"
