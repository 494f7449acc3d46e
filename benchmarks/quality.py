"""How near the default comes to what is possible: optimum, plain EM and default beside each other, and what each
ingredient of the default is worth.

``python benchmarks/quality.py`` trains what is not yet in ``quality.csv`` beside this file, a core per run, and prints
one JSON object per line; ``--print`` only prints. Welfare is that of the greedy policies on fresh episodes, the mean
over the users; ``ci95`` is a 95 % interval over seeds (Student's t). The transitions are per policy of the budget, in
all: what was trained and dropped counts.

* Resource Gathering, n = 25, 1 M transitions, k = 1, 2, 3, 5, 10, ten seeds; the optimum is exact.
* HalfCheetah velocities, n = 100, k = 5, 2 M transitions, seeds 0 and 1 and six others (20 to 25); the ceiling is that
  of the seed's own draw, if k constant speeds could be held perfectly from the first step.
* Ablations (``--ablations``; k = 1 and 3, three seeds; HalfCheetah: ``--robot-seeds``): the default without one of its
  ingredients at a time, with processor seconds.
"""

from __future__ import annotations

import argparse
import csv
import json
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[1] / "experiments"))
from runner import Run, parse, run_missing

FILE = Path(__file__).with_suffix(".csv")
GRID, CHEETAH = "resource-gathering", "half-cheetah-velocity"
BUDGETS = (1, 2, 3, 5, 10)
ABLATED = {
    GRID: ("no archive", "one restart", "no egalitarian restarts", "learner of plain"),
    CHEETAH: ("no splits",),
}
ABLATION_BUDGETS, ABLATION_SEEDS = (1, 3), 3


def runs(settings: argparse.Namespace) -> Iterator[Run]:
    """All trainings that were asked for."""
    if GRID in settings.worlds:
        for budget in settings.budgets:
            for seed in range(settings.seeds):
                for preset in settings.presets:
                    yield Run(GRID, 25, preset, "em", budget, 1_000_000, seed)
        if settings.ablations:
            for budget in ABLATION_BUDGETS:
                for seed in range(ABLATION_SEEDS):
                    for variant in ABLATED[GRID]:
                        yield Run(GRID, 25, "default", "em", budget, 1_000_000, seed, variant)
    if CHEETAH in settings.worlds:
        for seed in settings.robot_seeds:
            for preset in settings.presets:
                yield Run(CHEETAH, 100, preset, "em", 5, 2_000_000, seed)
            for variant in ABLATED[CHEETAH] if settings.ablations else ():
                yield Run(CHEETAH, 100, "default", "em", 5, 2_000_000, seed, variant)


@cache
def optima(budgets: tuple[int, ...]) -> dict[int, float]:
    """Of Resource Gathering."""
    from policybudget.exact.tours import optimum

    return {best.budget: best.welfare for best in optimum(budgets=budgets)}


@cache
def ceiling(seed: int) -> float:
    """Of HalfCheetah."""
    from policybudget.exact.intervals import velocity_ceiling
    from policybudget.worlds.mujoco.velocity import BOUNDS, velocity_population

    targets = velocity_population("half-cheetah", 100, seed).parameters
    assert targets is not None
    return velocity_ceiling(targets[:, 0], BOUNDS["half-cheetah"] / 20, 5)


def rows() -> Iterator[dict[str, object]]:
    """What was run so far: a row for each world, budget and way of training."""
    from policybudget.assessment.statistics import mean_ci95

    with FILE.open(newline="") as file:
        groups: dict[tuple[str, int, str], list[tuple[Run, float, float]]] = {}
        for line in csv.DictReader(file):
            run = parse(line)
            way = run.preset + (f", {run.variant}" if run.variant else "")
            row = (run, float(line["welfare"]), float(line["cpu_seconds"]))
            groups.setdefault((run.world, run.budget, way), []).append(row)
    for (world, budget, way), group in sorted(groups.items(), reverse=True):
        welfare = np.array([value for _, value, _ in group])
        best = [optima(BUDGETS)[budget] if world == GRID else ceiling(run.seed) for run, _, _ in group]
        interval = mean_ci95(welfare)
        yield {
            "world": world,
            "k": budget,
            "way": way,
            "seeds": len(group),
            "welfare": round(interval["mean"], 2),
            "ci95": None if interval["ci95"] is None else round(interval["ci95"], 2),
            "optimum" if world == GRID else "ceiling": round(float(np.mean(best)), 2),
            "gap": round(float(np.mean(best) - welfare.mean()), 2),
            "share": round(float(welfare.mean() / np.mean(best)), 4),
            "worst_seed": round(float(welfare.min()), 2),
            "cpu_seconds": round(float(np.median([seconds for _, _, seconds in group])), 1),
        }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--print", action="store_true", help="print the results so far and run nothing")
    parser.add_argument("--worlds", nargs="+", default=[GRID, CHEETAH], choices=[GRID, CHEETAH])
    parser.add_argument("--budgets", type=int, nargs="+", default=list(BUDGETS), choices=BUDGETS)
    parser.add_argument("--seeds", type=int, default=10, help="of Resource Gathering")
    parser.add_argument("--robot-seeds", type=int, nargs="+", default=[0, 1], help="of HalfCheetah")
    parser.add_argument("--presets", nargs="+", default=["default", "plain"])
    parser.add_argument("--ablations", action="store_true")
    parser.add_argument("--processes", type=int, default=2)
    settings = parser.parse_args()
    if not settings.print:
        run_missing(FILE, runs(settings), settings.processes)
    for row in rows():
        print(json.dumps(row))


if __name__ == "__main__":
    main()
