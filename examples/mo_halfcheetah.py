"""Twenty users of a running robot: each weighs speed against energy."""

import sys

import numpy as np

from policybudget import PPO, Population, RepresentedMDP, train
from policybudget.worlds.gym.named import world_by_id

transitions = int(sys.argv[1]) if len(sys.argv) > 1 else 50_000
for_speed = np.linspace(0.0, 1.0, 20)
users = Population.from_weights(np.stack([for_speed, 1.0 - for_speed], axis=1))
problem = RepresentedMDP(world_by_id("mo-halfcheetah-v5"), users, budget=3)
ppo = PPO(copies=4, steps=128, normalise_observations=True)
result = train(problem, learner=ppo, transitions=transitions)
for policy, row in enumerate(result.assignment):
    served = for_speed[row == 1]
    who = f"{len(served)} users, who weigh speed {served.min():.2f} to {served.max():.2f}" if len(served) else "nobody"
    print(f"policy {policy} serves {who}")
print(f"welfare {result.welfare:.2f}")
