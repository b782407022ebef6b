"""What dvc.yaml and dvc.lock say of a stage: the files that it reads and makes, and the hashes of the data."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

DATA = "data/"  # what lies below it is a data set; models and metrics are results


@dataclass(frozen=True)
class StageFiles:
    """What a stage reads, and what it makes (metrics and plots apart)."""

    deps: tuple[str, ...] = ()
    outs: tuple[str, ...] = ()


def files_of(stage: str, role: str | None, corpus: str, graph: Path = Path("dvc.yaml")) -> StageFiles:
    """Look a stage up in the graph; nothing where there is no graph, or no such stage in it."""
    found = _read(graph).get("stages", {}).get(stage, {})
    return StageFiles(*(tuple(_names(found.get(key), role, corpus)) for key in ("deps", "outs")))


def data_hashes(deps: tuple[str, ...], lock: Path = Path("dvc.lock")) -> dict[str, str]:
    """The DVC hash of each data set among a stage's dependencies, by path.

    A file inside a folder that DVC keeps as a whole stands for that folder. What DVC has not hashed is left out.
    """
    stages = _read(lock).get("stages", {}).values()
    known = {out["path"]: out["md5"] for stage in stages for out in stage.get("outs", []) if "md5" in out}
    places = [[path, *map(str, Path(path).parents)] for path in deps if path.startswith(DATA)]
    found = [next((place for place in above if place in known), None) for above in places]
    return {path: known[path] for path in found if path}


def _names(entries: list[str | Mapping[str, Any]] | None, role: str | None, corpus: str) -> list[str]:
    names = [entry if isinstance(entry, str) else next(iter(entry)) for entry in entries or []]
    return [name.replace("${item.role}", role or "").replace("${corpus}", corpus) for name in names]


def _read(path: Path) -> dict[str, Any]:
    # Plain text throughout, and in C where there is a C: dvc.lock is long, and every stage reads it.
    loader = getattr(yaml, "CBaseLoader", yaml.BaseLoader)
    content = yaml.load(path.read_text(encoding="utf-8"), loader) if path.is_file() else None  # noqa: S506
    return content if isinstance(content, dict) else {}
