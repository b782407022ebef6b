"""What a stage script imports, from the import graph, and what dvc.yaml says that it depends on."""

from functools import cache
from pathlib import Path

import grimp
import yaml

ROOT = Path(__file__).parents[1]
# What keeps records of a stage and decides no output: an edit there is no reason to run a stage again.
RECORDS = frozenset(f"crosswiki.pipeline.{name}" for name in ("stage", "tracking", "provenance", "progress"))


@cache
def import_graph() -> grimp.ImportGraph:
    return grimp.build_graph("crosswiki", "stages", exclude_type_checking_imports=True, cache_dir=None)


def closure(stage: str) -> set[str]:
    """The modules that a stage script imports, directly or through others, records and what only they import aside."""
    graph, found, waiting = import_graph(), set[str](), [f"stages.{stage}"]
    while waiting:
        module = waiting.pop()
        if module not in found and module not in RECORDS:
            found.add(module)
            waiting += graph.find_modules_directly_imported_by(module)
    return {module for module in found if not is_package(module)}


def is_package(module: str) -> bool:
    return (ROOT / module.replace(".", "/") / "__init__.py").is_file()


def path_of(module: str) -> str:
    return f"{module.replace('.', '/')}.py"


def stages() -> dict[str, list[str]]:
    """Each stage's dependencies on code: files and folders."""
    graph = yaml.safe_load((ROOT / "dvc.yaml").read_text(encoding="utf-8"))["stages"]
    return {
        name: [dep for dep in stage["deps"] if dep.startswith(("stages/", "crosswiki/"))]
        for name, stage in graph.items()
    }


def modules_in(dep: str) -> set[str]:
    """The modules that a dependency on a file or a folder covers."""
    path = ROOT / dep
    files = sorted(path.rglob("*.py")) if path.is_dir() else [path]
    return {
        str(file.relative_to(ROOT).with_suffix("")).replace("/", ".") for file in files if file.name != "__init__.py"
    }


def shortest(stage: str) -> list[str]:
    """The closure as dependencies: a folder where all of its modules are in it, else modules."""
    needed = closure(stage)
    folders = sorted(
        (str(init.parent.relative_to(ROOT)) for init in (ROOT / "crosswiki").rglob("__init__.py")), key=len
    )
    deps: list[str] = []
    for folder in folders:
        inside = modules_in(folder)
        if inside and inside <= needed:
            deps.append(folder)
            needed -= inside
    return [path_of(f"stages.{stage}"), *sorted([*deps, *(path_of(m) for m in needed if m != f"stages.{stage}")])]


def rewrite() -> None:
    """Write the dependencies on code into dvc.yaml, in the place of those that are there: `python -m tests.closure`."""
    lines, stage, done = [], "", False
    for line in (ROOT / "dvc.yaml").read_text(encoding="utf-8").splitlines():
        if line.startswith("  ") and line[2] != " " and line.rstrip().endswith(":"):
            stage, done = line.strip()[:-1], False
        if line.startswith(("      - stages/", "      - crosswiki/")):
            if not done:
                lines += [f"      - {dep}" for dep in shortest(stage)]
                done = True
            continue
        lines.append(line)
    (ROOT / "dvc.yaml").write_text("\n".join(lines) + "\n", encoding="utf-8")


if __name__ == "__main__":
    rewrite()
