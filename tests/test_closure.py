"""The graph cannot lie: a stage depends on all the code that it imports, and on no other."""

import json
import shutil
from pathlib import Path

import pytest
import yaml

from tests.closure import RECORDS, ROOT, closure, import_graph, modules_in, path_of, shortest, stages
from tests.tiny import STAGES as NAMES
from tests.tiny import run

STAGES = stages()
# From those that one stage needs to those that many do, and one that is exempt.
MUTATED = (
    *("crosswiki.embeddings.spelling", "crosswiki.embeddings.skipgram.kernels", "crosswiki.bert.rows"),
    *("crosswiki.corpora.splits", "crosswiki.corpora.readers.wheel", "crosswiki.evaluation.scores"),
    *("crosswiki.pipeline.outputs", "crosswiki.pipeline.tracking", "stages.distill"),
)


@pytest.mark.parametrize("stage", STAGES)
def test_a_stage_depends_on_what_it_imports_and_on_nothing_else(stage: str) -> None:
    named = [modules_in(dep) for dep in STAGES[stage]]
    assert set().union(*named) == closure(stage), "python -m tests.closure writes what is imported into dvc.yaml"
    assert sum(map(len, named)) == len(closure(stage)), "no module is named twice"


@pytest.mark.parametrize("stage", STAGES)
def test_a_room_that_is_used_as_a_whole_is_named_as_a_folder(stage: str) -> None:
    assert STAGES[stage] == shortest(stage)


def test_no_dependency_lies_within_a_folder_that_another_stage_makes() -> None:
    """DVC 3.67's experiments fail there, where the cache lacks the folder that the commit's dvc.lock names."""
    graph = yaml.safe_load((ROOT / "dvc.yaml").read_text(encoding="utf-8"))["stages"].values()
    outs = {Path(out if isinstance(out, str) else next(iter(out))) for stage in graph for out in stage["outs"]}
    deps = {Path(dep) for stage in graph for dep in stage["deps"]}
    assert outs & deps
    assert not {dep: above for dep in deps for above in outs.intersection(dep.parents)}


def test_every_stage_script_is_in_the_graph() -> None:
    assert modules_in("stages") == {f"stages.{name}" for name in STAGES}


def test_records_are_modules_that_there_are() -> None:
    assert import_graph().modules >= RECORDS
    assert not any(path_of(module) in deps for module in RECORDS for deps in STAGES.values())


@pytest.fixture(scope="module")
def mutable(finished: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return Path(shutil.copytree(finished, tmp_path_factory.mktemp("closure") / "project"))


@pytest.mark.parametrize("module", MUTATED)
def test_an_edit_changes_exactly_the_stages_that_import_it(mutable: Path, module: str) -> None:
    path = mutable / path_of(module)
    before = path.read_text(encoding="utf-8")
    path.write_text(before + "# a comment\n", encoding="utf-8")
    try:
        changed = json.loads(run(mutable, "dvc", "status", "--json").stdout)
    finally:
        path.write_text(before, encoding="utf-8")
    affected = {stage for stage in STAGES if module in closure(stage)}
    assert (module in RECORDS) == (not affected)
    assert set(changed) == {name for name in NAMES if name.partition("@")[0] in affected}
    for name, changes in changed.items():
        deps = [dep for dep in STAGES[name.partition("@")[0]] if module in modules_in(dep)]
        assert changes == [{"changed deps": dict.fromkeys(deps, "modified")}], name


def test_without_an_edit_nothing_is_changed(mutable: Path) -> None:
    assert json.loads(run(mutable, "dvc", "status", "--json").stdout) == {}


def test_no_two_files_have_one_name() -> None:
    names = [path.name for room in ("crosswiki", "stages") for path in (ROOT / room).rglob("*.py")]
    twice = {name for name in names if names.count(name) > 1} - {"__init__.py"}
    assert not twice
