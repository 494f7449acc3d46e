"""PPO of Stable-Baselines3 2.x with its own settings, and its VecNormalize for observations and rewards.

``--k 1``: one policy for everybody, trained on the mean of the users' rewards, which is the best that one policy can
be trained on. ``--k n``: a policy per user. A hundred trainings are not affordable, so five users (every twentieth)
get one each, of ``--transitions`` of their own; all else is compared with it on the same five.
"""

from __future__ import annotations

import numpy as np
import torch
from common import Weighted, clock, judge, make, parser, result_path, save, users
from stable_baselines3 import PPO
from stable_baselines3.common.vec_env import DummyVecEnv, VecNormalize

EVERY = 20
"""Of the users, one has a policy of their own."""


def trained(world: str, weights: np.ndarray, transitions: int, seed: int, taken: dict[str, float]):
    """A greedy policy, and the transitions that its training took: whole rollouts."""
    with clock(taken):
        envs = VecNormalize(DummyVecEnv([lambda: Weighted(make(world), weights)]))
        model = PPO("MlpPolicy", envs, seed=seed, device="cpu").learn(transitions // 2048 * 2048)
    envs.training = False

    def act(seen: np.ndarray) -> np.ndarray:
        return model.predict(envs.normalize_obs(seen), deterministic=True)[0]

    return act, model.num_timesteps


def main() -> None:
    options = parser(__doc__)
    options.add_argument("--k", choices=("1", "n"), required=True)
    settings = options.parse_args()
    torch.set_num_threads(1)
    world, seed, taken = settings.world, settings.seed, {}
    served = users(world)
    chosen = list(range(0, len(served), EVERY)) if settings.k == "n" else []
    targets = served[chosen] if chosen else served.mean(axis=0, keepdims=True)
    path = result_path(settings, "sb3-ppo-each" if chosen else "sb3-ppo", len(targets))
    made = [trained(world, weights, settings.transitions, seed, taken) for weights in targets]
    record = {
        "method": "sb3-ppo, one each" if chosen else "sb3-ppo", "world": world, "seed": seed,
        "k": len(targets), "transitions": sum(steps for _, steps in made), **taken,
    }  # fmt: skip
    if chosen:
        record |= {"users": chosen, "own": True}
    policies = [act for act, _ in made]
    packages = ("torch", "stable-baselines3", "mo-gymnasium", "mujoco")
    kinds = ("fresh",) if chosen else ("selection", "fresh")
    save(path, record, judge(world, policies, kinds), packages)


if __name__ == "__main__":
    main()
