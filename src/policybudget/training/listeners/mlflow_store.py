"""Runs in MLflow. They stay in the run folder, in ``mlflow.db``, which ``mlflow ui --backend-store-uri`` shows.

MLFLOW_TRACKING_URI in the environment names another store, such as one file for all runs or a server;
MLFLOW_EXPERIMENT_NAME the experiment. What is sent is the lines of metrics.csv and the settings of the training, and
nothing to the makers of MLflow about its use (MLFLOW_DISABLE_TELEMETRY).
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, TypeVar

from policybudget.training.listeners.tracking import Rows

Each = TypeVar("Each")
QUIET = {
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "MLFLOW_LOGGING_LEVEL": "WARNING",
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "2",  # a server that is away holds up the training no longer than that
    "MLFLOW_HTTP_REQUEST_TIMEOUT": "20",
}
"""What is not set in the environment is set to this."""
TAG = "policybudget.id"
MOST_METRICS, MOST_PARAMETERS, LONGEST = 1000, 100, 6000
"""That MLflow takes at a time, and characters of a parameter."""


class MLflow:
    """A tracker: mlflow."""

    def __init__(self) -> None:
        for name, value in QUIET.items():  # read when it is imported
            os.environ.setdefault(name, value)
        self._client: Any = None
        self._run = ""

    def begin(self, folder: Path, identity: str, settings: dict[str, Any]) -> bool:
        """Open a run, or go on with the one that has this id.

        Args:
            folder: of the training; its name is that of the run.
            identity: of the run, which is a tag in MLflow.
            settings: of the training, by name.

        Returns:
            Whether the store has the run already.
        """
        from mlflow import MlflowClient
        from mlflow.entities import Param

        here = f"sqlite:///{folder.absolute() / 'mlflow.db'}"
        self._client = MlflowClient(tracking_uri=os.environ.get("MLFLOW_TRACKING_URI", here))
        name = os.environ.get("MLFLOW_EXPERIMENT_NAME", "policybudget")
        known = self._client.get_experiment_by_name(name)
        experiment = self._client.create_experiment(name) if known is None else known.experiment_id
        if found := self._client.search_runs([experiment], f"tags.`{TAG}` = '{identity}'"):
            self._run = found[0].info.run_id
            self._client.update_run(self._run, status="RUNNING")
            return True
        run = self._client.create_run(experiment, tags={TAG: identity}, run_name=folder.absolute().name)
        self._run = run.info.run_id
        parameters = [Param(key, str(value)[:LONGEST]) for key, value in settings.items()]
        for some in _in_turn(parameters, MOST_PARAMETERS):
            self._client.log_batch(self._run, params=some)
        return False

    def send(self, rows: Rows) -> None:
        """Record measurements, at their transitions.

        Args:
            rows: lines of metrics.csv.
        """
        from mlflow.entities import Metric

        now = int(1000 * time.time())
        metrics = [Metric(tag, value, now, at) for at, measured in rows for tag, value in measured.items()]
        for some in _in_turn(metrics, MOST_METRICS):
            self._client.log_batch(self._run, metrics=some)

    def end(self, finished: bool) -> None:
        """Close the run.

        Args:
            finished: whether the training is.
        """
        self._client.set_terminated(self._run, status="FINISHED" if finished else "KILLED")


def _in_turn(items: Sequence[Each], most: int) -> Iterator[Sequence[Each]]:
    """All items, so many at a time."""
    for first in range(0, len(items), most):
        yield items[first : first + most]
