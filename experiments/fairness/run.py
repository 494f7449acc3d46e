"""What fair welfare functions buy, and what they cost: the worst-off user and the mean, beside utilitarian training.

``python experiments/fairness/run.py`` trains what is not yet in ``results.csv`` beside this file, a core per run, and
prints the table; ``--table`` only prints. All numbers are of greedy policies on fresh episodes. HalfCheetah has 100
users with target velocities of their own and half of the paper's transitions.
"""

from __future__ import annotations

import argparse
import csv
import json
import os
import sys
from collections.abc import Iterator
from dataclasses import astuple, dataclass, fields
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))
from runner import train_missing

PATH = Path(__file__).with_name("results.csv")
GRID, ROBOT = "resource-gathering", "half-cheetah-velocity"
FUNCTIONS = {GRID: ("utilitarian", "egalitarian", "nash", "p-mean:-2", "gini"), ROBOT: ("utilitarian", "egalitarian")}
SIZES = {GRID: (None, 1_000_000, (1, 2, 3)), ROBOT: (100, 1_000_000, (5,))}


@dataclass(frozen=True)
class Run:
    """One training."""

    world: str
    welfare: str
    budget: int
    transitions: int
    seed: int


COLUMNS = (*(field.name for field in fields(Run)), "mean", "worst")


def read() -> dict[Run, tuple[float, float]]:
    """What was run so far."""
    if not PATH.exists():
        return {}
    with PATH.open(newline="") as file:
        return {
            Run(row["world"], row["welfare"], int(row["budget"]), int(row["transitions"]), int(row["seed"])): (
                float(row["mean"]),
                float(row["worst"]),
            )
            for row in csv.DictReader(file)
        }


def wanted(worlds: list[str], seeds: list[int]) -> Iterator[Run]:
    """Every run of the table."""
    for world in worlds:
        _, transitions, budgets = SIZES[world]
        for seed in seeds:
            for budget in budgets:
                for function in FUNCTIONS[world]:
                    yield Run(world, function, budget, transitions, seed)


def arguments_of(run: Run) -> tuple[str, ...]:
    """Of ``policybudget train``."""
    agents = SIZES[run.world][0]
    words = f"--world {run.world} --preset plain --welfare {run.welfare} --budget {run.budget}"
    words += f" --transitions {run.transitions} --seed {run.seed} --population-seed {run.seed}"
    return tuple((words if agents is None else f"{words} --agents {agents}").split())


def gather(folder: Path) -> list[str]:
    """The mean and the worst utility."""
    social = json.loads((folder / "result.json").read_text())
    return [f"{social['mean']:.4f}", f"{social['worst']:.4f}"]


def table() -> None:
    """Seeds side by side."""
    print(f"{'world':<22} {'k':>2}  {'welfare':<12} {'worst user':<16} {'mean':<16} seeds")
    groups: dict[tuple[str, int, str], dict[int, tuple[float, float]]] = {}
    for run, numbers in read().items():
        groups.setdefault((run.world, run.budget, run.welfare), {})[run.seed] = numbers
    order = [name for names in FUNCTIONS.values() for name in names]
    for (world, budget, name), seeds in sorted(groups.items(), key=lambda g: (g[0][:2], order.index(g[0][2]))):
        means, worsts = (" ".join(f"{seeds[s][i]:.2f}" for s in sorted(seeds)) for i in (0, 1))
        print(f"{world:<22} {budget:>2}  {name:<12} {worsts:<16} {means:<16} {' '.join(map(str, sorted(seeds)))}")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--table", action="store_true", help="print the results so far and run nothing")
    parser.add_argument("--worlds", nargs="+", default=[GRID, ROBOT], choices=[GRID, ROBOT])
    parser.add_argument("--seeds", nargs="+", type=int, default=[0, 1])
    parser.add_argument("--processes", type=int, default=len(os.sched_getaffinity(0)))
    arguments = parser.parse_args()
    if not arguments.table:
        runs = {astuple(run): arguments_of(run) for run in wanted(arguments.worlds, arguments.seeds)}
        train_missing(PATH, COLUMNS, runs, gather, arguments.processes)
    table()
