"""How far the learner stays from brute force in finite worlds whose agents have dynamics of their own.

``python experiments/own_dynamics/finite.py`` trains EM with five seeds in each of three random r-MDPs (six agents, four
states, three actions, episodes of 15 steps) and prints a table. A committee is read out as the greedy action in every
state and evaluated exactly: each agent under the policy that is best for it, and under the one that training gave it.
The optimum is the best k of all 81 policies that see the state alone, by brute force; beside it the optimum at k = 1
and with a policy for each agent.
"""

from __future__ import annotations

import argparse

import numpy as np
from worlds import random_rmdp

import policybudget as pb
from policybudget.exact.brute_force import brute_force
from policybudget.exact.tabular import FiniteRMDP
from policybudget.runtime import use_compilation_cache

AGENTS, STATES, ACTIONS, HORIZON, BUDGET = 6, 4, 3, 15, 2


def train(mdp: FiniteRMDP, budget: int, transitions: int, seed: int) -> tuple[float, float]:
    """The exact welfare of what is learned: with the best policy for each agent, and as training assigned them."""
    learner = pb.PPO(discount=1.0, bootstrap_truncated=False)
    result = pb.train(mdp.problem(budget), "em", learner=learner, transitions=transitions, seed=seed, quiet=True)
    states = np.eye(mdp.states, dtype=np.float32)
    policies = [np.array([int(result.act(state, policy=j)) for state in states]) for j in range(budget)]
    returns = np.stack([mdp.returns(policy) for policy in policies])
    assigned = returns[result.assignment.argmax(axis=0), np.arange(mdp.agents)]
    return float(returns.max(axis=0).mean()), float(assigned.mean())


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "--worlds", type=int, default=3, help="number of r-MDPs; the seeds that draw them are 0, 1, ..."
    )
    parser.add_argument("--seeds", type=int, default=5, help="number of trainings of each")
    parser.add_argument("--transitions", type=int, default=150_000, help="per policy")
    arguments = parser.parse_args()
    use_compilation_cache()
    print(f"{'world':<5} {'k = 1':>8} {'optimum':>8} {'k = n':>8} {'best':>8} {'gap %':>6} {'assigned':>8} {'gap %':>6}"
          f" {'mean':>8} {'gap %':>6}")  # fmt: skip
    for world in range(arguments.worlds):
        mdp = random_rmdp(world, AGENTS, STATES, ACTIONS, HORIZON)
        one, optimum, each = (brute_force(mdp, budget).welfare for budget in (1, BUDGET, AGENTS))
        runs = np.array([train(mdp, BUDGET, arguments.transitions, seed) for seed in range(arguments.seeds)])
        told = [f"{value:8.4f} {100.0 * (optimum - value) / optimum:6.2f}" for value in
                (*runs.max(axis=0), runs[:, 1].mean())]  # fmt: skip
        print(f"{world:<5} {one:8.4f} {optimum:8.4f} {each:8.4f}", *told, flush=True)
