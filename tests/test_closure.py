"""The graph cannot lie: a stage depends on all the code that it imports, and on no other."""

import pytest

from tests.closure import RECORDS, closure, import_graph, modules_in, path_of, shortest, stages

STAGES = stages()


@pytest.mark.parametrize("stage", STAGES)
def test_a_stage_depends_on_what_it_imports_and_on_nothing_else(stage: str) -> None:
    named = [modules_in(dep) for dep in STAGES[stage]]
    assert set().union(*named) == closure(stage), "python -m tests.closure writes what is imported into dvc.yaml"
    assert sum(map(len, named)) == len(closure(stage)), "no module is named twice"


@pytest.mark.parametrize("stage", STAGES)
def test_a_room_that_is_used_as_a_whole_is_named_as_a_folder(stage: str) -> None:
    assert STAGES[stage] == shortest(stage)


def test_every_stage_script_is_in_the_graph() -> None:
    assert modules_in("stages") == {f"stages.{name}" for name in STAGES}


def test_records_are_modules_that_there_are() -> None:
    assert import_graph().modules >= RECORDS
    assert not any(path_of(module) in deps for module in RECORDS for deps in STAGES.values())
