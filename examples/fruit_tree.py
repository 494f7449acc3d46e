"""Users who want different fruit: a tree of depth six with six nutrients, from a table of users (fruit_tree.csv)."""

import sys
from pathlib import Path

from policybudget import PPO, make_problem, train

transitions = int(sys.argv[1]) if len(sys.argv) > 1 else 20_000
table = Path(__file__).with_name("fruit_tree.csv")
problem = make_problem("gym:fruit-tree-v0", budget=3, population=str(table))
ppo = PPO(copies=16, steps=24, minibatch=64, normalise_observations=True)
result = train(problem, learner=ppo, transitions=transitions)
for user, column, worth in zip(result.agents, result.assignment.T, result.returns.T, strict=True):
    each = " ".join(f"{value:5.2f}" for value in worth)
    print(f"{user:<14} is served by policy {column.argmax()}; the policies are worth {each} to them")
print(f"welfare {result.welfare:.2f}")
