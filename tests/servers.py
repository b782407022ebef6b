"""Servers as a person starts them, and requests to them."""

import json
import os
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.error import URLError
from urllib.request import Request, urlopen

from tests.tiny import clean_environment


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return int(probe.getsockname()[1])


@contextmanager
def server(folder: Path, command: str, **environment: str) -> Iterator[None]:
    """Run a command line until the block ends; what it says is in server.log."""
    variables = clean_environment(**environment)
    with (folder / "server.log").open("w") as log:
        process = subprocess.Popen(
            ["bash", "-c", command], cwd=folder, env=variables, stdout=log, stderr=log, start_new_session=True
        )
        try:
            yield
        finally:
            os.killpg(process.pid, signal.SIGTERM)
            try:
                process.wait(timeout=30)
            except subprocess.TimeoutExpired:  # a busy machine, or a connection that some client keeps open
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()


def ask(url: str, body: Any = None, patience: float = 90) -> Any:
    """Send a request, and wait for a server that is starting; the answer to a body is JSON."""
    data = None if body is None else json.dumps(body).encode()
    request = Request(url, data, {"Content-Type": "application/json"})  # noqa: S310
    end = time.monotonic() + patience
    while True:
        try:
            with urlopen(request, timeout=30) as answer:  # noqa: S310
                return json.load(answer) if body is not None else answer.status
        except (URLError, ConnectionError):
            if time.monotonic() > end:
                raise
            time.sleep(0.2)
