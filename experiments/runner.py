"""What all figures share: train what is missing from a results.csv as one study, and print means with intervals.

Every run is a ``policybudget train`` of its own, with one seed for the training and for the draw of the users.
"""

from __future__ import annotations

import argparse
import csv
import json
import os
from collections.abc import Callable, Iterable, Mapping
from dataclasses import astuple, dataclass, fields
from pathlib import Path
from typing import Any

from policybudget.cli.train import asked
from policybudget.studies import journal
from policybudget.studies.processes import Processes
from policybudget.studies.run_units import run_units
from policybudget.studies.study import Study
from policybudget.studies.unit import Unit, finished

FOLDER = Path("runs") / "experiments"
"""Where runs are, an experiment a folder; what is there is not trained again, and what was stopped goes on."""


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
    gather: Callable[[Path], list[str]],
    processes: int | None,
) -> None:
    """Train what has no line in a file yet, as one study; every finished run becomes a line.

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
    units = {name: Unit.of(asked(arguments)[0]) for name, arguments in missing.items()}
    if not units:
        return
    root, lines = FOLDER / path.parent.name, dict[Path, list[tuple[Any, ...]]]()
    for name, unit in units.items():
        lines.setdefault(root / unit.place, []).append(name)

    def write(folder: Path) -> None:
        for name in lines.pop(folder, []):
            with path.open("a", newline="") as file:
                csv.writer(file, lineterminator="\n").writerow([*name, *gather(folder)])

    study = Study(tuple(units.values()))
    study.save(root)
    for folder in [folder for folder in lines if finished(folder)]:
        write(folder)
    run_units(root, study, Processes(processes), heard=lambda ended: ended.status == "finished" and write(ended.folder))


def run_missing(path: Path, runs: Iterable[Run], processes: int | None) -> None:
    """Train runs that have no line in the file yet, and write what they came to.

    Args:
        path: of the file.
        runs: that are wanted.
        processes: how many at a time; one per core if None.
    """

    def gather(folder: Path) -> list[str]:
        result = json.loads((folder / "result.json").read_text())
        return [f"{result['welfare']:.4f}", str(result["transitions"]), f"{journal.read(folder).cpu_seconds:.1f}"]

    train_missing(path, COLUMNS, {astuple(run): run.arguments for run in runs}, gather, processes)


def read(path: Path) -> list[dict[str, str]]:
    """What was run so far: the lines of a file, none if there is no file yet."""
    if not path.exists():
        return []
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


def parse(row: dict[str, str]) -> Run:
    """A run from a line of results."""
    number = ("agents", "budget", "transitions", "seed")
    return Run(**{f.name: int(row[f.name]) if f.name in number else row[f.name] for f in fields(Run)})  # type: ignore[arg-type]


def table(path: Path, reference: Callable[[Run], str], heading: str) -> None:
    """Mean and 95 % interval over seeds, beside what the world and the paper allow."""
    import numpy as np

    from policybudget.assessment.statistics import mean_ci95, plus_minus

    groups: dict[tuple[str, str, int, str], list[tuple[Run, float]]] = {}
    for run, welfare in ((parse(row), float(row["welfare"])) for row in read(path)):
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
