"""A learner's loss of one's own: plain policy gradient in place of PPO's clipped surrogate."""

import sys
from dataclasses import replace

import policybudget as pb


def policy_gradient(ratio, advantage, clip):
    """What each transition adds to the objective: one pass over a batch has ratios near 1."""
    return ratio * advantage


problem = pb.make_problem("resource-gathering", budget=3)
usual = pb.preset("plain", "resource-gathering").learner
learner = replace(usual, surrogate=policy_gradient, epochs=1, learning_rate=(3e-3, 3e-4))
transitions = int(sys.argv[1]) if len(sys.argv) > 1 else 200_000
result = pb.train(problem, search="plain", learner=learner, transitions=transitions)
print(f"welfare {result.welfare:.2f}")
