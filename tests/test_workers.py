"""Work in parallel: on this machine's processes and on a real Dask cluster, with workers that die."""

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import pytest

from crosswiki.corpora.collect import Corpus, collect
from crosswiki.pipeline import dask_workers as dask_workers_module
from crosswiki.pipeline import workers
from crosswiki.pipeline.errors import UserError
from tests.dumps import dump
from tests.squares import name_of, square, square_or_die

ROOT = Path(__file__).parents[1]


def test_every_task_is_done_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(workers, "cores", lambda: 2)
    assert sorted(workers.over_workers(square, range(10))) == [(n, n * n) for n in range(10)]
    assert list(workers.over_workers(square, [3])) == [(3, 9)]
    assert list(workers.over_workers(square, [])) == []


def test_tasks_are_made_as_they_are_needed_and_an_error_arrives() -> None:
    made: list[int] = []

    def tasks() -> Iterator[int]:
        for number in range(1000):
            made.append(number)
            yield number

    done = 0
    ahead = 0
    with pytest.raises(UserError, match="thirteen: no"):
        for _ in workers.over_workers(square, tasks(), "local:2"):
            done += 1
            ahead = max(ahead, len(made) - done)
    assert done > 0
    assert ahead <= 4  # two tasks for each of two workers, however fast each of them is


def test_what_a_dead_worker_did_is_done_again_and_every_task_once(tmp_path: Path) -> None:
    work = partial(square_or_die, folder=tmp_path, deaths=2)
    assert sorted(workers.over_workers(work, range(8), "local:2", name_of)) == [(n, n * n) for n in range(8)]
    assert len(list(tmp_path.iterdir())) == 2


def test_a_task_that_kills_three_workers_is_an_error_that_names_it(tmp_path: Path) -> None:
    work = partial(square_or_die, folder=tmp_path, deaths=99)
    with pytest.raises(UserError, match=r"^part 3: 3 workers have died"):
        list(workers.over_workers(work, range(8), "local:2", name_of))


# ------------------------------------------------------------------------------------------------ Dask


@contextmanager
def started(*command: str, folder: Path = ROOT) -> Iterator[subprocess.Popen[bytes]]:
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "DASK_DISTRIBUTED__SCHEDULER__ALLOWED_FAILURES": "2"}
    with subprocess.Popen(
        [sys.executable, "-m", "dask", *command], cwd=folder, env=environment, stderr=subprocess.DEVNULL
    ) as process:
        try:
            yield process
        finally:
            process.kill()


@pytest.fixture(scope="module")
def scheduler(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A scheduler's address."""
    from distributed import Client

    file = tmp_path_factory.mktemp("dask") / "scheduler.json"
    quiet = ("--host", "127.0.0.1", "--port", "0", "--no-dashboard")
    with started("scheduler", *quiet, "--scheduler-file", str(file)):
        while not file.exists():
            time.sleep(0.1)
        with Client(scheduler_file=str(file), set_as_default=False) as client:
            address = client.scheduler.address
        yield address


@contextmanager
def dask_workers(scheduler: str, folder: Path) -> Iterator[str]:
    """Two workers, whose nannies start them again when they die, as a cluster does."""
    folder.mkdir()
    common = ("--nthreads", "1", "--no-dashboard", "--local-directory", str(folder), "--death-timeout", "60")
    with started("worker", scheduler, *common, "--nworkers", "2", folder=folder):
        yield f"dask:{scheduler}"


def read(folder: Path, where: str, monkeypatch: pytest.MonkeyPatch) -> bytes:
    from tests.test_corpora import ALL
    from tests.test_dump import preset_of

    monkeypatch.setenv("DVC_ROOT", str(folder / "work"))
    monkeypatch.chdir(folder)  # so that the dump's path is relative
    collect(Corpus(preset_of("{wiki}.xml.bz2"), "ru", "en"), ALL, 1, folder / "articles.parquet", where)
    return (folder / "articles.parquet").read_bytes()


def test_dask_workers_read_the_same_bytes_and_one_that_dies_is_replaced(
    tmp_path: Path, scheduler: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    project, deaths = tmp_path / "project", tmp_path / "deaths"
    project.mkdir()
    deaths.mkdir()
    (project / "ruwiki.xml.bz2").write_bytes(dump("ru"))
    expected = read(project, "local:1", monkeypatch)
    with monkeypatch.context() as patch, pytest.raises(UserError, match="has had no worker for"):
        patch.setattr(dask_workers_module, "PATIENCE", 0.2)
        list(workers.over_workers(square, range(3), f"dask:{scheduler}"))
    with dask_workers(scheduler, tmp_path / "workers") as where:
        assert read(project, where, monkeypatch) == expected
        work = partial(square_or_die, folder=deaths, deaths=1)
        assert sorted(workers.over_workers(work, range(8), where, name_of)) == [(n, n * n) for n in range(8)]
        work = partial(square_or_die, folder=deaths, deaths=99)
        with pytest.raises(UserError, match=r"^part 3: 3 workers have died"):
            list(workers.over_workers(work, [1, 3], where, name_of))
        with pytest.raises(UserError, match="thirteen: no"):
            list(workers.over_workers(square, range(20), where))
        monkeypatch.setattr(dask_workers_module, "version", lambda: "another")
        with pytest.raises(UserError, match=r"the worker at tcp://\S+ has another version of crosswiki: install"):
            list(workers.over_workers(square, range(3), where))


def test_a_scheduler_that_does_not_answer_is_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dask_workers_module, "ANSWER", 1)
    with pytest.raises(UserError, match=r"no Dask scheduler answers at tcp://127.0.0.1:9: start it"):
        list(workers.over_workers(square, range(3), "dask:tcp://127.0.0.1:9"))


def test_a_worker_elsewhere_is_said_to_lack_the_folder_or_the_package(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    token = tmp_path / "token"
    assert "does not see" in str(dask_workers_module._question(str(tmp_path), str(token), "x")())
    token.touch()
    monkeypatch.setitem(sys.modules, "crosswiki.pipeline.dask_workers", None)
    assert "cannot import crosswiki" in str(dask_workers_module._question(str(tmp_path), str(token), "x")())
