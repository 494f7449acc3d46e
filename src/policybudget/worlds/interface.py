"""What a world is. Axes: a world here is a single copy; samplers run k x E of them.

A world reports per transition an *outcome* (d numbers), from which the population computes everybody's reward: one
transition serves all n agents (Section 3.2). ``terminated`` says that the episode ended by the rules of the world,
``truncated`` that only the clock stopped it; values are bootstrapped from the last observation of the latter.
"""

from __future__ import annotations

import abc
from dataclasses import dataclass
from typing import Any, NamedTuple

import equinox as eqx
from jaxtyping import Array, Bool, Float, PRNGKeyArray

from policybudget.errors import PolicyBudgetError


@dataclass(frozen=True)
class Discrete:
    """One of ``size`` actions, 0 to size - 1."""

    size: int


@dataclass(frozen=True)
class Box:
    """``size`` real numbers, component i between ``low[i]`` and ``high[i]``."""

    size: int
    low: tuple[float, ...]
    high: tuple[float, ...]


ActionSpace = Discrete | Box


class Transition(NamedTuple):
    """What one step of a world gives."""

    state: Any
    observation: Float[Array, " o"]
    outcome: Float[Array, " d"]
    terminated: Bool[Array, ""]
    truncated: Bool[Array, ""]


class World(eqx.Module):
    """What every world tells about itself."""

    @property
    @abc.abstractmethod
    def name(self) -> str:
        """As given to ``--world``."""

    @property
    @abc.abstractmethod
    def observation_size(self) -> int:
        """o."""

    @property
    @abc.abstractmethod
    def outcome_size(self) -> int:
        """d, the numbers reported per transition."""

    @property
    @abc.abstractmethod
    def actions(self) -> ActionSpace:
        """The action space."""

    @property
    @abc.abstractmethod
    def time_limit(self) -> int:
        """Steps after which an episode is truncated."""


class JaxWorld(World):
    """A world written as two pure JAX functions of a single copy; samplers ``vmap`` them."""

    @abc.abstractmethod
    def reset(self, key: PRNGKeyArray) -> tuple[Any, Float[Array, " o"]]:
        """A fresh state and its observation."""

    @abc.abstractmethod
    def step(self, state: Any, action: Array, key: PRNGKeyArray) -> Transition:
        """One transition; after ``terminated`` or ``truncated`` the sampler resets."""


def compiled(world: World) -> JaxWorld:
    """The world, for what can only run in worlds written in JAX.

    Raises:
        PolicyBudgetError: it is of another kind.
    """
    if not isinstance(world, JaxWorld):
        raise PolicyBudgetError(
            f"world must be written in JAX (a JaxWorld), got {world.name}, a {type(world).__name__}"
        )
    return world
