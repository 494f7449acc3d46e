"""The published code of Ivanov & Ben-Porat (AAAI 2024), of which the user has a clone (``--code FOLDER``, MIT licence,
commit b0dac5e), with its own settings: EM (``--algorithm em``), or end-to-end (``diff``).

It is not changed; this is what it needs to train for users with linear preferences, and on a machine of today:

* an environment that pays all n users at once, as its own wrappers do, scaled by 0.1 as its own robots' rewards are;
  one per policy, with the interface that Stable-Baselines3 has today;
* it draws pictures of its own tasks with a style that Matplotlib has dropped: they are left out;
* the length: its warm start is 50 of 2 000 iterations; here 2.5 % of however many fit (one at least);
* PyTorch is seeded, too (it seeds NumPy alone).

Greedy policies act with the observation statistics of the end of training, which it has but does not save.
"""

from __future__ import annotations

import sys
import tempfile
import types
from pathlib import Path
from typing import Any

import gymnasium
import numpy as np
import torch
from common import clock, judge, make, parser, result_path, save, users

SCALE = 0.1
BATCH = 2048
"""Transitions of each policy per iteration, as in its config.py."""


class Paid(gymnasium.Wrapper[Any, Any, Any, Any]):
    """An environment that pays all users, with what its code asks an environment for."""

    low, high, reward_length = 0.0, 1.0, 1.0

    def __init__(self, env: Any, weights: np.ndarray) -> None:
        super().__init__(env)
        self.weights, self.targets = weights, weights[:, 0]

    def step(self, action: Any) -> tuple[Any, Any, bool, bool, dict[str, Any]]:
        observation, reward, terminated, truncated, info = self.env.step(action)
        return observation, SCALE * (self.weights @ reward), terminated, truncated, info | {"loc": 0.0}


def their_code(folder: Path) -> Any:
    """Its modules, without pictures."""
    sys.path.insert(0, str(folder))
    pictures = types.ModuleType("plot.render")
    for name in ("save_frames_as_gif", "clusters_histogram", "draw_paths"):
        setattr(pictures, name, lambda *_, **__: None)
    sys.modules |= {"plot": types.ModuleType("plot"), "plot.render": pictures}
    import config
    import policy
    from core.vec_env import VecEnvCustom

    return policy, config.Config(), VecEnvCustom


def main() -> None:
    options = parser(__doc__)
    options.add_argument("--k", type=int, required=True)
    options.add_argument("--code", type=Path, required=True, help="a clone of the authors' repository")
    options.add_argument("--algorithm", choices=("em", "diff"), default="em")
    settings = options.parse_args()
    torch.set_num_threads(1)
    torch.manual_seed(settings.seed)
    np.random.seed(settings.seed)  # noqa: NPY002 - what its code draws from
    world, k, served, taken = settings.world, settings.k, users(settings.world), {}
    path = result_path(settings, f"r-mdp-authors-{settings.algorithm}", k)
    theirs, config, copies = their_code(settings.code)
    iterations = settings.transitions // k // BATCH
    config.warm_start_iters = max(1, round(0.025 * iterations))
    algorithm = theirs.PolicyDiffRL if settings.algorithm == "diff" else theirs.PolicyEMRL
    with tempfile.TemporaryDirectory() as logs, clock(taken):
        envs = copies([lambda: Paid(make(world), served)] * k)
        envs.seed(settings.seed)
        last = iterations - 1  # it counts from 0, and runs the last
        model = algorithm(envs, len(served), k, last, 50, config, log_dir=f"{logs}/")
        model.train()

    def policy(index: int):
        def act(seen: np.ndarray) -> np.ndarray:
            with torch.no_grad():
                for_each = np.repeat(seen[:, None], k, axis=1)
                inputs = model.process_state(for_each)[0]
                return model.policy(inputs, deterministic=True)[0][:, index].numpy()

        return act

    record = {
        "method": f"r-mdp authors, {settings.algorithm}", "world": world, "k": k, "seed": settings.seed,
        "transitions": model.iteration * BATCH * k, **taken,
    }  # fmt: skip
    packages = ("torch", "stable-baselines3", "mo-gymnasium", "mujoco")
    save(path, record, judge(world, [policy(j) for j in range(k)]), packages)


if __name__ == "__main__":
    main()
