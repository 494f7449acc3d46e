"""What several trainings side by side show in the terminal."""

from __future__ import annotations

import math
import os
from collections.abc import Sequence
from pathlib import Path

from rich.console import Console

from policybudget.progress import bar
from policybudget.runs import files
from policybudget.studies.processes import Child
from policybudget.studies.study import Run
from policybudget.training.listeners.metrics import FIXED

TAIL_BYTES = 1 << 16
JUDGING = 0.02
"""Share of a bar for the end of a training, when all transitions are done."""


class Bars:
    """A progress bar per training; on something that is no terminal, a line for each that is done. A context manager.

    Args:
        runs: the trainings.
        quiet: whether nothing is shown.
    """

    def __init__(self, runs: Sequence[Run], quiet: bool) -> None:
        self._runs = {run.name: run for run in runs}
        self._console = Console(stderr=True, quiet=quiet)
        self._live = self._console.is_terminal and not quiet
        self._progress = bar(self._console)
        self._tasks = {
            run.name: self._progress.add_task(f"{run.name}  waiting", total=run.total * (1 + JUDGING), start=False)
            for run in runs
        }

    def __enter__(self) -> Bars:
        if self._live:
            self._progress.start()
        return self

    def __exit__(self, *error: object) -> None:
        if self._live:
            self._progress.stop()

    def update(self, child: Child) -> None:
        """Show where a training stands.

        Args:
            child: that trains.
        """
        if not self._live:
            return
        name = child.job.name
        task, row = self._tasks[name], last_metrics(self._runs[name].folder / "metrics.csv")
        if row is None:
            self._progress.update(task, description=f"{name}  compiling")
            return
        transitions, welfare = row
        known = "" if math.isnan(welfare) else f"best known welfare {welfare:6.2f}"
        text = "judging" if transitions == self._runs[name].total else known
        self._progress.start_task(task)
        self._progress.update(task, description=f"{name}  {text}", completed=transitions)

    def finish(self, child: Child) -> None:
        """Say that a training is done.

        Args:
            child: that has ended.
        """
        name = child.job.name
        welfare = files.read_json(self._runs[name].folder / "result.json")["welfare"]
        if self._live:
            text = f"{name}  welfare {welfare:6.2f}"
            done = self._runs[name].total * (1 + JUDGING)
            self._progress.update(self._tasks[name], description=text, completed=done)
        else:
            self._console.print(f"{name} done: welfare {welfare:.2f}", highlight=False)


def last_metrics(path: Path) -> tuple[int, float] | None:
    """Transitions and the best known welfare of the last whole line of metrics.csv; None before the first.

    Args:
        path: of the file.
    """
    try:
        with path.open("rb") as file:
            file.seek(0, os.SEEK_END)
            file.seek(max(0, file.tell() - TAIL_BYTES))
            whole = file.read().rpartition(b"\n")[0]
    except OSError:
        return None
    values = whole.splitlines()[-1].decode().split(",") if whole else []
    try:
        return int(values[FIXED.index("transitions")]), float(values[len(FIXED)] or "nan")
    except (IndexError, ValueError):  # nothing but the header so far
        return None
