"""A stage's files from dvc.yaml, and the data's hashes from dvc.lock."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

DATA = "data/"  # files below it are data sets; models and metrics are results


@dataclass(frozen=True)
class StageFiles:
    """The files that a stage reads, and those that it makes (without metrics and plots)."""

    deps: tuple[str, ...] = ()
    outs: tuple[str, ...] = ()


def files_of(
    stage: str, role: str | None, corpus: str, roles: Sequence[str], graph: Path = Path("dvc.yaml")
) -> StageFiles:
    """A stage's files according to the graph; none if there is no graph or no such stage."""
    found = _read(graph).get("stages", {}).get(stage, {})
    values = {"item.role": role or "", "corpus": corpus}
    values |= {f"roles[{place}]": name for start in (0, -len(roles)) for place, name in enumerate(roles, start)}
    return StageFiles(*(tuple(_names(found.get(key), values)) for key in ("deps", "outs")))


def data_hashes(deps: tuple[str, ...], lock: Path = Path("dvc.lock")) -> dict[str, str]:
    """The DVC hash of each data set among a stage's dependencies, by path.

    A file in a folder that DVC tracks as a whole has the folder's hash. Files without a hash are left out.
    """
    stages = _read(lock).get("stages", {}).values()
    known = {out["path"]: out["md5"] for stage in stages for out in stage.get("outs", []) if "md5" in out}
    places = [[path, *map(str, Path(path).parents)] for path in deps if path.startswith(DATA)]
    found = [next((place for place in above if place in known), None) for above in places]
    return {path: known[path] for path in found if path}


def _names(entries: list[str | Mapping[str, Any]] | None, values: Mapping[str, str]) -> list[str]:
    names = [entry if isinstance(entry, str) else next(iter(entry)) for entry in entries or []]
    return [re.sub(r"\$\{(.*?)\}", lambda found: values.get(found[1], found[0]), name) for name in names]


def _read(path: Path) -> dict[str, Any]:
    # All values stay text, and libyaml parses if it is there: dvc.lock is long, and every stage reads it.
    loader = getattr(yaml, "CBaseLoader", yaml.BaseLoader)
    content = yaml.load(path.read_text(encoding="utf-8"), loader) if path.is_file() else None  # noqa: S506
    return content if isinstance(content, dict) else {}
