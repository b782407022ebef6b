"""A `python` that starts at once: a fork of a process in which the heavy libraries are imported already.

Each stage is a process of its own, and each would spend seconds on importing torch, transformers and MLflow. With the
folder of `warm_python` first on the PATH, `python -m MODULE` is a fork that imports the project's code anew and has
only the libraries from before. All else is as under a usual `python`: arguments, environment, working folder, streams,
exit status. Where the libraries are not there yet, or the process that forks is gone, it is the usual `python`.

This file is a program too, and imports nothing of the project: each fork has its own folder's code. Libraries that
read settings when they are imported (HF_ENDPOINT, HF_HOME) have those of the time when `warm_python` was entered.
"""

import atexit
import gc
import importlib
import json
import os
import runpy
import select
import shlex
import signal
import socket
import subprocess
import sys
import threading
import traceback
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path

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
WARM = "CROSSWIKI_WARM"  # in the environment of those who find that `python`
STARTED = "CROSSWIKI_STARTED_AS"  # in a fork's environment: the process that it stands for, whose ancestors are DVC's
GPUS = ("/dev/nvidiactl", "/dev/kfd", "/dev/dxg")  # NVIDIA's, AMD's, and either under WSL
# Starts in a few hundredths of a second: it hands over what it was given, waits, and ends as the fork has ended.
CLIENT = """import json, os, signal, socket, sys

def usual():
    os.environ.pop({started!r}, None)
    os.execv({python!r}, [{python!r}, *sys.argv[1:]])

if sys.argv[1:2] != ["-m"] or len(sys.argv) < 3 or "PYTHONHASHSEED" in os.environ:
    usual()
with socket.socket(socket.AF_UNIX) as server:
    try:
        server.connect({address!r})
        request = {{"module": sys.argv[2], "arguments": sys.argv[3:], "folder": os.getcwd(), "process": os.getpid()}}
        request["environment"] = dict(os.environ)
        socket.send_fds(server, [b"\\0"], [0, 1, 2])
        server.sendall(json.dumps(request).encode() + b"\\n")
        started = server.recv(1)
    except OSError:
        usual()
    if not started:
        usual()
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches the fork as well, and it says how it ends
    answer = server.recv(1)
if not answer:
    print("python", *sys.argv[1:3], "was ended by a signal: was there enough memory?", file=sys.stderr)
sys.exit(answer[0] if answer else 137)
"""


def can_fork() -> bool:
    """Whether forks work here: on a Mac some libraries end with them, and a GPU serves no fork."""
    return sys.platform == "linux" and not any(Path(place).exists() for place in GPUS)


@contextmanager
def warm_python(folder: Path, environment: Mapping[str, str], *, wait: bool = False) -> Iterator[dict[str, str]]:
    """Start the process whose forks `python` shall be.

    Args:
        folder: where the command is written; nobody else may look into it.
        environment: of the process, and so what libraries find in it when they are imported.
        wait: until the libraries are there; otherwise `python` is the usual one for the first seconds.

    Yields:
        What changes in the environment of those who shall find that `python`.

    Raises:
        RuntimeError: waiting was in vain.
    """
    address, command = str(folder / "socket"), folder / "bin" / "python"
    command.parent.mkdir(parents=True)
    client = folder / "client.py"
    client.write_text(CLIENT.format(python=sys.executable, address=address, started=STARTED))
    # Not a line with #!, which takes no path with a space in it, and no long one.
    command.write_text(f'#!/bin/sh\nexec {shlex.quote(sys.executable)} -ISE {shlex.quote(str(client))} "$@"\n')
    command.chmod(0o700)
    server = subprocess.Popen(
        [sys.executable, "-P", __file__, address],
        env=environment,
        stdin=subprocess.PIPE,  # it ends when this end is closed, however this process ends
        stdout=subprocess.PIPE,
        stderr=None if wait else subprocess.DEVNULL,  # without it all goes on, a little slower
    )
    try:
        if wait and server.stdout and not server.stdout.read(1):
            raise RuntimeError(f"{__file__} has ended")
        yield {WARM: "1", "PATH": os.pathsep.join([str(command.parent), environment.get("PATH", os.defpath)])}
    finally:
        server.kill()  # forks are processes of their own
        server.communicate()


def serve(address: str) -> None:
    """Fork for each request, until standard input ends."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the stage
    for library in LIBRARIES:
        with suppress(ModuleNotFoundError):  # a test environment need not have each of them
            importlib.import_module(library)
    if threading.active_count() > 1:
        raise RuntimeError("a fork has none of the threads that a library has started")
    gc.freeze()
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(address)
        listening.listen(64)
        os.write(1, b"\n")  # ready
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
    os.environ.update({**request["environment"], STARTED: str(request["process"])})
    sys.stdout.reconfigure(line_buffering=os.isatty(1))  # type: ignore[union-attr]
    connection.sendall(b"\1")  # raises if nobody waits any more
    end_with(connection)
    signal.signal(signal.SIGINT, signal.default_int_handler)
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


def end_with(connection: socket.socket) -> None:
    """End this process when the one that it stands for has ended: a signal reaches that one."""

    def watch() -> None:
        connection.recv(1)  # nothing is sent
        os._exit(143)

    threading.Thread(target=watch, daemon=True).start()


if __name__ == "__main__":
    with suppress(BrokenPipeError):  # whoever has started it is gone
        serve(sys.argv[1])
