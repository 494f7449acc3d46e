"""Resource Gathering where a step slips with probability 0.1, on a 3 x 3 grid: general searches beside the optimum.

``python experiments/resource_gathering/slippery.py`` trains every search for budgets 1, 2, 3 and 5, three seeds, and
prints the mean over seeds of the welfare on 2000 fresh episodes, with a 95 % interval (Student's t over seeds).
``--searches default --budgets 1 5 --transitions 1000000`` trains those alone, for longer.
"""

from __future__ import annotations

import argparse

import numpy as np
from jaxtyping import Float

import policybudget as pb
from policybudget import exact
from policybudget.assessment.statistics import mean_ci95

WORLD = "resource-gathering:slip=0.1,side=3"
SEEDS, EPISODES = (60, 61, 62), 2000
SEARCHES: dict[str, pb.Search | None] = {
    "plain": pb.Plain(),
    "splitting": pb.Splitting(),
    "pool of splitting": pb.Pool(within="splitting"),
    "default": None,
}


def welfare(budget: int, search: pb.Search | None, seed: int, transitions: int) -> float:
    """Of one training, on fresh episodes.

    Args:
        budget: k.
        search: None for the default.
        seed: of the training.
        transitions: per policy.
    """
    problem = pb.make_problem(WORLD, budget=budget)
    found = pb.train(problem, search=search, transitions=transitions, seed=seed, quiet=True)
    world, population = problem.world, problem.population
    judged = pb.evaluate(world, population, found.policies, found.assignment, EPISODES, seed + 1, greedy=True)
    return float(judged.welfare["mean"])


def main() -> None:
    """Train and print a row per budget."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--searches", nargs="+", choices=SEARCHES, default=list(SEARCHES))
    parser.add_argument("--budgets", nargs="+", type=int, default=[1, 2, 3, 5])
    parser.add_argument("--transitions", type=int, default=500_000, help="per policy")
    chosen = parser.parse_args()
    searches = {name: SEARCHES[name] for name in chosen.searches}
    best = exact.optimum(WORLD, chosen.budgets).welfare
    print(f"{'k':>2} {'optimum':>8}" + "".join(f"{name:>18}" for name in searches), flush=True)
    for budget, optimum in zip(chosen.budgets, best, strict=True):
        cells = []
        for search in searches.values():
            each: Float[np.ndarray, " s"] = np.array(
                [welfare(budget, search, seed, chosen.transitions) for seed in SEEDS]
            )
            found = mean_ci95(each)
            cells.append(f"{found['mean']:.2f} +- {found['ci95']:.2f}")
        print(f"{budget:>2} {optimum:>8.2f}" + "".join(f"{cell:>18}" for cell in cells), flush=True)


if __name__ == "__main__":
    main()
