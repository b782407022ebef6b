"""Paths of the user's, which presets and params.yaml name."""

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
