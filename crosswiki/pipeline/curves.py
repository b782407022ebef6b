"""Metrics' curves on their way to MLflow: their points wait, and go out in batches."""

import time
from collections.abc import Mapping
from typing import TYPE_CHECKING

from crosswiki.pipeline.provenance import metric_name

if TYPE_CHECKING:  # importing MLflow takes more than a second, so it waits until a run starts
    from mlflow import MlflowClient

INTERVAL = 2.0  # seconds between two batches
AT_ONCE = 1000  # the maximum of one call


class Points:
    """Points of metrics' curves that wait to be sent."""

    def __init__(self) -> None:
        """Start without any."""
        self._waiting: list[tuple[str, float, int, int]] = []  # key, value, milliseconds, step
        self._steps: dict[str, int] = {}
        self._due = time.monotonic()

    def add(self, values: Mapping[str, float], step: int | None) -> None:
        """Add a point to each curve.

        Args:
            values: numbers by name.
            step: of the points; None: each curve's last one.
        """
        now = int(time.time() * 1000)
        for name, value in values.items():
            key = metric_name(name)
            self._steps[key] = self._steps.get(key, 0) if step is None else int(step)
            self._waiting.append((key, float(value), now, self._steps[key]))

    def send_if_due(self, client: "MlflowClient", run: str) -> None:
        """Send the points if the last batch is long enough ago, so that it costs little in a training loop."""
        if (began := time.monotonic()) >= self._due:
            self.send(client, run)
            # Slow servers get fewer batches: sending takes at most a twentieth of the stage's time.
            self._due = time.monotonic() + max(INTERVAL, 20 * (time.monotonic() - began))

    def send(self, client: "MlflowClient", run: str) -> None:
        """Send all points to a run."""
        from mlflow.entities import Metric

        for first in range(0, len(self._waiting), AT_ONCE):
            points = [Metric(*point) for point in self._waiting[first : first + AT_ONCE]]
            client.log_batch(run, metrics=points)
        self._waiting = []
