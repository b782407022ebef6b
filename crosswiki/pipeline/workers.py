"""Work over all cores, in processes: as many results as there are cores wait at a time, so memory stays flat."""

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

# A process that reads thousands of groups one after another gives the memory of each back: Arrow's own pool keeps it,
# and glibc keeps what is smaller than a threshold that otherwise rises.
MEMORY = {"ARROW_DEFAULT_MEMORY_POOL": "system", "MALLOC_MMAP_THRESHOLD_": "1048576"}


def cores() -> int:
    """The number of cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def over_all_cores(work: Callable[[Task], Result], tasks: Iterable[Task]) -> Iterator[tuple[Task, Result]]:
    """Do each task and yield it with its result, in the order in which they are done.

    One task alone is done in this process: to start others takes longer than most small corpora.

    Args:
        work: a function at the top of a module, since it goes to other processes by its name.
        tasks: read lazily, a few ahead of what has been done.
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
    """End this process when its parent has been killed; leave Ctrl-C to the parent."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(0.5)
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()
