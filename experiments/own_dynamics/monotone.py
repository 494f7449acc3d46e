"""Exact EM where agents have dynamics of their own never lowers welfare, and brute force is never below it.

``python experiments/own_dynamics/monotone.py`` runs both in 10 000 random finite r-MDPs and prints what it found as
JSON: a violation is a step of EM that lowers welfare, or an optimum below the welfare that EM ends with, by more than
1e-9 of the largest return.
"""

from __future__ import annotations

import argparse
import json

import numpy as np
from worlds import random_rmdp

from policybudget.exact.brute_force import brute_force
from policybudget.exact.em import exact_em


def check(seed: int) -> dict[str, float]:
    """One r-MDP, of a size that its seed decides, and EM from a random start."""
    rng = np.random.default_rng([seed, 1])
    agents, states, actions = (int(rng.integers(low, high + 1)) for low, high in ((2, 6), (1, 5), (2, 3)))
    horizon = int(rng.integers(1, 16)) if rng.random() < 0.5 else None
    mdp = random_rmdp(seed, agents, states, actions, horizon)
    budget = int(rng.integers(1, agents))
    found, optimum = exact_em(mdp, budget, seed=seed), brute_force(mdp, budget)
    tolerance = 1e-9 * max(1.0, float(np.abs(optimum.returns).max()))
    return {
        "em_steps": len(found.history),
        "steps_that_lower_welfare": int((np.diff(found.history) < -tolerance).sum()),
        "brute_force_below_em": int(optimum.welfare < found.welfare - tolerance),
        "em_at_the_optimum": int(optimum.welfare <= found.welfare + tolerance),
    }


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--number", type=int, default=10_000, help="of r-MDPs")
    number = parser.parse_args().number
    checks = [check(seed) for seed in range(number)]
    print(json.dumps({"rmdps": number} | {name: sum(one[name] for one in checks) for name in checks[0]}))
