"""Tiny worlds whose optimal policies, returns and values can be written down."""

from __future__ import annotations

from collections.abc import Sequence

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int, PRNGKeyArray

from policybudget.learning.settings import PPO
from policybudget.population import Population
from policybudget.problem import RepresentedMDP
from policybudget.worlds.interface import Box, Discrete, JaxWorld, Transition


class Levers(JaxWorld):
    """One pull of a lever, then it is over. The outcome says which lever was pulled."""

    levers: int = 2

    @property
    def name(self) -> str:
        return "levers"

    @property
    def without_chance(self) -> bool:
        return True

    @property
    def observation_size(self) -> int:
        return 1

    @property
    def outcome_size(self) -> int:
        return self.levers

    @property
    def actions(self) -> Discrete:
        return Discrete(self.levers)

    @property
    def time_limit(self) -> int:
        return 1

    def reset(self, key: PRNGKeyArray, task: Array | None = None) -> tuple[Int[Array, ""], Float[Array, " o"]]:
        return jnp.zeros((), jnp.int32), jnp.ones(1)

    def step(self, state: Array, action: Array, key: PRNGKeyArray, task: Array | None = None) -> Transition:
        outcome = jax.nn.one_hot(action, self.levers)
        return Transition(state, jnp.ones(1), outcome, jnp.asarray(True), jnp.asarray(False))


class Clock(JaxWorld):
    """Shows the time since the start and pays it (before the step, plus one); only the limit stops it.

    The outcome is (time after the step, action).
    """

    limit: int = 3

    @property
    def name(self) -> str:
        return "clock"

    @property
    def without_chance(self) -> bool:
        return True

    @property
    def observation_size(self) -> int:
        return 1

    @property
    def outcome_size(self) -> int:
        return 2

    @property
    def actions(self) -> Discrete:
        return Discrete(2)

    @property
    def time_limit(self) -> int:
        return self.limit

    def reset(self, key: PRNGKeyArray, task: Array | None = None) -> tuple[Int[Array, ""], Float[Array, " o"]]:
        return jnp.zeros((), jnp.int32), jnp.zeros(1)

    def step(self, state: Array, action: Array, key: PRNGKeyArray, task: Array | None = None) -> Transition:
        time = state + 1
        seen = time.astype(jnp.float32)
        outcome = jnp.stack([seen, action.astype(jnp.float32)])
        return Transition(time, seen[None], outcome, jnp.asarray(False), time >= self.limit)


class Aim(JaxWorld):
    """One shot at a line: the outcome is minus the squared distance to -1 and to +1. The optimum for both is 0."""

    @property
    def name(self) -> str:
        return "aim"

    @property
    def without_chance(self) -> bool:
        return True

    @property
    def observation_size(self) -> int:
        return 1

    @property
    def outcome_size(self) -> int:
        return 2

    @property
    def actions(self) -> Box:
        return Box(1, (-2.0,), (2.0,))

    @property
    def time_limit(self) -> int:
        return 1

    def reset(self, key: PRNGKeyArray, task: Array | None = None) -> tuple[Int[Array, ""], Float[Array, " o"]]:
        return jnp.zeros((), jnp.int32), jnp.ones(1)

    def step(self, state: Array, action: Array, key: PRNGKeyArray, task: Array | None = None) -> Transition:
        where = jnp.clip(action[0], -2.0, 2.0)
        outcome = -jnp.stack([(where + 1.0) ** 2, (where - 1.0) ** 2])
        return Transition(state, jnp.ones(1), outcome, jnp.asarray(True), jnp.asarray(False))


class Mine(JaxWorld):
    """Each agent's own: pays the number that it is told and ends after one step more than that.

    The outcome is (the number, the action); the number of the broken agent is not finite.
    """

    agents: int = 3
    broken: int = -1

    @property
    def name(self) -> str:
        return "mine"

    @property
    def own_dynamics(self) -> bool:
        return True

    @property
    def without_chance(self) -> bool:
        return True

    @property
    def observation_size(self) -> int:
        return 1

    @property
    def outcome_size(self) -> int:
        return 2

    @property
    def actions(self) -> Discrete:
        return Discrete(2)

    @property
    def time_limit(self) -> int:
        return self.agents

    def reset(self, key: PRNGKeyArray, task: Array | None = None) -> tuple[Int[Array, ""], Float[Array, " o"]]:
        return jnp.zeros((), jnp.int32), jnp.ones(1)

    def step(self, state: Array, action: Array, key: PRNGKeyArray, task: Array | None = None) -> Transition:
        assert task is not None
        number, time = task[0], state + 1
        paid = jnp.where(number == self.broken, jnp.nan, number)
        outcome = jnp.stack([paid, action.astype(jnp.float32)])
        return Transition(time, jnp.ones(1), outcome, time >= number + 1, jnp.asarray(False))


def mine(agents: int = 3, budget: int = 2, broken: int = -1) -> RepresentedMDP:
    """Agents a, b, c, ... in :class:`Mine`: whoever acts, agent i has a return of i (i + 1)."""
    names, numbers = [chr(ord("a") + i) for i in range(agents)], np.arange(agents)[:, None]
    people = Population.from_weights([[1.0, 0.0]] * agents, names, dynamics=numbers, return_scale=1.0)
    return RepresentedMDP(Mine(agents, broken), people, budget)


def wishes(wanted: Sequence[int], budget: int, reward: float = 10.0) -> RepresentedMDP:
    """Users who are paid ``reward`` when the lever that they want is pulled, nothing otherwise.

    The best welfare with k policies is reward x (users of the k most wanted levers) / users.
    """
    levers = max(2, max(wanted) + 1)
    weights = reward * np.eye(levers)[list(wanted)]
    return RepresentedMDP(Levers(levers), Population.from_weights(weights, return_scale=reward), budget)


QUICK = PPO(copies=16, steps=4, minibatch=32, epochs=4, learning_rate=(2e-2, 5e-3), entropy=(1e-2, 1e-3), hidden=(8,))
"""Learns a lever in about 20 iterations of 64 transitions."""
