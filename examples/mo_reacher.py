"""Ten users of a robot arm with four targets to touch; each weighs the four in a way of their own."""

import sys

import numpy as np

from policybudget import PPO, Population, RepresentedMDP, train
from policybudget.worlds.gym.named import world_by_id

transitions = int(sys.argv[1]) if len(sys.argv) > 1 else 50_000
weights = np.random.default_rng(0).dirichlet(np.full(4, 0.3), size=10)
users = Population.from_weights(weights, names=[f"user {i}" for i in range(10)])
problem = RepresentedMDP(world_by_id("mo-reacher-v5"), users, budget=3)
ppo = PPO(copies=8, steps=64, normalise_observations=True)
result = train(problem, learner=ppo, transitions=transitions)
for user, column, row in zip(result.agents, result.assignment.T, weights, strict=True):
    wants = " ".join(f"{weight:.2f}" for weight in row)
    print(f"{user}, who weighs the targets {wants}, is served by policy {column.argmax()}")
print(f"welfare {result.welfare:.2f}")
