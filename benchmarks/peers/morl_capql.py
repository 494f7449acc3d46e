"""CAPQL (Lu, Herman & Yu, ICLR 2023) as MORL-Baselines 1.3.0 has it, with its settings.

One network, conditioned on weights: infinitely many policies. A budget of k means k weights that are approved, chosen
among 21 on a grid (m = 2) by the selection that everybody gets; unrestricted, every user has the policy of their own
weights, which is more than any budget allows, and is shown as a ceiling. Continuous actions only.
"""

from __future__ import annotations

import random

import numpy as np
import torch
from common import clock, make, parser, result_path, save_conditioned
from morl_baselines.multi_policy.capql.capql import CAPQL

GRID = 20


def main() -> None:
    settings = parser(__doc__).parse_args()
    world, seed = settings.world, settings.seed
    path = result_path(settings, "capql", None)
    random.seed(seed)
    np.random.seed(seed)  # noqa: NPY002 - what CAPQL draws from
    torch.manual_seed(seed)
    torch.set_num_threads(1)
    env, taken = make(world), {}
    env.reset(seed=seed)
    env.action_space.seed(seed)
    agent = CAPQL(env, log=False, seed=seed, device="cpu")
    with clock(taken):
        agent.train(settings.transitions, eval_env=None, ref_point=np.zeros(0))

    def policy(weights):
        row = torch.tensor(weights, dtype=torch.float32)

        def act(seen):
            with torch.no_grad():
                one = torch.as_tensor(seen, dtype=torch.float32)
                return agent.policy.get_action(one, row.expand(len(one), -1)).numpy()

        return act

    record = {"method": "capql", "world": world, "seed": seed, "transitions": settings.transitions, **taken}
    save_conditioned(path, record, policy, GRID, ("torch", "morl-baselines", "mo-gymnasium", "mujoco"))


if __name__ == "__main__":
    main()
