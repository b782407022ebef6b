"""Workers of a Dask cluster: checked once that they can do what this machine would, then used as an executor.

A worker needs this version of crosswiki, one thread, and the folders of the project at the same paths.
"""

import hashlib
import os
from collections.abc import Callable, Iterator
from concurrent.futures import Executor, Future
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from crosswiki.pipeline.errors import UserError
from crosswiki.pipeline.outputs import checkpoints

if TYPE_CHECKING:
    from distributed import Client

ANSWER = 10  # seconds until the scheduler must have answered
PATIENCE = 60  # seconds until the first worker must be there


@cache
def version() -> str:
    """A digest of this package's code, as it was when a process first asked: a worker keeps what it has imported."""
    package = Path(__file__).parents[1]
    digest = hashlib.blake2b(digest_size=12)
    for path in sorted(package.rglob("*.py"), key=lambda path: path.relative_to(package).as_posix()):
        digest.update(path.read_bytes())
    return digest.hexdigest()


@contextmanager
def open_cluster(address: str) -> Iterator[tuple[Executor, Callable[[], int]]]:
    """Connect to a scheduler, and check its workers.

    Args:
        address: of the scheduler, tcp://host:port.

    Yields:
        An executor, and a function that counts how many tasks it shall have at a time.

    Raises:
        UserError: Dask is not installed, no scheduler answers, no worker comes, or one cannot do the work.
    """
    try:
        from distributed import Client
    except ImportError as error:
        raise UserError(
            "params.yaml: workers: Dask is not installed: pip install -r requirements-dask.txt, then run again"
        ) from error
    try:
        client = Client(address, timeout=ANSWER, set_as_default=False)
    except (OSError, ValueError) as error:
        raise UserError(
            f"params.yaml: workers: no Dask scheduler answers at {address}: start it (dask scheduler), then run again"
        ) from error
    try:
        _check(client, address)
        executor = _Executor(client.get_executor(pure=False))
        # No more tasks than workers: one that waits at a worker that dies would be taken for the cause.
        yield executor, lambda: max(1, len(client.nthreads()))
        executor.shutdown()
    finally:
        client.close()


class _Executor(Executor):
    """Dask's executor, whose tasks run in this process's folder."""

    def __init__(self, dask: Executor) -> None:
        self._dask = dask
        self._place = (os.getcwd(), os.environ.get("DVC_ROOT"))  # noqa: PTH109  # as text, which is sent

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> "Future[Any]":
        return self._dask.submit(_there, self._place, fn, *args, **kwargs)

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        self._dask.shutdown(wait=wait and not cancel_futures)


def _there(place: tuple[str, str | None], work: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
    """Do a task where the driver's relative paths mean the same."""
    folder, root = place
    os.chdir(folder)
    os.environ.pop("DVC_ROOT", None)
    if root is not None:
        os.environ["DVC_ROOT"] = root
    return work(*args, **kwargs)


def _check(client: "Client", address: str) -> None:
    """Ask each worker what it has.

    Raises:
        UserError: there is none, or one cannot do the work.
    """
    try:
        client.wait_for_workers(1, timeout=PATIENCE)
    except TimeoutError as error:
        raise UserError(
            f"params.yaml: workers: the scheduler at {address} has had no worker for {PATIENCE} s: "
            f"start some (dask worker {address} --nthreads 1), then run again"
        ) from error
    for worker, threads in sorted(client.nthreads().items()):
        if threads > 1:
            raise UserError(
                f"params.yaml: workers: the worker at {worker} has {threads} threads: "
                "start workers with one thread each (--nthreads 1), and as many as there are cores"
            )
    token = checkpoints().absolute() / f"seen-by-workers-{uuid4().hex}"
    token.parent.mkdir(parents=True, exist_ok=True)
    token.touch()
    try:
        answers = client.run(_question(os.getcwd(), str(token), version()))  # noqa: PTH109
    finally:
        token.unlink()
    for worker, answer in sorted(answers.items()):
        if answer:
            raise UserError(f"params.yaml: workers: the worker at {worker} {answer}")


def _question(folder: str, token: str, digest: str) -> Callable[[], str | None]:
    """A function that a worker runs without importing this module: what is wrong with it, if anything."""

    def answer() -> str | None:
        from importlib import import_module
        from pathlib import Path

        if not Path(token).exists() or not Path(folder).is_dir():
            return f"does not see {Path(token).parent}: it needs the project's folder at the same path (say, by NFS)"
        try:
            here = import_module("crosswiki.pipeline.dask_workers")
        except ImportError as error:
            return f"cannot import crosswiki ({error}): install the project there (pip install -e .)"
        if here.version() != digest:
            return "has another version of crosswiki: install this one there, and start the worker again"
        return None

    return answer
