"""Owners of a mine cart: two ores, and fuel that some care about more than others (minecart.csv)."""

import sys
from pathlib import Path

from policybudget import PPO, make_problem, train

transitions = int(sys.argv[1]) if len(sys.argv) > 1 else 50_000
table = Path(__file__).with_name("minecart.csv")
problem = make_problem("gym:minecart-deterministic-v0", budget=2, population=str(table))
ppo = PPO(copies=8, steps=64, normalise_observations=True)
result = train(problem, learner=ppo, transitions=transitions)
for policy, (row, length) in enumerate(zip(result.assignment, result.lengths, strict=True)):
    served = ", ".join(name for name, share in zip(result.agents, row, strict=True) if share == 1) or "nobody"
    print(f"policy {policy} (episodes of {length:.0f} steps) serves {served}")
print(f"welfare {result.welfare:.2f}")
