"""Parallel work in processes on all cores, with a limited number of tasks at a time, so memory stays constant."""

import os
import signal
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from itertools import chain, islice
from multiprocessing import get_context
from typing import TypeVar

Task = TypeVar("Task")
Result = TypeVar("Result")

# So that a process that reads thousands of groups returns the memory of each: Arrow's pool would keep it, and glibc
# keeps blocks below a threshold, which rises unless it is set.
MEMORY = {"ARROW_DEFAULT_MEMORY_POOL": "system", "MALLOC_MMAP_THRESHOLD_": "1048576"}


def cores() -> int:
    """The number of cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def over_all_cores(work: Callable[[Task], Result], tasks: Iterable[Task]) -> Iterator[tuple[Task, Result]]:
    """Do all tasks, and yield each with its result when it is done.

    A single task is done in this process, as starting others takes longer than most small corpora.

    Args:
        work: a function at the top level of a module, since other processes import it by name.
        tasks: read lazily, a few tasks ahead.
    """
    pending = iter(tasks)
    first = list(islice(pending, 2))
    if len(first) < 2:
        yield from ((task, work(task)) for task in first)
        return
    workers = cores()
    for name, value in MEMORY.items():
        os.environ.setdefault(name, value)
    pool = ProcessPoolExecutor(workers, mp_context=get_context("spawn"), initializer=_end_with, initargs=(os.getpid(),))
    pending = chain(first, pending)
    running: dict[Future[Result], Task] = {}
    try:
        while True:
            for task in islice(pending, 2 * workers - len(running)):
                running[pool.submit(work, task)] = task
            if not running:
                return
            for future in wait(running, return_when=FIRST_COMPLETED).done:
                yield running.pop(future), future.result()
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


def _end_with(parent: int) -> None:
    """End this process when its parent is killed; the parent handles Ctrl-C."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(0.5)
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()
