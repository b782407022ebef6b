"""Tracking in MLflow: one parent run for a `dvc repro` or an experiment, one nested run for each stage.

Stages do not depend on tracking: an error here is one line on standard error, and the stage goes on.
`CROSSWIKI_TRACKING=off` turns tracking off; MLFLOW_TRACKING_URI names another store than `$DVC_ROOT/mlflow.db`.
"""

import os
import sqlite3
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager
from functools import wraps
from pathlib import Path
from textwrap import shorten
from typing import TYPE_CHECKING, Any, Concatenate, ParamSpec

from filelock import FileLock

from crosswiki.pipeline.curves import Points
from crosswiki.pipeline.graph import data_hashes, files_of
from crosswiki.pipeline.invocation import find_experiment, find_invocation, languages_of_roles, log_datasets, log_params
from crosswiki.pipeline.provenance import numbers_below, peak_memory
from crosswiki.pipeline.ranks import rank

if TYPE_CHECKING:  # importing MLflow takes more than a second, so it waits until a run starts
    from mlflow import MlflowClient
    from mlflow.entities import Run as MlflowRun
    from mlflow.system_metrics.system_metrics_monitor import SystemMetricsMonitor

PATIENCE = 15  # seconds to wait for a locked database
# Tags that a stage's run copies from its parent, so that both can be found by them.
SHARED = (
    "corpus",
    "languages",
    "sketch",
    "dvc_experiment",
    "mlflow.source.git.commit",
    "mlflow.source.type",
    "mlflow.user",
)
MLFLOW_DEFAULTS = {
    "MLFLOW_HTTP_REQUEST_TIMEOUT": "5",  # an unreachable server costs seconds; with MLflow's defaults minutes
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "1",
    "MLFLOW_HTTP_REQUEST_BACKOFF_FACTOR": "1",
    "MLFLOW_LOGGING_LEVEL": "CRITICAL",  # else it logs with a traceback what it raises
    "MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT": "true",
    "MLFLOW_DISABLE_TELEMETRY": "true",
}
# Metrics for sorting runs have a short name in addition to their full one.
SORTED_BY = {
    "validation_macro_f1": "finetune_target.validation_macro_f1",  # for choosing; the others are test scores
    "target_accuracy": "evaluation.target.finetuned.accuracy",
    "target_accuracy_without_labels": "evaluation.target.distilled.accuracy",
    "test_accuracy": "evaluation.test.transplanted.accuracy",
    "source_accuracy": "evaluation.source.teacher.accuracy",
}
P = ParamSpec("P")


def _harmless(method: Callable[Concatenate["Run", P], None]) -> Callable[Concatenate["Run", P], None]:
    """Make a method do nothing while tracking is off, and turn tracking off when it raises."""

    @wraps(method)
    def guarded(self: "Run", /, *args: P.args, **kwargs: P.kwargs) -> None:
        try:
            if self.on:
                method(self, *args, **kwargs)
        except Exception as error:  # of any kind: an error in tracking must not end hours of work
            self.on = False
            cause: BaseException = error
            while cause.__cause__:  # "database is locked" instead of SQLAlchemy's long message
                cause = cause.__cause__
            reason = shorten(str(cause), 200, placeholder=" …") or type(cause).__name__
            print(f"tracking: {method.__name__} ({reason}): the stage goes on without it", file=sys.stderr)

    return guarded


class Run:
    """A stage's run in MLflow. Its methods never raise, and do nothing while `on` is false."""

    def __init__(self) -> None:
        """Prepare a run; `start` creates it in MLflow."""
        self.on = os.environ.get("CROSSWIKI_TRACKING", "").lower() != "off" and rank() == 0
        self._client: MlflowClient
        self._parent: MlflowRun
        self._id: str
        self._lock: FileLock
        self._monitor: SystemMetricsMonitor
        self._started = time.monotonic()
        self._points = Points()

    @_harmless
    def start(self, stage: str, role: str | None, params: Mapping[str, Any], everything: Mapping[str, Any]) -> None:
        """Find or create the parent, and create the stage's run under it; the arguments are those of `tracked`."""
        for variable, value in MLFLOW_DEFAULTS.items():
            os.environ.setdefault(variable, value)
        from mlflow import MlflowClient
        from mlflow.system_metrics.system_metrics_monitor import SystemMetricsMonitor

        root = Path(os.environ.get("DVC_ROOT") or ".").resolve()
        uri = os.environ.get("MLFLOW_TRACKING_URI") or f"sqlite:///{root.as_posix()}/mlflow.db"
        # Workers that start together must not create the same tables, experiment or parent twice.
        self._lock = FileLock(root / ".mlflow.lock", timeout=2 * PATIENCE)
        with self._lock:
            _try_database(uri)
            self._client = MlflowClient(uri)
            artifacts = None if uri.startswith("http") else (root / "mlruns").as_uri()  # a server chooses its place
            experiment = find_experiment(self._client, artifacts)
            self._parent = find_invocation(self._client, experiment, root, stage, everything)
        self._client.update_run(self._parent.info.run_id, status="RUNNING")
        shared = {key: tag for key, tag in self._parent.data.tags.items() if key in SHARED}
        nested = {
            "mlflow.parentRunId": self._parent.info.run_id,
            "stage": stage,
            "mlflow.source.name": f"stages.{stage}",
        }
        about = {"role": role, "language": languages_of_roles(everything).get(role)} if role else {}
        tags = {**shared, **nested, **{key: tag for key, tag in about.items() if tag}}
        name = os.environ.get("DVC_STAGE") or (f"{stage}@{role}" if role else stage)
        self._id = self._client.create_run(experiment, tags=tags, run_name=name).info.run_id
        log_params(self._client, self._id, params)
        deps = files_of(stage, role, str(everything.get("corpus")), everything.get("roles") or ()).deps
        log_datasets(self._client, (self._id, self._parent.info.run_id), data_hashes(deps))
        self._monitor = SystemMetricsMonitor(self._id, tracking_uri=uri)
        self._monitor.start()
        self._started = time.monotonic()

    @_harmless
    def metrics(self, values: Mapping[str, float], step: int | None = None) -> None:
        """Add a point to each metric's curve; points are sent in batches, so this is cheap in a training loop.

        Args:
            values: numbers by name.
            step: of the point; None: the metric's last step.
        """
        self._points.add(values, step)
        self._points.send_if_due(self._client, self._id)

    @_harmless
    def picture(self, path: Path, *, whole: bool = False) -> None:
        """Save a copy of a file, such as a picture, with the stage's run or with the run of the whole invocation."""
        self._client.log_artifact(self._parent.info.run_id if whole else self._id, str(path))

    @_harmless
    def describe(self, text: str) -> None:
        """Set the description, in Markdown, of the whole invocation's run."""
        self._client.set_tag(self._parent.info.run_id, "mlflow.note.content", text)

    @_harmless
    def register(self, publish: "Callable[[MlflowClient, str, FileLock], None]") -> None:
        """Call a function with the client, the id of the whole invocation's run, and a lock that all stages share."""
        publish(self._client, self._parent.info.run_id, self._lock)

    @_harmless
    def tags(self, values: Mapping[str, str]) -> None:
        """Tag the stage's run."""
        for key, value in values.items():
            self._client.set_tag(self._id, key, value)

    @_harmless
    def finish(self, status: str) -> None:
        """End the stage's run, and update its parent, since the stage may be the last one of its invocation."""
        self._points.add({"seconds": time.monotonic() - self._started, "peak_memory_megabytes": peak_memory()}, 0)
        self._monitor.finish()
        self._points.send(self._client, self._id)
        self._client.set_terminated(self._id, status)
        parent = self._parent.info.run_id
        known = self._client.get_run(parent).data.metrics
        numbers = dict(numbers_below(Path("metrics")))
        sorted_by = {name: numbers[key] for name, key in SORTED_BY.items() if key in numbers}
        everything = {**sorted_by, **numbers}
        self._points.add({key: value for key, value in everything.items() if known.get(key) != value}, 0)
        self._points.send(self._client, parent)
        # `dvc repro --keep-going` runs further stages after a failure; the parent run still counts as failed.
        before = self._parent.info.status
        self._client.set_terminated(parent, before if before in ("FAILED", "KILLED") else status)


@contextmanager
def tracked(
    stage: str, *, role: str | None = None, params: Mapping[str, Any], everything: Mapping[str, Any]
) -> Iterator[Run]:
    """Record a stage in MLflow while the body runs.

    Args:
        stage: the stage's name.
        role: the role that it runs for, if any.
        params: the stage's parameters, for its run.
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
    """Raise early if a SQLite database is locked or read-only; MLflow would retry for minutes."""
    if uri.startswith("sqlite:///"):
        path = Path(uri.removeprefix("sqlite:///").partition("?")[0])
        path.parent.mkdir(parents=True, exist_ok=True)
        with closing(sqlite3.connect(path, timeout=PATIENCE)) as database:
            database.execute("BEGIN IMMEDIATE")
