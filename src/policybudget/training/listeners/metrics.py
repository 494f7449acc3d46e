"""Every iteration as a line of metrics.csv and as TensorBoard scalars."""

from __future__ import annotations

import contextlib
import csv
import math
import os
import sys
import time
import weakref
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from policybudget.runs import files
from policybudget.runs.csv_file import as_csv
from policybudget.training.events import Event

NAME = "metrics.csv"
FIXED = ("phase", "iteration", "transitions", "seconds", "transitions_per_s")
PER_POLICY = ("group_welfare", "group_size", "kl", "clip_fraction", "entropy", "explained_variance", "episodes")
FLUSH_SECONDS = 5.0
"""Between two times that TensorBoard's events are on disk."""


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


def tag(name: str) -> str:
    """The name of a scalar where those of all policies stand together.

    Args:
        name: as in metrics.csv, such as ``kl_0``.

    Returns:
        Such as ``kl/0``; the same name if it is not that of a policy.
    """
    what, _, index = name.rpartition("_")
    return f"{what}/{index}" if index.isdigit() else name


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
        self.path = folder / NAME
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
                file.write(as_csv([[row.get(column, "") for column in self._columns]]))
        except OSError as error:
            raise files.cannot_write(self.path, error) from error

    def _begin(self, transitions: int) -> None:
        """Write the header; keep what was recorded before this point, or set a damaged table aside."""
        rows = _recorded(self.path, self._columns) if self.path.exists() else []
        if rows is None:
            aside = files.set_aside(self.path)
            print(f"policybudget: {self.path} was damaged and is now {aside.name}; a new one begins", file=sys.stderr)
        kept = [row for row in rows or [] if int(row[2]) < transitions]
        files.write(self.path, as_csv([self._columns, *kept]))
        self._begun = True


def _recorded(path: Path, columns: list[str]) -> list[list[str]] | None:
    """The lines of metrics.csv; the last one may be torn and is left out then. None if it is no such table."""
    try:
        header, *rows = csv.reader(path.read_text(encoding="utf-8").splitlines())
        if rows and len(rows[-1]) != len(columns):
            rows.pop()
        numbers = [float(cell) for row in rows for cell in row[2:] if cell]
        whole = header == columns and all(len(row) == len(columns) and row[2].isdecimal() for row in rows)
    except (OSError, ValueError, csv.Error):  # no text, no header, no numbers
        return None
    return rows if whole and not any(map(math.isinf, numbers)) else None


class TensorBoard:
    """A listener that writes TensorBoard events into the run folder, in no thread of its own.

    Args:
        folder: of the run.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._speed = Speed()
        self._writer: Any = None
        self._flushed = 0.0

    def __call__(self, event: Event) -> None:
        """Write the scalars of an iteration, at its number of transitions.

        Args:
            event: the iteration that has ended.

        Raises:
            RunFolderError: they cannot be written.
        """
        try:
            self._write(event)
        except OSError as error:
            raise files.cannot_write(self._folder, error) from error

    def _write(self, event: Event) -> None:
        from tensorboardX.proto.event_pb2 import Event as Record
        from tensorboardX.proto.event_pb2 import SessionLog
        from tensorboardX.summary import scalar

        if self._writer is None:
            from tensorboardX.event_file_writer import EventsWriter

            self._writer = EventsWriter(str(self._folder / "events"), f".{os.getpid()}")
            begin = SessionLog(status=SessionLog.SessionStatus.Value("START"))  # later events than this are void
            self._writer.write_event(Record(wall_time=time.time(), step=event.transitions, session_log=begin))
            weakref.finalize(self, _close, self._writer)
        if (speed := self._speed(event)) is not None:
            self._add(Record, event, scalar("transitions_per_s", speed))
        for name, value in scalars(event):
            if math.isnan(value):  # nothing is known yet
                continue
            self._add(Record, event, scalar(tag(name), value))
        if event.iteration == event.iterations or event.seconds >= self._flushed + FLUSH_SECONDS:
            self._writer.flush()
            self._flushed = event.seconds

    def _add(self, record: Any, event: Event, summary: Any) -> None:
        self._writer.write_event(record(wall_time=time.time(), step=event.transitions, summary=summary))


def _close(writer: Any) -> None:
    """Let go of the file; what a full disk does not take is lost."""
    with contextlib.suppress(OSError):
        writer.close()
