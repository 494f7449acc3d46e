"""PGMORL (Xu et al., ICML 2020) as MORL-Baselines 1.3.0 has it: an archive of policies, of which any k are chosen.

Two or three reward components and continuous actions only. Where this departs from its maintainers' example
(``examples/pgmorl_halfcheetah.py``, five million transitions):

* one copy of the environment instead of four, so that an iteration of the population is 12 288 transitions: 100 000 are
  eight iterations, five to warm up and three generations, and rollouts still see whole episodes;
* policies are judged on the observations that they were trained on: normalised by the statistics of training. The
  example judges them by statistics of another environment and by normalised rewards. The archive then keeps what is
  good by the reward as it is, and each policy keeps the statistics of its time.
"""

from __future__ import annotations

import random
from typing import Any

import gymnasium
import numpy as np
import torch
from common import clock, judge, make, parser, result_path, save
from gymnasium.wrappers import NormalizeObservation
from morl_baselines.common.pareto import ParetoArchive
from morl_baselines.multi_policy.pgmorl.pgmorl import PGMORL

POPULATION, STEPS, WARM_UP = 6, 2048, 5
LEAST = {"mo-halfcheetah-v5": np.array([-500.0, -1300.0])}
"""Discounted returns that any policy of use is above."""


class Judged(gymnasium.Wrapper[Any, Any, Any, Any]):
    """What the archive is judged by: the environment's own rewards, observations and actions as in training."""

    def __init__(self, world: str) -> None:
        super().__init__(make(world))
        self.statistics: Any = None
        self.steps = 0

    def reset(self, **options: Any) -> Any:
        seen, info = self.env.reset(**options)
        return normalised(seen, self.statistics.mean, self.statistics.var), info

    def step(self, action: np.ndarray) -> Any:
        self.steps += 1
        seen, *rest = self.env.step(np.clip(action, -1.0, 1.0))
        return normalised(seen, self.statistics.mean, self.statistics.var), *rest


class Archive(ParetoArchive):
    """Remembers the statistics of observations with which each policy entered it."""

    def __init__(self, statistics: Any) -> None:
        super().__init__()
        self.statistics, self.of = statistics, {}

    def add(self, candidate: Any, evaluation: np.ndarray) -> None:
        self.of[tuple(evaluation)] = (self.statistics.mean.copy(), self.statistics.var.copy())
        super().add(candidate, evaluation)


def normalised(seen: np.ndarray, mean: np.ndarray, var: np.ndarray) -> np.ndarray:
    """As the training's wrappers have it."""
    return np.clip((seen - mean) / np.sqrt(var + 1e-8), -10.0, 10.0)


def main() -> None:
    settings = parser(__doc__).parse_args()
    world, seed, taken = settings.world, settings.seed, {}
    path = result_path(settings, "pgmorl", None)
    random.seed(seed)
    np.random.seed(seed)  # noqa: NPY002 - what PGMORL draws from
    torch.manual_seed(seed)
    torch.set_num_threads(1)
    judged = Judged(world)
    algorithm = PGMORL(
        world, LEAST[world], num_envs=1, pop_size=POPULATION, warmup_iterations=WARM_UP, steps_per_iteration=STEPS,
        evolutionary_iterations=1, log=False, seed=seed, device="cpu",
    )  # fmt: skip
    trained_in = algorithm.env.envs[0]
    while not isinstance(trained_in, NormalizeObservation):
        trained_in = trained_in.env
    judged.statistics = trained_in.obs_rms
    algorithm.archive = Archive(trained_in.obs_rms)
    with clock(taken):
        algorithm.train(settings.transitions, eval_env=judged, ref_point=LEAST[world])

    def policy(agent, mean, var):
        def act(seen):
            with torch.no_grad():
                inputs = torch.as_tensor(normalised(seen, mean, var), dtype=torch.float32)
                return agent.networks.actor_mean(inputs).clamp(-1.0, 1.0).numpy()

        return act

    archive = algorithm.archive
    kept = zip(archive.individuals, archive.evaluations, strict=True)
    policies = [policy(one, *archive.of[tuple(evaluation)]) for one, evaluation in kept]
    record = {
        "method": "pgmorl", "world": world, "k": None, "seed": seed, "transitions": algorithm.global_step,
        "judged_transitions": judged.steps, **taken,
    }  # fmt: skip
    packages = ("torch", "morl-baselines", "mo-gymnasium", "mujoco")
    save(path, record, judge(world, policies), packages)


if __name__ == "__main__":
    main()
