"""Envelope Q-learning (Yang, Sun & Narasimhan, NeurIPS 2019) as MORL-Baselines 1.3.0 has it, for discrete actions.

One network, conditioned on weights, as :mod:`morl_capql`: k weights of a grid are approved, or, unrestricted, every
user's own. Settings are those of its maintainers' example (``examples/envelope_minecart.py``), the only one there is.
"""

from __future__ import annotations

import random

import torch
from common import clock, make, parser, result_path, save_conditioned
from morl_baselines.multi_policy.envelope.envelope import Envelope

GRID = 4
LIKE_THE_EXAMPLE = {
    "max_grad_norm": 0.1, "learning_rate": 3e-4, "gamma": 0.98, "batch_size": 64, "initial_epsilon": 1.0,
    "final_epsilon": 0.05, "epsilon_decay_steps": 50_000, "initial_homotopy_lambda": 0.0,
    "final_homotopy_lambda": 1.0, "homotopy_decay_steps": 10_000, "target_net_update_freq": 1000,
}  # fmt: skip


def main() -> None:
    settings = parser(__doc__).parse_args()
    world, seed = settings.world, settings.seed
    path = result_path(settings, "envelope", None)
    random.seed(seed)
    torch.manual_seed(seed)
    torch.set_num_threads(1)
    env, taken = make(world), {}
    env.reset(seed=seed)
    env.action_space.seed(seed)
    agent = Envelope(env, log=False, seed=seed, device="cpu", **LIKE_THE_EXAMPLE)
    with clock(taken):
        agent.train(settings.transitions)

    def policy(weights):
        row = torch.tensor(weights, dtype=torch.float32)

        def act(seen):
            with torch.no_grad():
                one = torch.as_tensor(seen, dtype=torch.float32)
                values = agent.q_net(one, row.expand(len(one), -1))
                return (values @ row).argmax(dim=1).numpy()

        return act

    record = {"method": "envelope", "world": world, "seed": seed, "transitions": settings.transitions, **taken}
    save_conditioned(path, record, policy, GRID, ("torch", "morl-baselines", "mo-gymnasium", "mujoco"))


if __name__ == "__main__":
    main()
