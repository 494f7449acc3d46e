"""What fair welfare functions buy, and what they cost: the worst-off user and the mean, beside utilitarian training.

``python experiments/fairness/run.py`` trains what is not yet in ``results.csv`` beside this file, a core per run, and
prints the table; ``--table`` only prints. All numbers are of greedy policies on fresh episodes. HalfCheetah has 100
users with target velocities of their own and half of the paper's transitions.
"""

from __future__ import annotations

import argparse
import csv
import os
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import astuple, dataclass, fields
from multiprocessing import get_context
from pathlib import Path

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


def train(run: Run, core: int) -> dict[str, float]:
    """Train on one core; the mean and the worst utility."""
    os.sched_setaffinity(0, {core})
    import policybudget as pb
    from policybudget.runtime import use_compilation_cache
    from policybudget.training.configuration import preset

    use_compilation_cache()
    settings = preset("plain", run.world, "em")
    problem = pb.make_problem(run.world, run.budget, SIZES[run.world][0], run.seed, welfare=run.welfare)
    result = pb.train(problem, settings.rule, ppo=settings.ppo, transitions=run.transitions, seed=run.seed)
    return result.social


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


def run_missing(runs: Iterator[Run], processes: int) -> None:
    """A line of results.csv for every finished run."""
    done, cores = read(), sorted(os.sched_getaffinity(0))
    if not PATH.exists():
        PATH.write_text(",".join(COLUMNS) + "\n")
    missing = [run for run in runs if run not in done]
    with ProcessPoolExecutor(processes, mp_context=get_context("spawn"), max_tasks_per_child=1) as pool:
        jobs = {pool.submit(train, run, cores[i % len(cores)]): run for i, run in enumerate(missing)}
        for job in as_completed(jobs):
            social = job.result()
            with PATH.open("a", newline="") as file:
                numbers = f"{social['mean']:.4f}", f"{social['worst']:.4f}"
                csv.writer(file, lineterminator="\n").writerow([*astuple(jobs[job]), *numbers])
            print(*astuple(jobs[job]), f"mean {social['mean']:.2f} worst {social['worst']:.2f}", flush=True)


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
        run_missing(wanted(arguments.worlds, arguments.seeds), arguments.processes)
    table()
