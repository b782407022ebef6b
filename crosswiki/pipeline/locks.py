"""DVC's lock files, mended after a run was killed in the moment of writing one.

DVC writes `.dvc/tmp/rwlock` and `dvc.lock` in place. A process that dies in between leaves the file cut off, and from
then on every dvc command ends in "JSON structure is corrupted" or "validation failed", though nothing else is lost.
"""

import json
import os
import subprocess
from pathlib import Path

import psutil

from crosswiki.pipeline.outputs import replacing

LOCK, RESULTS = Path(".dvc/tmp/rwlock"), Path("dvc.lock")
CUT_OFF = Path(".dvc/tmp/dvc.lock")  # where a `dvc.lock` that cannot be read is kept


def mend_locks(root: Path) -> list[str]:
    """Remove or replace lock files that cannot be read, where no DVC process of this folder is alive.

    Args:
        root: the project's folder.

    Returns:
        What was done, a line for each; nothing where there was nothing to do.
    """
    spoilt = [
        place
        for place, can_be_read in ((LOCK, _is_locks), (RESULTS, _is_results))
        if (root / place).is_file() and not can_be_read((root / place).read_bytes())
    ]
    if spoilt and (living := dvc_processes(root)):
        wait = f"cannot be read, and DVC runs here (process {living[0]}): wait until it ends, then run again"
        return [f"{place}: {wait}" for place in spoilt]
    return [_remove_locks(root) if place == LOCK else _restore_results(root) for place in spoilt]


def _is_locks(content: bytes) -> bool:
    """Whether DVC can read it; it removes the entries of processes that are gone by itself."""
    try:
        return isinstance(json.loads(content), dict)
    except ValueError:  # not JSON, or not Unicode
        return False


def _is_results(content: bytes) -> bool:
    """Whether DVC can read it, by its own rules; a merge that somebody has to end is none of ours."""
    from dvc.schema import COMPILED_LOCKFILE_SCHEMA
    from dvc.utils.serialize import YAMLFileCorruptedError, parse_yaml
    from voluptuous import Invalid

    try:
        COMPILED_LOCKFILE_SCHEMA(parse_yaml(content.decode(), RESULTS))
    except (UnicodeDecodeError, YAMLFileCorruptedError, Invalid):
        return b"<<<<<<< " in content
    return True


def _remove_locks(root: Path) -> str:
    (root / LOCK).unlink(missing_ok=True)
    return f"{LOCK}: a killed run left it cut off; it has been removed, and nothing else was lost"


def _restore_results(root: Path) -> str:
    (root / CUT_OFF).parent.mkdir(parents=True, exist_ok=True)
    (root / RESULTS).replace(root / CUT_OFF)
    committed = subprocess.run(["git", "show", f"HEAD:./{RESULTS}"], cwd=root, capture_output=True, check=False)
    if committed.returncode == 0:
        with replacing(root / RESULTS) as partial:
            partial.write_bytes(committed.stdout)
    now = "is the last commit's again" if committed.returncode == 0 else "has been removed"
    return f"{RESULTS}: a killed run left it cut off; it {now}, and what was made comes from DVC's run-cache"


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
