"""Work over all cores."""

from collections.abc import Iterator

import pytest

from crosswiki.pipeline import workers
from crosswiki.pipeline.errors import UserError


def square(number: int) -> int:
    if number == 13:
        raise UserError("thirteen: no")
    return number * number


def test_every_task_is_done_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(workers, "cores", lambda: 2)
    assert sorted(workers.over_all_cores(square, range(10))) == [(n, n * n) for n in range(10)]
    assert list(workers.over_all_cores(square, [3])) == [(3, 9)]
    assert list(workers.over_all_cores(square, [])) == []


def test_tasks_are_made_as_they_are_needed_and_an_error_arrives(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(workers, "cores", lambda: 2)
    made: list[int] = []

    def tasks() -> Iterator[int]:
        for number in range(1000):
            made.append(number)
            yield number

    with pytest.raises(UserError, match="thirteen: no"):
        for _ in workers.over_all_cores(square, tasks()):
            pass
    assert len(made) < 40
