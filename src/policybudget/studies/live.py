"""Where the units of a study stand, in the terminal: a table that lives, or elsewhere a line for each that ends.

What is shown is read from the folders, so that it is the same whoever runs them: processes of this machine, a cluster,
or another process that works on the same study.
"""

from __future__ import annotations

import math
import os
import time
from pathlib import Path

from rich.console import Console, Group
from rich.live import Live
from rich.table import Table
from rich.text import Text

from policybudget.runs import files
from policybudget.studies import journal
from policybudget.studies.study import Study
from policybudget.studies.unit import finished
from policybudget.studies.work import Ended
from policybudget.training.listeners.metrics import FIXED
from policybudget.training.listeners.progress import amount

TAIL_BYTES = 1 << 16
LOOK_SECONDS = 1.0
MOST_ROWS = 24


class Standing:
    """A context manager that shows where units stand.

    Args:
        root: folder of the study.
        study: whose units they are.
        quiet: whether nothing is shown.
    """

    def __init__(self, root: Path, study: Study, quiet: bool) -> None:
        self._console = Console(stderr=True, quiet=quiet)
        self._drawn = self._console.is_terminal and not quiet
        self._live = Live(console=self._console, auto_refresh=False)
        self._name, self._total = dict[Path, str](), dict[Path, int]()
        for name, unit in zip(study.names, study.units, strict=True):
            folder = root / unit.place
            self._name.setdefault(folder, name)
            self._total[folder] = unit.total
        self._state = {folder: "finished" if finished(folder) else "waiting" for folder in self._name}
        self._said, self._looked = dict[Path, str](), -math.inf

    def __enter__(self) -> Standing:
        if self._drawn:
            self._live.start()
        return self

    def __exit__(self, *error: object) -> None:
        if self._drawn:
            self.look(-math.inf)
            self._live.stop()

    def hear(self, ended: Ended) -> None:
        """A unit has ended.

        Args:
            ended: which, and how.
        """
        self._state[ended.folder] = ended.status
        text = ended.message
        if ended.status == "finished":
            text = f"welfare {files.read_json(ended.folder / 'result.json')['welfare']:.2f}"
        self._said[ended.folder] = text
        if not self._drawn:
            word = "done" if ended.status == "finished" else ended.status
            self._console.print(f"{self._name[ended.folder]} {word}: {text}", highlight=False, soft_wrap=True)

    def look(self, patience: float = LOOK_SECONDS) -> None:
        """Show where all stand, if some time has passed since the last time.

        Args:
            patience: the time, in seconds.
        """
        if self._drawn and time.monotonic() > self._looked + patience:
            self._looked = time.monotonic()
            self._live.update(self._table(), refresh=True)

    def _table(self) -> Group:
        running = [folder for folder, state in self._state.items() if state == "waiting" and journal.read(folder).runs]
        states = self._state | dict.fromkeys(running, "running")
        failed = [folder for folder, state in states.items() if state == "failed"]
        ended = [folder for folder in self._said if states[folder] == "finished"]
        waiting = [folder for folder, state in states.items() if state == "waiting"]
        first = [*running, *failed]
        rest = [*waiting[: max(0, MOST_ROWS - len(first) - 4)], *ended[::-1]]
        table = Table()
        for name in ("unit", "state", "done", "welfare"):
            table.add_column(name, justify="left" if name == "unit" else "right")
        for folder in [*first, *rest][:MOST_ROWS]:
            table.add_row(self._name[folder], states[folder], *self._progress(folder, states[folder]))
        counts = {state: list(states.values()).count(state) for state in ("running", "waiting", "finished", "failed")}
        return Group(table, Text("  ".join(f"{count} {state}" for state, count in counts.items() if count)))

    def _progress(self, folder: Path, state: str) -> tuple[str, str]:
        """How far a unit is, and what it is worth as far as that is known."""
        if folder in self._said:
            return ("100%" if state == "finished" else "", self._said[folder].removeprefix("welfare "))
        row = last_metrics(folder / "metrics.csv")
        if row is None:
            return "", "compiling" if state == "running" else ""
        transitions, welfare = row
        known = "" if math.isnan(welfare) else f"{welfare:.2f}"
        total = self._total[folder]
        text = "judging" if transitions >= total else f"{100 * transitions // total}% of {amount(total)}"
        return text, known


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
