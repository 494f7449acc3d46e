"""What all figures share: train what is missing from a results.csv, a core per run, and print means with intervals.

Every run is a ``policybudget train`` of its own, with one seed for the training and for the draw of the users.
"""

from __future__ import annotations

import argparse
import csv
import json
import os
import sys
import tempfile
from collections.abc import Callable, Iterable, Mapping
from dataclasses import astuple, dataclass, fields
from pathlib import Path
from typing import Any

from policybudget.studies.processes import Child, Job, run_all


@dataclass(frozen=True)
class Run:
    """One training; what its variant changes is in VARIANTS."""

    world: str
    agents: int
    preset: str
    algorithm: str
    budget: int
    transitions: int
    seed: int
    variant: str = ""

    @property
    def arguments(self) -> tuple[str, ...]:
        """Of ``policybudget train``."""
        numbers = ("budget", "transitions", "seed")
        words = [f"--{name} {getattr(self, name)}" for name in ("world", "preset", "algorithm", *numbers)]
        words += [f"--population-seed {self.seed}", VARIANTS[self.variant]]
        if self.world != "resource-gathering":
            words.append(f"--agents {self.agents}")
        return tuple(" ".join(words).split())


ARCHIVE_LEARNER = "--copies 16 --epochs 2 --learning-rate 3e-3 3e-4 --discount 1.0 --normalise-observations"
VARIANTS = {
    "": "",
    "literal": "--signal literal",
    "no archive": f"--search plain {ARCHIVE_LEARNER}",
    "one restart": "--restarts 1",
    "no egalitarian restarts": "--no-egalitarian-restarts",
    "learner of plain": "--copies 32 --epochs 4 --learning-rate 1e-3 1e-4 --discount 0.99 --no-normalise-observations",
    "no splits": "--search plain",
}
"""Options that a variant of a run adds."""
COLUMNS = (*(field.name for field in fields(Run)), "welfare", "all_transitions", "cpu_seconds")


def train_missing(
    path: Path,
    columns: Iterable[str],
    wanted: Mapping[tuple[Any, ...], tuple[str, ...]],
    gather: Callable[[Path, Child], list[str]],
    processes: int | None,
) -> None:
    """Train what has no line in a file yet; every finished run becomes one.

    Args:
        path: of the file.
        columns: of the file: what names a run, then what comes of it.
        wanted: for each run, the columns that name it, and the arguments of ``policybudget train``.
        gather: the other columns, from the run folder.
        processes: how many at a time; one per core if None.
    """
    if not path.exists():
        path.write_text(",".join(columns) + "\n")
    with path.open(newline="") as file:
        done = {tuple(row[: len(next(iter(wanted), ()))]) for row in csv.reader(file)}
    missing = {name: arguments for name, arguments in wanted.items() if tuple(map(str, name)) not in done}
    with tempfile.TemporaryDirectory() as scratch:
        folders = {" ".join(map(str, name)): Path(scratch) / str(i) for i, name in enumerate(missing)}
        names = dict(zip(folders, missing, strict=True))

        def finish(child: Child) -> None:
            line = [*names[child.job.name], *gather(folders[child.job.name], child)]
            with path.open("a", newline="") as file:
                csv.writer(file, lineterminator="\n").writerow(line)
            print(*line, flush=True, file=sys.stderr)

        def job(name: str, folder: Path) -> Job:
            def arguments() -> tuple[str, ...]:
                if (folder / "config.json").exists():
                    return ("resume", str(folder), "--quiet")
                return ("train", *missing[names[name]], "--out", str(folder), "--quiet")

            return Job(name, arguments)

        run_all([job(*one) for one in folders.items()], processes, done=finish)


def run_missing(path: Path, runs: Iterable[Run], processes: int | None) -> None:
    """Train runs that have no line in the file yet, and write what they came to.

    Args:
        path: of the file.
        runs: that are wanted.
        processes: how many at a time; one per core if None.
    """

    def gather(folder: Path, child: Child) -> list[str]:
        result = json.loads((folder / "result.json").read_text())
        return [f"{result['welfare']:.4f}", str(result["transitions"]), f"{child.cpu_seconds:.1f}"]

    train_missing(path, COLUMNS, {astuple(run): run.arguments for run in runs}, gather, processes)


def read(path: Path) -> list[tuple[Run, float]]:
    """What was run so far, and its welfare."""
    if not path.exists():
        return []
    with path.open(newline="") as file:
        return [(parse(row), float(row["welfare"])) for row in csv.DictReader(file)]


def parse(row: dict[str, str]) -> Run:
    """A run from a line of results."""
    number = ("agents", "budget", "transitions", "seed")
    return Run(**{f.name: int(row[f.name]) if f.name in number else row[f.name] for f in fields(Run)})  # type: ignore[arg-type]


def table(path: Path, reference: Callable[[Run], str], heading: str) -> None:
    """Mean and 95 % interval over seeds, beside what the world and the paper allow."""
    import numpy as np

    from policybudget.assessment.statistics import mean_ci95, plus_minus

    groups: dict[tuple[str, str, int, str], list[tuple[Run, float]]] = {}
    for run, welfare in read(path):
        groups.setdefault((run.preset, run.algorithm, run.budget, run.variant), []).append((run, welfare))
    print(f"{'preset':<8} {'algorithm':<21} {'k':>3}  {'welfare':>15} {'seeds':>6}  {heading}")
    for (preset, algorithm, budget, variant), group in sorted(groups.items()):
        value = mean_ci95(np.array([welfare for _, welfare in group]))
        name = f"{algorithm} ({variant})" if variant else algorithm
        beside = "; ".join(dict.fromkeys(reference(run) for run, _ in group))
        welfare = f"{value['mean']:6.2f}{plus_minus(value['ci95'])}"
        print(f"{preset:<8} {name:<21} {budget:>3}  {welfare:>15} {len(group):>6}  {beside}")


def main(
    path: Path,
    description: str,
    runs: Callable[[argparse.Namespace], Iterable[Run]],
    reference: Callable[[Run], str],
    heading: str,
    defaults: dict[str, list[int]],
) -> None:
    """The command line of a figure."""
    parser = argparse.ArgumentParser(description=description, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--table", action="store_true", help="print the results so far and run nothing")
    parser.add_argument("--presets", nargs="+", default=["default", "plain", "paper"])
    parser.add_argument("--algorithms", nargs="+", default=["em", "end-to-end", "trajectory-clusters", "random"])
    parser.add_argument("--budgets", nargs="+", type=int, default=defaults["budgets"])
    parser.add_argument("--seeds", nargs="+", type=int, default=defaults["seeds"])
    parser.add_argument("--variant", default="", choices=list(VARIANTS), help="see VARIANTS in runner.py")
    parser.add_argument("--processes", type=int, default=len(os.sched_getaffinity(0)))
    arguments = parser.parse_args()
    if not arguments.table:
        run_missing(path, runs(arguments), arguments.processes)
    table(path, reference, heading)
