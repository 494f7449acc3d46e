"""The journal of a unit: when a process began, finished or failed it, and what that took.

Only the process that holds the lock of the unit writes; whoever wants to know where a study stands reads. What is
measured stands here and not in the results, which are the same bits however often a study was stopped.
"""

from __future__ import annotations

import csv
import os
import platform
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from policybudget.runs import files
from policybudget.runs.csv_file import as_csv

NAME = "journal.csv"
COLUMNS = ("event", "time", "host", "process", "cpu_seconds")
Event = Literal["begun", "finished", "failed"]


@dataclass(frozen=True)
class Journal:
    """What processes did with a unit.

    Attributes:
        events: in their order.
        cpu_seconds: of those that came to an end; a process that was killed wrote none.
    """

    events: tuple[str, ...]
    cpu_seconds: float

    @property
    def runs(self) -> bool:
        """Whether a process works on it, as far as it was not killed."""
        return self.events[-1:] == ("begun",)


def write(folder: Path, event: Event, cpu_seconds: float = 0.0) -> None:
    """Add a line.

    Args:
        folder: of the unit.
        event: what came to pass.
        cpu_seconds: that it took.

    Raises:
        RunFolderError: it cannot be written.
    """
    path = folder / NAME
    row = (event, f"{time.time():.3f}", platform.node(), os.getpid(), f"{cpu_seconds:.3f}")
    try:
        new = not path.exists()
        with path.open("a", newline="") as file:
            file.write(as_csv([COLUMNS, row] if new else [row]))
    except OSError as error:
        raise files.cannot_write(path, error) from error


def read(folder: Path) -> Journal:
    """What was written; a line that was torn is left out.

    Args:
        folder: of the unit.
    """
    try:
        rows = list(csv.reader((folder / NAME).read_text(encoding="utf-8").splitlines()))
    except (OSError, ValueError, csv.Error):
        rows = []
    whole = [row for row in rows[1:] if len(row) == len(COLUMNS) and row[4].replace(".", "", 1).isdecimal()]
    return Journal(tuple(row[0] for row in whole), sum(float(row[4]) for row in whole))
