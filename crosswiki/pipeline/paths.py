"""Paths of the user's, which presets and params.yaml name."""

import hashlib
import os
import re
from pathlib import Path

from crosswiki.pipeline.errors import UserError


def user_path(name: str) -> Path:
    """A path of the user's: `~` and `$VARIABLE` are replaced; relative ones start at the working copy's folder.

    An experiment of the queue or of `--temp` runs in a copy of what git tracks. `$DVC_ROOT` is the project's folder
    there too; a relative path to what is not in the copy, as git ignores it, starts there as well.

    Raises:
        UserError: a variable is not set.
    """
    root = os.environ.get("DVC_ROOT") or "."
    name = re.sub(r"^\$(?:DVC_ROOT\b|\{DVC_ROOT\})", lambda _: root, name)
    path = Path(os.path.expandvars(name)).expanduser()
    if "$" in str(path) and not path.exists():
        raise UserError(f"{name}: an environment variable in it is not set: export it, then run again")
    beside = Path(root) / path
    return beside if not path.exists() and beside.exists() else path


def sha256_of(path: Path) -> str:
    """A file's SHA-256, 64 hexadecimal digits."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def checked_file(name: str, parameter: str) -> Path:
    """A file of the user's that params.yaml names.

    Args:
        name: `path` as `user_path` takes it, or `path#sha256=digest`.
        parameter: its full name, for the message.

    Raises:
        UserError: there is no such file, or it has another digest.
    """
    place, _, expected = name.partition("#sha256=")
    path = user_path(place)
    if not path.is_file():
        raise UserError(f"params.yaml: {parameter}: {name}: no such file: check its path (or its place in the project)")
    if expected and (found := sha256_of(path)) != expected:
        raise UserError(f"params.yaml: {parameter}: {path}: its SHA-256 is {found}, not {expected}: has it changed?")
    return path
