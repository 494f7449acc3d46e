"""Several seeds side by side: a process, a core and a run folder each.

Every child is an ordinary ``policybudget train``, so that its folder resumes and evaluates like any other, and ends as
the same command on one core would have ended.
"""

from __future__ import annotations

import math
import os
import tempfile
import time
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from rich.console import Console
from rich.progress import TaskID

from policybudget.assessment.statistics import mean_ci95
from policybudget.progress import bar
from policybudget.runs import files
from policybudget.studies.processes import Child, Job, run_all
from policybudget.training.configuration import Configuration
from policybudget.training.listeners.metrics import FIXED

TAIL_BYTES = 1 << 16
JUDGING = 0.02
"""Share of a bar for the end of a training, when all transitions are done."""


@dataclass(frozen=True)
class Seeds:
    """What several seeds came to.

    Attributes:
        seeds: of the trainings.
        welfare: of each.
        summary: mean and 95 % interval over seeds.
        population: what the seeds share of the agents, in words.
        search: by name, with where alone it works.
    """

    seeds: tuple[int, ...]
    welfare: tuple[float, ...]
    summary: dict[str, Any]
    population: str
    search: str


def train_seeds(folder: Path, configuration: Configuration, total: int, count: int, quiet: bool = False) -> Seeds:
    """Train ``configuration.seed`` and the ``count - 1`` seeds after it, and write summary.json.

    Args:
        folder: new; gets a run folder ``seed-S`` for each seed.
        configuration: of all of them, but for the seed; all train for the same population.
        total: transitions of each training, over all policies.
        count: the number of seeds.
        quiet: whether nothing is shown in the terminal.

    Raises:
        PolicyBudgetError: a training failed; the others were stopped and can be resumed.
    """
    began = time.perf_counter()
    seeds = range(configuration.seed, configuration.seed + count)
    with tempfile.TemporaryDirectory(prefix="policybudget-") as scratch, Bars(seeds, folder, total, quiet) as bars:
        replace(configuration, cores=1).save(Path(scratch))
        common = ("train", "--config", str(Path(scratch) / "config.json"), "--quiet")
        jobs = [
            Job(f"seed {seed}", (*common, "--seed", str(seed), "--out", str(folder / f"seed-{seed}"))) for seed in seeds
        ]
        run_all(jobs, configuration.cores, bars.update, bars.finish)
    results = [files.read_json(folder / f"seed-{seed}" / "result.json") for seed in seeds]
    welfare = tuple(float(result["welfare"]) for result in results)
    population = f"population seed {configuration.population_seed} in all"
    found = Seeds(tuple(seeds), welfare, mean_ci95(np.array(welfare)), population, configuration.search.title)
    files.write_json(
        folder / "summary.json",
        {
            "seeds": list(seeds),
            "population_seed": configuration.population_seed,
            "search": configuration.search.title,
            "welfare": found.summary,
            "wall_seconds": time.perf_counter() - began,
            "runs": [{"seed": seed, **result} for seed, result in zip(seeds, results, strict=True)],
        },
    )
    return found


class Bars:
    """A progress bar per seed; on something that is no terminal, a line for each that is done. A context manager.

    Args:
        seeds: of the trainings.
        folder: of all of them.
        total: transitions of each.
        quiet: whether nothing is shown.
    """

    def __init__(self, seeds: range, folder: Path, total: int, quiet: bool) -> None:
        self._folder = folder
        self._console = Console(stderr=True, quiet=quiet)
        self._live = self._console.is_terminal and not quiet
        self._progress = bar(self._console)
        self._trained, self._total = total, total * (1 + JUDGING)
        self._tasks: dict[str, TaskID] = {
            f"seed {seed}": self._progress.add_task(f"seed {seed}  waiting", total=self._total, start=False)
            for seed in seeds
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
        task, row = self._tasks[name], last_metrics(self._of(name) / "metrics.csv")
        if row is None:
            self._progress.update(task, description=f"{name}  compiling")
            return
        transitions, welfare = row
        known = "" if math.isnan(welfare) else f"best known welfare {welfare:6.2f}"
        text = "judging" if transitions == self._trained else known
        self._progress.start_task(task)
        self._progress.update(task, description=f"{name}  {text}", completed=transitions)

    def finish(self, child: Child) -> None:
        """Say that a training is done.

        Args:
            child: that has ended.
        """
        name = child.job.name
        welfare = files.read_json(self._of(name) / "result.json")["welfare"]
        if self._live:
            text = f"{name}  welfare {welfare:6.2f}"
            self._progress.update(self._tasks[name], description=text, completed=self._total)
        else:
            self._console.print(f"{name} done: welfare {welfare:.2f}", highlight=False)

    def _of(self, name: str) -> Path:
        return self._folder / name.replace(" ", "-")


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
