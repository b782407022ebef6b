"""A `python` that starts at once: a fork of a process in which the heavy libraries are imported already.

Under `dvc`, each stage is a process of its own, and each would spend seconds on importing torch, transformers and
MLflow. With the folder of `warm_python` first on the PATH, `python -m MODULE` is a fork that imports the clone's code
anew and has only the libraries from before. All else is as under a usual `python`: arguments, environment, working
folder, streams, exit status; and the process that was started stays in the process tree, where the record of a stage
looks for DVC. Libraries that read settings when they are imported (HF_ENDPOINT, HF_HOME) need the usual `python`.
"""

import atexit
import gc
import importlib
import json
import os
import runpy
import select
import socket
import subprocess
import sys
import threading
import traceback
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

LIBRARIES = (
    *("numpy", "pandas", "pyarrow.parquet", "pydantic", "ruamel.yaml", "psutil", "filelock", "tqdm", "requests"),
    *("regex", "opencc", "rjieba", "numba", "scipy.sparse", "scipy.optimize", "scipy.stats", "safetensors.torch"),
    *("sklearn.svm", "sklearn.linear_model", "sklearn.feature_extraction.text", "sklearn.metrics", "sklearn.pipeline"),
    *("torch", "torch._dynamo", "transformers", "transformers.models.bert.modeling_bert", "tokenizers", "datasets"),
    *("transformers.models.auto.modeling_auto", "transformers.models.auto.tokenization_auto", "transformers.trainer"),
    *("matplotlib.backends.backend_svg", "matplotlib.backends.backend_agg", "matplotlib.pyplot", "jinja2"),
    *("mlflow", "mlflow.models", "mlflow.pyfunc", "mlflow.system_metrics.system_metrics_monitor"),
    *("mlflow.store.tracking.sqlalchemy_store", "mlflow.store.model_registry.sqlalchemy_store", "alembic.command"),
)
# Starts in a few hundredths of a second: it hands over what it was given, waits, and ends as the fork has ended.
CLIENT = """#!{python} -ISE
import json, os, socket, sys

if sys.argv[1:2] != ["-m"] or "PYTHONHASHSEED" in os.environ:
    os.execv({python!r}, [{python!r}, *sys.argv[1:]])
with socket.socket(socket.AF_UNIX) as server:
    server.connect({address!r})
    request = {{"module": sys.argv[2], "arguments": sys.argv[3:], "folder": os.getcwd(), "process": os.getpid()}}
    request["environment"] = dict(os.environ)
    socket.send_fds(server, [b"\\0"], [0, 1, 2])
    server.sendall(json.dumps(request).encode() + b"\\n")
    answer = server.recv(1)
sys.exit(answer[0] if answer else 70)
"""


@contextmanager
def warm_python(folder: Path, environment: dict[str, str]) -> Iterator[dict[str, str]]:
    """Start the process whose forks `python` shall be.

    Args:
        folder: where the command is written.
        environment: what the libraries find in the environment when they are imported.

    Yields:
        What changes in the environment of those who shall find that `python`.
    """
    address, command = str(folder / "socket"), folder / "bin" / "python"
    command.parent.mkdir(parents=True)
    command.write_text(CLIENT.format(python=sys.executable, address=address))
    command.chmod(0o755)
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(address)
        listening.listen(64)  # whoever asks before the libraries are there waits
        server = subprocess.Popen(
            [sys.executable, "-I", __file__, str(listening.fileno())],
            env=environment,
            stdin=subprocess.PIPE,  # it ends when this end is closed, however this process ends
            pass_fds=[listening.fileno()],
        )
    try:
        yield {"PATH": os.pathsep.join([str(command.parent), environment["PATH"]])}
    finally:
        server.communicate(timeout=120)


def serve(listening: socket.socket) -> None:
    """Fork for each request, until standard input ends."""
    for library in LIBRARIES:
        with suppress(ModuleNotFoundError):  # a test environment need not have each of them
            importlib.import_module(library)
    if threading.active_count() > 1:
        raise RuntimeError("a fork has none of the threads that a library has started")
    gc.freeze()
    while listening in select.select([listening, sys.stdin], [], [])[0]:
        connection, _ = listening.accept()
        if os.fork() == 0:
            listening.close()
            os._exit(answer(connection))
        connection.close()
        with suppress(ChildProcessError):
            while os.waitpid(-1, os.WNOHANG)[0]:
                pass


def answer(connection: socket.socket) -> int:
    """Be the process that was asked for, and send its exit status."""
    _, descriptors, _, _ = socket.recv_fds(connection, 1, 3)
    with connection.makefile("rb") as lines:
        request = json.loads(lines.readline())
    for place, descriptor in enumerate(descriptors):
        os.dup2(descriptor, place)
        os.close(descriptor)
    os.chdir(request["folder"])
    os.environ.clear()
    os.environ.update(request["environment"])
    stand_for(request["process"])
    sys.argv = [request["module"], *request["arguments"]]
    sys.path.insert(0, request["folder"])
    status = 0
    try:
        runpy.run_module(request["module"], run_name="__main__", alter_sys=True)
    except SystemExit as end:
        status = end.code if isinstance(end.code, int) else int(end.code is not None)
        if isinstance(end.code, str):
            print(end.code, file=sys.stderr)
    except BaseException:  # as Python itself does
        traceback.print_exc()
        status = 1
    threading._shutdown()  # type: ignore[attr-defined]
    atexit._run_exitfuncs()
    sys.stdout.flush()
    sys.stderr.flush()
    connection.sendall(bytes([status & 255]))
    return status


def stand_for(process: int) -> None:
    """Let psutil take this process for another, whose ancestors are those that a stage has under DVC."""
    import psutil

    class Process(psutil.Process):
        def __init__(self, pid: int | None = None, **others: Any) -> None:
            super().__init__(process if pid is None else pid, **others)

    psutil.Process = Process  # type: ignore[misc]


if __name__ == "__main__":
    serve(socket.socket(fileno=int(sys.argv[1])))
