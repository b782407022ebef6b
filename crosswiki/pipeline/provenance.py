"""The circumstances of a run: commit, user, machine and installed packages; and its metrics."""

import getpass
import hashlib
import json
import math
import os
import platform
import posixpath
import re
import resource
import subprocess
import sys
from collections.abc import Iterator, Mapping
from importlib.metadata import distributions
from pathlib import Path
from typing import Any

LONGEST_NAME = 250  # of a metric, in MLflow


def git_commit(root: Path) -> str:
    """The commit that is checked out; empty if there is none."""
    command = ["git", "rev-parse", "--verify", "HEAD"]
    try:
        return subprocess.run(command, cwd=root, capture_output=True, text=True, check=True, timeout=5).stdout.strip()
    except (OSError, subprocess.SubprocessError):
        return ""


def user() -> str:
    """The user's name; empty if the system has none."""
    try:
        return getpass.getuser()
    except (OSError, KeyError):
        return ""


def machine() -> dict[str, str]:
    """Python, platform and cores of this machine, as tags."""
    return {"python": platform.python_version(), "platform": platform.platform(), "cores": str(os.cpu_count())}


def installed() -> str:
    """All installed packages as a requirements file: `name==version`, one on each line."""
    names = {f"{package.metadata['Name']}=={package.version}" for package in distributions()}
    return "".join(f"{name}\n" for name in sorted(names, key=str.lower))


def peak_memory() -> float:
    """The peak memory of this process (resident set size), in megabytes."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss  # bytes on a Mac, kilobytes elsewhere
    return peak / (2**20 if sys.platform == "darwin" else 2**10)


def flat(values: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    """The values of a nested mapping, each with its full name, such as skipgram.dim."""
    for key, value in values.items():
        if isinstance(value, Mapping):
            yield from flat(value, f"{prefix}{key}.")
        else:
            yield f"{prefix}{key}", value


def metric_name(name: str) -> str:
    """A name that MLflow takes for a metric: people's names for topics and files have letters that it refuses.

    MLflow takes letters, digits, `_`, `-`, `.`, `:`, `/` and spaces, 250 of them at most, in a form that is also a
    clean relative path. A name that is changed ends in a digest of the whole, so that no two become one.
    """
    clean = re.sub(r"[^\w.\-: /]", "_", name)
    if posixpath.normpath(clean) != clean or clean.startswith(("/", "..")):
        clean = f"_{clean.replace('/', '_')}"
    if clean == name and len(name) <= LONGEST_NAME:
        return name
    digest = hashlib.sha256(name.encode(errors="surrogatepass")).hexdigest()[:8]
    return f"{clean[: LONGEST_NAME - 9]}-{digest}"


def numbers_below(folder: Path) -> Iterator[tuple[str, float]]:
    """Read every number in a folder of metrics files, under a name such as skipgram.target.loss."""
    for path in sorted([*folder.glob("*.json"), *folder.glob("*/*.json")]):
        try:
            content = json.loads(path.read_text(encoding="utf-8"))
        except (OSError, ValueError):  # incomplete or not JSON; the other files are still read
            continue
        place = ".".join(path.relative_to(folder).with_suffix("").parts)
        for key, value in flat({place: content}):
            if isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value):
                yield metric_name(key), float(value)
