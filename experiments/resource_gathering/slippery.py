"""Resource Gathering where a step slips with probability 0.1, on a 3 x 3 grid: general searches beside the optimum.

``python experiments/resource_gathering/slippery.py`` trains every search, or those that are named, for budgets 1, 2, 3
and 5, three seeds, and prints the mean over seeds of the welfare on 2000 fresh episodes, with a 95 % interval
(Student's t over seeds).
"""

from __future__ import annotations

import sys

import numpy as np
from jaxtyping import Float

import policybudget as pb
from policybudget import exact
from policybudget.assessment.statistics import mean_ci95

WORLD = "resource-gathering:slip=0.1,side=3"
BUDGETS, SEEDS, TRANSITIONS, EPISODES = (1, 2, 3, 5), (60, 61, 62), 500_000, 2000
SEARCHES: dict[str, pb.Search | None] = {
    "plain": pb.Plain(),
    "splitting": pb.Splitting(),
    "pool of splitting": pb.Pool(within="splitting"),
    "default": None,
}


def welfare(budget: int, search: pb.Search | None, seed: int) -> float:
    """Of one training, on fresh episodes.

    Args:
        budget: k.
        search: None for the default.
        seed: of the training.
    """
    problem = pb.make_problem(WORLD, budget=budget)
    found = pb.train(problem, search=search, transitions=TRANSITIONS, seed=seed, quiet=True)
    world, population = problem.world, problem.population
    judged = pb.evaluate(world, population, found.policies, found.assignment, EPISODES, seed + 1, greedy=True)
    return float(judged.welfare["mean"])


def main(names: list[str]) -> None:
    """Train and print a row per budget.

    Args:
        names: of searches; all if none are given.
    """
    if not set(names) <= set(SEARCHES):
        sys.exit(f"searches are {', '.join(SEARCHES)}; got {', '.join(names)}")
    searches = {name: SEARCHES[name] for name in names or SEARCHES}
    best = exact.optimum(WORLD, BUDGETS).welfare
    print(f"{'k':>2} {'optimum':>8}" + "".join(f"{name:>18}" for name in searches), flush=True)
    for budget, optimum in zip(BUDGETS, best, strict=True):
        cells = []
        for search in searches.values():
            each: Float[np.ndarray, " s"] = np.array([welfare(budget, search, seed) for seed in SEEDS])
            found = mean_ci95(each)
            cells.append(f"{found['mean']:.2f} +- {found['ci95']:.2f}")
        print(f"{budget:>2} {optimum:>8.2f}" + "".join(f"{cell:>18}" for cell in cells), flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
