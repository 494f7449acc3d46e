"""Several seeds side by side: a process, a core and a run folder each.

Every child is an ordinary ``policybudget train``, so that its folder resumes and evaluates like any other, and ends as
the same command on one core would have ended.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from types import FrameType
from typing import IO, Any

from rich.console import Console
from rich.progress import TaskID
from rich.table import Table

from policybudget import runtime
from policybudget.assessment.statistics import mean_ci95
from policybudget.errors import PolicyBudgetError
from policybudget.runs import files
from policybudget.training.configuration import Configuration
from policybudget.training.listeners.metrics import FIXED
from policybudget.training.listeners.progress import bar
from policybudget.training.phases import total_transitions

POLL_SECONDS, GRACE_SECONDS = 0.2, 5.0
TAIL_BYTES = 1 << 16


@dataclass
class Child:
    """A seed that is being trained."""

    seed: int
    core: int
    folder: Path
    process: subprocess.Popen[bytes]
    errors: IO[bytes]

    def complaint(self) -> str:
        """The last line that it wrote to standard error, without the name of the program."""
        self.errors.seek(0)
        lines = self.errors.read().decode(errors="replace").strip().splitlines()
        status = self.process.returncode
        silent = f"killed by signal {-status}" if status < 0 else f"exit status {status}"
        return lines[-1].removeprefix("policybudget: ").strip() if lines else silent


def run(folder: Path, configuration: Configuration, agents: int, count: int, quiet: bool) -> None:
    """Train ``configuration.seed`` and the ``count - 1`` seeds after it, and write summary.json.

    Args:
        folder: new; gets a run folder ``seed-S`` for each seed.
        configuration: of all of them, but for the seed.
        agents: n, of its population.
        count: the number of seeds.
        quiet: print nothing but errors.

    Raises:
        PolicyBudgetError: a training failed; the others were stopped and can be resumed.
    """
    began = time.perf_counter()
    seeds = range(configuration.seed, configuration.seed + count)
    total = total_transitions(configuration.phases(agents), configuration.ppo)
    with tempfile.TemporaryDirectory(prefix="policybudget-") as scratch, _terminable():
        replace(configuration, cores=1).save(Path(scratch))
        with Bars(seeds, total, quiet) as bars:
            _train_all(folder, Path(scratch), list(seeds), runtime.available()[: configuration.cores], bars)
    results = [files.read_json(folder / f"seed-{seed}" / "result.json") for seed in seeds]
    welfare = mean_ci95([result["welfare"] for result in results])
    files.write_json(
        folder / "summary.json",
        {
            "seeds": list(seeds),
            "welfare": welfare,
            "wall_seconds": time.perf_counter() - began,
            "runs": [{"seed": seed, **result} for seed, result in zip(seeds, results, strict=True)],
        },
    )
    if not quiet:
        _show(folder, list(seeds), results, welfare)


def _train_all(folder: Path, scratch: Path, waiting: list[int], free: list[int], bars: Bars) -> None:
    running: list[Child] = []
    try:
        while waiting or running:
            while waiting and free:
                running.append(_begin(folder, scratch, waiting.pop(0), free.pop(0)))
            time.sleep(POLL_SECONDS)
            for child in list(running):
                bars.update(child)
                if child.process.poll() is None:
                    continue
                if child.process.returncode != 0:
                    raise PolicyBudgetError(f"seed {child.seed} failed: {child.complaint()}")
                running.remove(child)
                child.errors.close()
                free.append(child.core)
                bars.finish(child)
    finally:
        _stop(running)


def _begin(folder: Path, scratch: Path, seed: int, core: int) -> Child:
    out = folder / f"seed-{seed}"
    command = [sys.executable, "-m", "policybudget", "train", "--config", str(scratch / "config.json")]
    command += ["--seed", str(seed), "--out", str(out), "--quiet"]
    errors = tempfile.TemporaryFile(dir=scratch)  # noqa: SIM115 - as long as the child lives
    with _pinned(core):
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=errors)
    return Child(seed, core, out, process, errors)


@contextmanager
def _pinned(core: int) -> Iterator[None]:
    """Run on one core; a process started meanwhile stays on it, from its first thread on."""
    if not hasattr(os, "sched_setaffinity"):
        yield
        return
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {core})
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)


@contextmanager
def _terminable() -> Iterator[None]:
    """Treat SIGTERM like Ctrl-C, so that no child outlives this process."""

    def interrupt(number: int, frame: FrameType | None) -> None:
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGTERM, interrupt)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def _stop(children: list[Child]) -> None:
    for child in children:
        child.process.terminate()
    deadline = time.monotonic() + GRACE_SECONDS
    for child in children:
        try:
            child.process.wait(max(0.0, deadline - time.monotonic()))
        except subprocess.TimeoutExpired:
            child.process.kill()
            child.process.wait()
        child.errors.close()


class Bars:
    """A progress bar per seed; on something that is no terminal, a line for each that is done. A context manager."""

    def __init__(self, seeds: range, total: int, quiet: bool) -> None:
        self._console = Console(stderr=True, quiet=quiet)
        self._live = self._console.is_terminal and not quiet
        self._progress = bar(self._console)
        self._tasks: dict[int, TaskID] = {
            seed: self._progress.add_task(f"seed {seed}  waiting", total=total, start=False) for seed in seeds
        }

    def __enter__(self) -> Bars:
        if self._live:
            self._progress.start()
        return self

    def __exit__(self, *error: object) -> None:
        if self._live:
            self._progress.stop()

    def update(self, child: Child) -> None:
        """Show where a training stands."""
        if not self._live:
            return
        task, row = self._tasks[child.seed], last_metrics(child.folder / "metrics.csv")
        if row is None:
            self._progress.update(task, description=f"seed {child.seed}  compiling")
            return
        transitions, welfare = row
        self._progress.start_task(task)
        self._progress.update(task, description=f"seed {child.seed}  welfare {welfare:6.2f}", completed=transitions)

    def finish(self, child: Child) -> None:
        """Say that a training is done."""
        welfare = files.read_json(child.folder / "result.json")["welfare"]
        if self._live:
            task = self._tasks[child.seed]
            total = next(one.total for one in self._progress.tasks if one.id == task)
            self._progress.update(task, description=f"seed {child.seed}  welfare {welfare:6.2f}", completed=total)
        else:
            self._console.print(f"seed {child.seed} done: welfare {welfare:.2f}", highlight=False)


def last_metrics(path: Path) -> tuple[int, float] | None:
    """Transitions and welfare of the last whole line of metrics.csv; None before the first."""
    try:
        with path.open("rb") as file:
            file.seek(0, os.SEEK_END)
            file.seek(max(0, file.tell() - TAIL_BYTES))
            whole = file.read().rpartition(b"\n")[0]
    except OSError:
        return None
    values = whole.splitlines()[-1].decode().split(",") if whole else []
    try:
        return int(values[FIXED.index("transitions")]), float(values[len(FIXED)])
    except (IndexError, ValueError):  # nothing but the header so far
        return None


def _show(folder: Path, seeds: list[int], results: list[dict[str, Any]], welfare: dict[str, float]) -> None:
    console = Console()
    table = Table(title=f"{len(seeds)} seeds")
    table.add_column("seed", justify="right")
    table.add_column("welfare", justify="right")
    for seed, result in zip(seeds, results, strict=True):
        table.add_row(str(seed), f"{result['welfare']:.2f}")
    table.add_section()
    table.add_row("mean", f"[bold]{welfare['mean']:.2f}[/] ± {welfare['ci95']:.2f}")
    console.print(table)
    console.print("± is the half-width of a 95 % confidence interval of the mean over seeds", style="dim")
    console.print(f"runs    {folder}", soft_wrap=True, highlight=False)
