"""Every iteration as a line of metrics.csv and as TensorBoard scalars."""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from policybudget.runs import files
from policybudget.training.events import Event

FIXED = ("phase", "iteration", "transitions", "seconds", "transitions_per_s")
PER_POLICY = ("group_welfare", "group_size", "kl", "clip_fraction", "entropy", "explained_variance", "episodes")


def scalars(event: Event) -> Iterator[tuple[str, float]]:
    """Names and values of what is recorded; those per policy carry its index.

    Args:
        event: the iteration that has ended.
    """
    yield "best_welfare", event.best
    yield "welfare", float(event.report.welfare)
    yield "reassigned", float(event.report.reassigned)
    yield "unserved", float(event.report.unserved)
    for name in PER_POLICY:
        for policy, value in enumerate(getattr(event.report, name)):
            yield f"{name}_{policy}", float(value)


class Speed:
    """Transitions per second since the event before; None at the first."""

    def __init__(self) -> None:
        self._last: tuple[float, int] | None = None

    def __call__(self, event: Event) -> float | None:
        """Hear of an iteration.

        Args:
            event: the iteration that has ended.
        """
        before, self._last = self._last, (event.seconds, event.transitions)
        if before is None or event.seconds <= before[0]:
            return None
        return (event.transitions - before[1]) / (event.seconds - before[0])


class Metrics:
    """A listener that appends to metrics.csv; lines after the point that a run resumes from are dropped.

    Columns: phase, iteration, transitions (all policies), seconds, transitions_per_s, then :func:`scalars`.

    Args:
        folder: of the run.
        budget: policies of the phase that has most.
    """

    def __init__(self, folder: Path, budget: int) -> None:
        self.path = folder / "metrics.csv"
        each = [f"{name}_{policy}" for name in PER_POLICY for policy in range(budget)]
        self._columns = [*FIXED, "best_welfare", "welfare", "reassigned", "unserved", *each]
        self._begun = False
        self._speed = Speed()

    def __call__(self, event: Event) -> None:
        """Write a line.

        Args:
            event: the iteration that has ended.
        """
        values = dict(scalars(event))
        if not self._begun:
            self._begin(event.transitions)
        speed = self._speed(event)
        row = {
            "phase": event.phases[event.phase],
            "iteration": event.iteration,
            "transitions": event.transitions,
            "seconds": f"{event.seconds:.3f}",
            "transitions_per_s": "" if speed is None else f"{speed:.0f}",
        } | {name: "" if math.isnan(value) else f"{value:.6g}" for name, value in values.items()}
        try:
            with self.path.open("a", newline="") as file:
                file.write(_line([row.get(column, "") for column in self._columns]))
        except OSError as error:
            raise files.cannot_write(self.path, error) from error

    def _begin(self, transitions: int) -> None:
        """Write the header; keep whole lines of the same table from before this point."""
        kept: list[list[str]] = []
        if self.path.exists():
            with self.path.open(newline="") as file:
                rows = list(csv.reader(file))
            if rows and rows[0] == self._columns:
                kept = [row for row in rows[1:] if len(row) == len(self._columns) and int(row[2]) < transitions]
        files.write(self.path, "".join(_line(row) for row in [self._columns, *kept]))
        self._begun = True


def _line(row: list[object] | list[str]) -> str:
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerow(row)
    return text.getvalue()


class TensorBoard:
    """A listener that writes TensorBoard events into the run folder.

    Args:
        folder: of the run.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._speed = Speed()
        self._writer: Any = None

    def __call__(self, event: Event) -> None:
        """Write the scalars of an iteration, at its number of transitions.

        Args:
            event: the iteration that has ended.
        """
        from tensorboardX import SummaryWriter

        if self._writer is None:
            self._writer = SummaryWriter(str(self._folder), purge_step=event.transitions)
        if (speed := self._speed(event)) is not None:
            self._writer.add_scalar("transitions_per_s", speed, event.transitions)
        for name, value in scalars(event):
            if math.isnan(value):  # nothing is known yet
                continue
            tag, _, index = name.rpartition("_")
            self._writer.add_scalar(f"{tag}/{index}" if index.isdigit() else name, value, event.transitions)
        if event.iteration == event.iterations:
            self._writer.flush()
