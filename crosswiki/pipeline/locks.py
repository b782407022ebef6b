"""DVC's lock file, mended after a run was killed in the moment of writing it.

DVC rewrites `.dvc/tmp/rwlock` in place. A process that dies in between leaves it cut off, and from then on every dvc
command ends in "JSON structure is corrupted", though nothing else is lost.
"""

import json
import os
from pathlib import Path

import psutil

LOCK = Path(".dvc/tmp/rwlock")


def mend_locks(root: Path) -> str | None:
    """Remove a lock file that cannot be read, where no DVC process of this folder is alive.

    Args:
        root: the project's folder.

    Returns:
        What was done, in a line; None where there was nothing to do.
    """
    path = root / LOCK
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None
    except ValueError:  # not JSON, or not Unicode
        content = None
    if isinstance(content, dict):
        return None  # DVC itself removes the entries of processes that are gone
    if living := dvc_processes(root):
        return f"{LOCK}: cannot be read, and DVC runs here (process {living[0]}): wait until it ends, then run again"
    path.unlink(missing_ok=True)
    return f"{LOCK}: a killed run left it cut off; it has been removed, and nothing else was lost"


def dvc_processes(root: Path) -> list[int]:
    """The processes of DVC whose working directory is this folder, this process and those that started it aside."""
    started_by = {os.getpid(), *(process.pid for process in psutil.Process().parents())}
    found = []
    for process in psutil.process_iter(["pid", "cmdline", "cwd"]):
        about = process.info
        words = [Path(word) for word in about["cmdline"] or []]
        is_dvc = any(word.stem == "dvc" or word.parts[-2:] == ("dvc", "__main__.py") for word in words[:3])
        if is_dvc and about["cwd"] and Path(about["cwd"]) == root.resolve() and about["pid"] not in started_by:
            found.append(about["pid"])
    return sorted(found)
