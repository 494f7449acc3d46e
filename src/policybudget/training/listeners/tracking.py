"""Trackers of experiments, such as Weights & Biases and MLflow, beside metrics.csv: what they are told is its lines.

::

    at every checkpoint:
        send the lines of metrics.csv since the last one that was sent
        tracking.json <- the id of the run, the transitions of the last line

A run that was killed goes on from its checkpoint and drops the lines after it: none of them was sent. tracking.json
says with which run in the tracker it goes on, and after which line. A kill between the two steps sends lines twice.

A tracker that fails is told nothing more, in one line on standard error; the training goes on as it would have.
"""

from __future__ import annotations

import csv
import sys
import warnings
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from importlib.util import find_spec
from pathlib import Path
from pkgutil import resolve_name
from secrets import token_hex
from typing import Any, Protocol, runtime_checkable

from policybudget.errors import PolicyBudgetError, check_choice, extra, one_line
from policybudget.runs import files
from policybudget.training.checkpoint import Checkpoints
from policybudget.training.events import Event
from policybudget.training.listeners.metrics import NAME as METRICS
from policybudget.training.listeners.metrics import tag

NAME = "tracking.json"
HOMES = {"wandb": "weights_and_biases:WeightsAndBiases", "mlflow": "mlflow_store:MLflow"}
"""Where each tracker is, by its name, which is that of its package and of its extra, too."""

Rows = Sequence[tuple[int, dict[str, float]]]
"""Lines of metrics.csv: transitions, and what was measured by its tag."""


@runtime_checkable
class Tracker(Protocol):
    """A tracker of experiments. Whatever its methods raise ends the tracking, and nothing else."""

    def begin(self, folder: Path, identity: str, settings: dict[str, Any]) -> bool:
        """Open a run, or go on with the one that has this id.

        Args:
            folder: of the training.
            identity: letters and digits, never used for another run.
            settings: of the training, by name.

        Returns:
            Whether the tracker has what it was told of this run before.
        """
        ...

    def send(self, rows: Rows) -> None:
        """Record measurements.

        Args:
            rows: their transitions rise.
        """
        ...

    def end(self, finished: bool) -> None:
        """Close the run.

        Args:
            finished: whether the training is; otherwise it may go on.
        """
        ...


def check(names: Iterable[str]) -> None:
    """Refuse trackers that there are not, and those whose package is not installed.

    Args:
        names: of trackers.

    Raises:
        PolicyBudgetError: it is neither wandb nor mlflow, or its extra is missing.
    """
    for name in names:
        with extra(check_choice("log", name, HOMES), f"runs tracked by {name}"):
            found = find_spec(name)
            if found is None or found.origin is None:  # a mere folder of this name
                raise ModuleNotFoundError(name=name)


@contextmanager
def tracked(folder: Path, names: Iterable[str], checkpoints: Checkpoints) -> Iterator[list[Tracked]]:
    """Listeners that tell trackers of a training; they come after that of metrics.csv and that of the checkpoints.

    Args:
        folder: of the run.
        names: of trackers.
        checkpoints: the listener that saves them.

    Yields:
        A listener for each tracker.
    """
    with ExitStack() as stack:
        found = [Tracked(folder, name, checkpoints) for name in dict.fromkeys(names)]
        for one in found:
            stack.push(lambda kind, error, trace, one=one: one.end(finished=kind is None))
        yield found


class Tracked:
    """A listener that tells one tracker what metrics.csv says up to the last checkpoint.

    Args:
        folder: of the run.
        name: of the tracker.
        checkpoints: the listener that saves them; it hears of an iteration before this one does.
    """

    def __init__(self, folder: Path, name: str, checkpoints: Checkpoints) -> None:
        self.folder, self.name, self._checkpoints = folder, name, checkpoints
        self._tracker: Tracker | None = None
        self._identity, self._sent, self._place, self._failed = "", -1, 0, False
        self._columns: list[str] = []

    def __call__(self, event: Event) -> None:
        """Send what is new, if a checkpoint has just been saved.

        Args:
            event: the iteration that has ended.
        """
        if self._checkpoints.saved == event.transitions:
            self._guarded(self._send)

    def end(self, finished: bool) -> None:
        """Close the run in the tracker.

        Args:
            finished: whether the training is.
        """
        if (tracker := self._tracker) is not None:
            self._guarded(lambda: tracker.end(finished))

    def _guarded(self, step: Callable[[], None]) -> None:
        """Do something that may fail; if it does, say so once and do nothing more."""
        if self._failed:
            return
        try:
            with warnings.catch_warnings():  # other people's, of each other
                warnings.simplefilter("ignore")
                step()
        except Exception as error:
            self._failed = True
            text = str(error) if isinstance(error, PolicyBudgetError) else f"{type(error).__name__}: {error}"
            said = one_line(f"{self.name} failed ({text}); it is told nothing more, and the training goes on")
            print(f"policybudget: {said}", file=sys.stderr)

    def _send(self) -> None:
        tracker = self._tracker or self._begin()
        if rows := self._new_rows():
            tracker.send(rows)
            self._sent = rows[-1][0]
            self._record()

    def _begin(self) -> Tracker:
        known = self._recorded().get(self.name, {})
        self._identity, self._sent = str(known.get("id", token_hex(8))), int(known.get("transitions", -1))
        self._record()
        tracker: Tracker = resolve_name(f"{__package__}.{HOMES[self.name]}")()
        self._tracker = tracker
        if not tracker.begin(self.folder, self._identity, settings(self.folder)):
            self._sent = -1
        return tracker

    def _recorded(self) -> dict[str, Any]:
        path = self.folder / NAME
        return files.read_json(path) if path.exists() else {}

    def _record(self) -> None:
        known = {self.name: {"id": self._identity, "transitions": self._sent}}
        files.write_json(self.folder / NAME, self._recorded() | known)

    def _new_rows(self) -> Rows:
        """The lines of metrics.csv that were not read yet, without those that were sent before."""
        with (self.folder / METRICS).open(encoding="utf-8", newline="") as file:
            file.seek(self._place)
            lines = list(csv.reader(file.read().splitlines()))
            self._place = file.tell()
        if not self._columns:
            self._columns = lines.pop(0)
        found = (dict(zip(self._columns, line, strict=True)) for line in lines)
        return [row for row in map(_measured, found) if row[0] > self._sent]


def _measured(line: dict[str, str]) -> tuple[int, dict[str, float]]:
    """Transitions and measurements; what is blank was not measured."""
    numbers = {name: text for name, text in line.items() if text and name not in ("phase", "transitions")}
    return int(line["transitions"]), {tag(name): float(text) for name, text in numbers.items()}


def settings(folder: Path) -> dict[str, Any]:
    """What config.json says of a training, nested settings by names such as ``learner.clip``.

    Args:
        folder: of the run.

    Returns:
        Settings by name, without where the files of a user were.
    """
    record = files.read_json(folder / "config.json")
    found = dict[str, Any]()
    for name, value in record.items():
        if isinstance(value, dict) and name != "inputs":
            found |= {f"{name}.{inner}": content for inner, content in value.items()}
        elif name not in ("inputs", "format"):
            found[name] = value
    return found
