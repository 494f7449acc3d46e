"""Run folders of policies that always do the same, saved without any training."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np

from policybudget.policies.architecture import Architecture
from policybudget.policies.normaliser import Normaliser
from policybudget.policies.stacked import Policies, make_actor
from policybudget.problem import make_problem
from policybudget.runs.prototypes import Prototypes
from policybudget.runs.result import Result
from policybudget.worlds.interface import World

LEVERS = """
import gymnasium
import numpy as np
from gymnasium.spaces import Box, Discrete

class Levers(gymnasium.Env):
    observation_space, action_space = Box(-1, 1, (1,), np.float32), Discrete(3, start=FIRST)
    reward_space, reward_names = Box(-9, 9, (3,)), ("a", "b", "c")

    def reset(self, *, seed=None, options=None):
        super().reset(seed=seed)
        return np.zeros(1, np.float32), {}

    def step(self, action):
        return np.zeros(1, np.float32), np.eye(3)[action - FIRST] + NOISE, True, False, {}
"""


def levers(noise: str = "0.0", first: int = 0) -> str:
    """A file of Python with an environment: one of three levers is pulled once; reward components say which.

    Args:
        noise: an expression that is added to the reward.
        first: the number of the first lever.
    """
    return LEVERS.replace("NOISE", noise).replace("FIRST", str(first))


def constant(world: World, actions: Any) -> Policies:
    """Policies that see nothing: their logits, or means of actions, are the rows (k, a)."""
    heads = jnp.asarray(actions, jnp.float32)[:, None]
    actor = make_actor(jax.random.key(0), len(heads), world.observation_size, world.actions, (2,), "shared", 0.0)
    last = actor.network.layers[-1]
    actor = eqx.tree_at(
        lambda a: (a.network.layers[-1].weight, a.network.layers[-1].bias), actor, (jnp.zeros_like(last.weight), heads)
    )
    return Policies(actor, Normaliser.start(world.observation_size))


def save(
    folder: Path, name: str, actions: Any, serves: list[int], prototypes: Prototypes | None = None, **options: Any
) -> Path:
    """A run folder as training leaves it.

    Args:
        folder: to write.
        name: of the world.
        actions: a row per policy.
        serves: the policy of each agent; -1 for none.
        **options: of :func:`make_problem`.
    """
    problem = make_problem(name, 1, **options)
    world, budget = problem.world, len(actions)
    assignment = np.array([[float(j == i) for i in serves] for j in range(budget)], np.float32)
    result = Result(
        arrays=constant(world, actions).arrays(),
        assignment=assignment,
        returns=np.zeros(assignment.shape, np.float32),
        lengths=np.zeros(budget, np.float32),
        welfare=0.0,
        social={"function": "utilitarian"}
        | dict.fromkeys(("welfare", "mean", "worst"), 0.0)
        | dict.fromkeys(("unserved", "below_outside"), 0),
        agents=problem.population.names,
        architecture=Architecture(world.observation_size, world.units, (2,), "shared"),
        world=problem.origin,
        algorithm="by hand",
        search="none",
        transitions=0,
        wall_seconds=0.0,
        prototypes=prototypes,
    )
    return result.save(folder)
