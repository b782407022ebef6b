"""Parallel work in processes, on this machine or on a Dask cluster, with a limited number of tasks at a time.

`workers` in params.yaml says where: `local` (all cores), `local:8`, or the address of a Dask scheduler. It changes no
result: a task reads what it needs from files, and writes its own.
"""

import os
import signal
import threading
import time
from collections import Counter, deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, CancelledError, Executor, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from itertools import chain, islice
from multiprocessing import get_context
from typing import TypeVar

from crosswiki.pipeline.errors import UserError

Task = TypeVar("Task")
Result = TypeVar("Result")
Capacity = Callable[[], int]  # how many tasks are started at a time: enough that no worker waits

# So that a process that reads thousands of groups returns the memory of each: Arrow's pool would keep it, and glibc
# keeps blocks below a threshold, which rises unless it is set.
MEMORY = {"ARROW_DEFAULT_MEMORY_POOL": "system", "MALLOC_MMAP_THRESHOLD_": "1048576"}
DEATHS = 3  # of workers, by one task


def cores() -> int:
    """The number of cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def over_workers(
    work: Callable[[Task], Result],
    tasks: Iterable[Task],
    workers: str = "local",
    name_of: Callable[[Task], str] = str,
) -> Iterator[tuple[Task, Result]]:
    """Do all tasks, and yield each with its result when it is done.

    A single task is done in this process, as starting others takes longer than most small corpora. When a worker dies,
    its tasks are done again: on this machine one by one, so that the next death has a cause; on a cluster elsewhere.

    Args:
        work: a function at the top level of a module, since other processes import it by name. A task that is done
            twice must have the result of one that is done once.
        tasks: read lazily, a few tasks ahead.
        workers: the parameter `workers`.
        name_of: what a task is called in a message.

    Raises:
        UserError: there are no such workers, or a task has killed several.
    """
    pending = iter(tasks)
    first = list(islice(pending, 2))
    if len(first) < 2:
        yield from ((task, work(task)) for task in first)
        return
    waiting = enumerate(chain(first, pending))
    ready: deque[tuple[int, Task]] = deque()
    deaths: Counter[int] = Counter()
    while True:
        running: dict[Future[Result], tuple[int, Task]] = {}
        with _open(workers) as (executor, capacity):
            try:
                while True:
                    suspected = any(number in deaths for number, _ in chain(ready, running.values()))
                    most = 1 if suspected else capacity()
                    ready.extend(islice(waiting, max(0, most - len(running) - len(ready))))
                    while ready and len(running) < most:
                        running[executor.submit(work, ready[0][1])] = ready[0]
                        ready.popleft()
                    if not running:
                        return
                    for future in wait(running, return_when=FIRST_COMPLETED).done:
                        result = _result(future, name_of(running[future][1]), workers)
                        yield running.pop(future)[1], result
            except BrokenProcessPool as error:
                for number, task in running.values():
                    deaths[number] += 1
                    if deaths[number] >= DEATHS:
                        raise UserError(
                            f"{name_of(task)}: {DEATHS} workers have died at it, the last one with nothing else to do: "
                            "is there enough memory?"
                        ) from error
                ready.extendleft(reversed(running.values()))


def _result(future: "Future[Result]", name: str, workers: str) -> Result:
    try:
        return future.result()
    except CancelledError as error:
        raise UserError(f"params.yaml: workers: {workers}: the scheduler has gone: start it, then run again") from error
    except Exception as error:
        if type(error).__name__ == "KilledWorker":  # Dask's, which is imported only where it is used
            died = getattr(error, "allowed_failures", DEATHS - 1) + 1
            raise UserError(f"{name}: {died} workers have died at it: do they have enough memory?") from error
        raise


@contextmanager
def _open(workers: str) -> "Iterator[tuple[Executor, Capacity]]":
    """An executor for the parameter `workers`, and how many tasks it shall have at a time."""
    kind, _, rest = workers.partition(":")
    if kind == "dask":
        from crosswiki.pipeline.dask_workers import open_cluster

        with open_cluster(rest) as cluster:
            yield cluster
        return
    count = int(rest) if rest else cores()
    for name, value in MEMORY.items():
        os.environ.setdefault(name, value)
    context = get_context("spawn")
    pool = ProcessPoolExecutor(count, mp_context=context, initializer=_end_with, initargs=(os.getpid(),))
    try:
        yield pool, lambda: 2 * count
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


def _end_with(parent: int) -> None:
    """End this process when its parent is killed; the parent handles Ctrl-C."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    watch_parent(parent)


def watch_parent(parent: int) -> None:
    """End this process when its parent has ended."""

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(0.5)
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()
