"""Records each stage in MLflow: one parent run for a `dvc repro` or an experiment, one nested run for each stage.

A record is a convenience and no condition: what goes wrong here costs one line on standard error, and the stage
goes on. `CROSSWIKI_TRACKING=off` turns it off; MLFLOW_TRACKING_URI sends it elsewhere than `$DVC_ROOT/mlflow.db`.
"""

import json
import math
import os
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager
from functools import wraps
from pathlib import Path
from textwrap import shorten
from typing import TYPE_CHECKING, Any, Concatenate, ParamSpec
from urllib.parse import quote

import psutil
from filelock import FileLock

if TYPE_CHECKING:  # importing MLflow takes more than a second, so it waits until a run starts
    from mlflow import MlflowClient
    from mlflow.entities import Run as MlflowRun

INVOCATION = "crosswiki.invocation"  # the tag by which the stages of one invocation find their parent
PATIENCE = 15  # seconds to wait for a database that somebody else has locked
INTERVAL = 2.0  # seconds between two sendings of metrics
MLFLOW_DEFAULTS = {
    "MLFLOW_HTTP_REQUEST_TIMEOUT": "5",  # a server that is away costs seconds; by MLflow's own defaults minutes
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "1",
    "MLFLOW_HTTP_REQUEST_BACKOFF_FACTOR": "1",
    "MLFLOW_LOGGING_LEVEL": "CRITICAL",  # it logs, with a traceback, what it raises too
    "MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT": "true",
    "MLFLOW_DISABLE_TELEMETRY": "true",
}
P = ParamSpec("P")


def _harmless(method: Callable[Concatenate["Run", P], None]) -> Callable[Concatenate["Run", P], None]:
    """Make a method do nothing once tracking is off, and turn tracking off when the method fails."""

    @wraps(method)
    def guarded(self: "Run", /, *args: P.args, **kwargs: P.kwargs) -> None:
        try:
            if self.on:
                method(self, *args, **kwargs)
        except Exception as error:  # of any kind: a missing record must not cost hours of work
            self.on = False
            cause: BaseException = error
            while cause.__cause__:  # "database is locked", not the whole of SQLAlchemy's message around it
                cause = cause.__cause__
            reason = shorten(str(cause), 200, placeholder=" …") or type(cause).__name__
            print(f"tracking: {method.__name__} ({reason}): the stage goes on without it", file=sys.stderr)

    return guarded


class Run:
    """A stage's run in MLflow. Its methods never raise; once `on` is false they do nothing."""

    def __init__(self) -> None:
        """Prepare a run; MLflow hears of it in `start`."""
        self.on = os.environ.get("CROSSWIKI_TRACKING", "").lower() != "off"
        self._client: MlflowClient
        self._parent: MlflowRun
        self._id: str
        self._started = self._due = time.monotonic()
        self._points: list[tuple[str, float, int, int]] = []  # key, value, milliseconds, step
        self._steps: dict[str, int] = {}

    @_harmless
    def start(self, stage: str, role: str | None, params: Mapping[str, Any], everything: Mapping[str, Any]) -> None:
        """Find or create the parent, and create the stage's run under it; the arguments are those of `tracked`."""
        for variable, value in MLFLOW_DEFAULTS.items():
            os.environ.setdefault(variable, value)
        from mlflow import MlflowClient

        root = Path(os.environ.get("DVC_ROOT") or ".").resolve()
        uri = os.environ.get("MLFLOW_TRACKING_URI") or f"sqlite:///{root.as_posix()}/mlflow.db"
        # Workers that start together must not create the same tables, experiment or parent twice.
        with FileLock(root / ".mlflow.lock", timeout=2 * PATIENCE):
            _try_database(uri)
            self._client = MlflowClient(uri)
            found = self._client.get_experiment_by_name("crosswiki")
            artifacts = None if uri.startswith("http") else (root / "mlruns").as_uri()  # a server has its own place
            experiment = found.experiment_id if found else self._client.create_experiment("crosswiki", artifacts)
            self._parent = _parent(self._client, experiment, root, stage, everything)
        self._client.update_run(self._parent.info.run_id, status="RUNNING")
        tags = {"mlflow.parentRunId": self._parent.info.run_id, "stage": stage, **({"role": role} if role else {})}
        name = os.environ.get("DVC_STAGE") or (f"{stage}@{role}" if role else stage)
        self._id = self._client.create_run(experiment, tags=tags, run_name=name).info.run_id
        _log_params(self._client, self._id, params)
        self._started = time.monotonic()

    @_harmless
    def metrics(self, values: Mapping[str, float], step: int | None = None) -> None:
        """Add a point to each metric's curve; cheap in a training loop, since points are sent together.

        Args:
            values: numbers by name.
            step: where on the curve; None stands for the metric's last step.
        """
        now = int(time.time() * 1000)
        for key, value in values.items():
            self._steps[key] = self._steps.get(key, 0) if step is None else int(step)
            self._points.append((key, float(value), now, self._steps[key]))
        if time.monotonic() >= self._due:
            began = time.monotonic()
            self._send()
            # A slow server is asked less often: sending takes a twentieth of the stage's time at most.
            self._due = time.monotonic() + max(INTERVAL, 20 * (time.monotonic() - began))

    @_harmless
    def picture(self, path: Path) -> None:
        """Keep a copy of a file, a picture or any other, with the stage's run."""
        self._client.log_artifact(self._id, str(path))

    @_harmless
    def tags(self, values: Mapping[str, str]) -> None:
        """Tag the stage's run."""
        for key, value in values.items():
            self._client.set_tag(self._id, key, value)

    @_harmless
    def finish(self, status: str) -> None:
        """End the stage's run, and bring its parent up to date: the stage may be the last of its invocation."""
        now = int(time.time() * 1000)
        self._points.append(("seconds", time.monotonic() - self._started, now, 0))
        self._send()
        self._client.set_terminated(self._id, status)
        self._id = self._parent.info.run_id
        known = self._client.get_run(self._id).data.metrics
        self._points = [(key, value, now, 0) for key, value in _metrics_files() if known.get(key) != value]
        self._send()
        # `dvc repro --keep-going` runs further stages after one has failed; the whole has failed all the same.
        before = self._parent.info.status
        self._client.set_terminated(self._id, before if before in ("FAILED", "KILLED") else status)

    def _send(self) -> None:
        from mlflow.entities import Metric

        for first in range(0, len(self._points), 1000):  # MLflow takes no more at once
            points = [Metric(*point) for point in self._points[first : first + 1000]]
            self._client.log_batch(self._id, metrics=points)
        self._points = []


@contextmanager
def tracked(
    stage: str, *, role: str | None = None, params: Mapping[str, Any], everything: Mapping[str, Any]
) -> Iterator[Run]:
    """Record a stage in MLflow while the body runs.

    Args:
        stage: the stage's name.
        role: the role that it runs for, if any.
        params: what the stage itself reads, for its own run.
        everything: all resolved parameters, for the parent run.

    Yields:
        The stage's run. An exception of the body marks it as failed and passes through unchanged.
    """
    run = Run()
    run.start(stage, role, params, everything)
    status = "FAILED"
    try:
        yield run
        status = "FINISHED"
    except KeyboardInterrupt:
        status = "KILLED"
        raise
    finally:
        run.finish(status)


def _try_database(uri: str) -> None:
    """Raise soon where a SQLite database is locked or cannot be written; MLflow would go on trying for minutes."""
    if uri.startswith("sqlite:///"):
        path = Path(uri.removeprefix("sqlite:///").partition("?")[0])
        path.parent.mkdir(parents=True, exist_ok=True)
        with closing(sqlite3.connect(path, timeout=PATIENCE)) as database:
            database.execute("BEGIN IMMEDIATE")


def _parent(
    client: "MlflowClient", experiment: str, root: Path, stage: str, everything: Mapping[str, Any]
) -> "MlflowRun":
    """Find the parent run of this invocation, or create it with all parameters."""
    name, baseline, dvc = os.environ.get("DVC_EXP_NAME"), os.environ.get("DVC_EXP_BASELINE_REV"), _dvc_process()
    # The process tells experiments apart too: after `dvc exp run --name x`, `--name x --force` gives x other
    # parameters, and those of a run cannot change. With neither name nor DVC, a stage was started by hand.
    process = dvc or (None if name else psutil.Process())
    parts = [name, baseline, f"{process.pid}-{process.create_time():.2f}" if process else None]
    invocation = quote("@".join(part for part in parts if part))
    if found := client.search_runs([experiment], f"tags.`{INVOCATION}` = '{invocation}'", max_results=1):
        return found[0]
    commit = baseline or _git_commit(root)
    languages = (everything.get("download") or {}).get("languages") or {}
    pair = [language for role in ("source", "target") if (language := languages.get(role))]
    tags = {
        INVOCATION: invocation,
        "mlflow.source.git.commit": commit,
        "dvc_experiment": name,
        "corpus": everything.get("corpus"),
        "languages": "-".join(pair) if len(pair) == 2 else None,
    }
    title = name or (f"repro {commit[:7]}".strip() if dvc else stage)
    run = client.create_run(experiment, tags={key: tag for key, tag in tags.items() if tag}, run_name=title)
    _log_params(client, run.info.run_id, everything)
    return run


def _dvc_process() -> psutil.Process | None:
    """Find the DVC that runs this stage: the nearest ancestor whose command is some form of `dvc`."""
    if "DVC_ROOT" in os.environ:  # DVC sets it; without it, such an ancestor would be an editor opened on ~/dvc
        for process in psutil.Process().parents():
            words = [Path(word) for word in process.as_dict(["cmdline"])["cmdline"] or []]
            if any(word.stem == "dvc" or word.parts[-2:] == ("dvc", "__main__.py") for word in words):
                return process
    return None


def _git_commit(root: Path) -> str:
    command = ["git", "rev-parse", "--verify", "HEAD"]
    try:
        return subprocess.run(command, cwd=root, capture_output=True, text=True, check=True, timeout=5).stdout.strip()
    except (OSError, subprocess.SubprocessError):
        return ""


def _log_params(client: "MlflowClient", run: str, params: Mapping[str, Any]) -> None:
    from mlflow.entities import Param

    texts = {key: value if isinstance(value, str) else json.dumps(value, default=str) for key, value in _flat(params)}
    entries = [Param(key, text[:6000]) for key, text in texts.items()]  # MLflow takes no longer ones,
    for first in range(0, len(entries), 100):  # and no more at once
        client.log_batch(run, params=entries[first : first + 100])


def _flat(values: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    for key, value in values.items():
        if isinstance(value, Mapping):
            yield from _flat(value, f"{prefix}{key}.")
        else:
            yield f"{prefix}{key}", value


def _metrics_files() -> Iterator[tuple[str, float]]:
    """Read every number in the workspace's metrics files, under a name such as skipgram.target.loss."""
    folder = Path("metrics")
    for path in sorted([*folder.glob("*.json"), *folder.glob("*/*.json")]):
        try:
            content = json.loads(path.read_text(encoding="utf-8"))
        except (OSError, ValueError):  # not whole, or not JSON: no reason to lose the others
            continue
        place = ".".join(path.relative_to(folder).with_suffix("").parts)
        for key, value in _flat({place: content}):
            if isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value):
                yield key, float(value)
