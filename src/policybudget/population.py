"""Who is served: n agents, each with a reward function that is linear in m reward features.

``rewards (.., n) = features (.., m) @ weights (m, n)``

A world reports an *outcome* per transition, an array of d numbers; a :class:`FeatureMap` turns it into the m features.
Multi-objective environments report the features themselves and the weights are the users' preferences; per-agent
reward functions (resource tiles, target velocities) are m = n with identity weights, which are never stored.
"""

from __future__ import annotations

import abc
from collections.abc import Sequence
from dataclasses import dataclass

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from policybudget.errors import PolicyBudgetError


class FeatureMap(eqx.Module):
    """From the outcome of a transition to the reward features."""

    @abc.abstractmethod
    def __call__(self, outcome: Float[Array, "*batch d"]) -> Float[Array, "*batch m"]:
        """Reward features of transitions with these outcomes."""


class Outcome(FeatureMap):
    """The outcome is the features already (m = d): resource tiles, vector rewards."""

    def __call__(self, outcome: Float[Array, "*batch d"]) -> Float[Array, "*batch d"]:
        """The outcome itself."""
        return outcome


class Rewards(eqx.Module):
    """The n reward functions as arrays, the part of a population that compiled code sees.

    Attributes:
        features: outcome (.., d) to features (.., m).
        weights: (m, n), or None for the identity (m = n).
    """

    features: FeatureMap
    weights: Float[Array, "m n"] | None

    def mixture(self, assignment: Float[Array, "k n"]) -> Float[Array, "k m"]:
        r"""What each representative maximises, in features: row j is :math:`\sum_i \alpha^i(j) w^i` (eq. 7)."""
        return assignment if self.weights is None else assignment @ self.weights.T

    def agents(self, features: Float[Array, "*batch m"]) -> Float[Array, "*batch n"]:
        """Rewards or returns of the n agents from those of the m features."""
        return features if self.weights is None else features @ self.weights


@dataclass(frozen=True)
class Population:
    """n named agents and their reward functions.

    Args:
        names: one per agent.
        rewards: their reward functions.
        parameters: (n, p) what tells the agents apart, for figures and covers (a tile, a target velocity), or None.
        parameter_names: the p names.
        return_scale: the return of a perfectly served agent, the unit that learning works in.
    """

    names: tuple[str, ...]
    rewards: Rewards
    num_features: int
    parameters: np.ndarray | None = None
    parameter_names: tuple[str, ...] = ()
    return_scale: float = 1.0

    @property
    def size(self) -> int:
        """The number of agents n."""
        return len(self.names)

    @staticmethod
    def from_features(names: Sequence[str], **details: object) -> Population:
        """Agent i is paid feature i of the world's outcome (m = n, identity weights)."""
        return Population(tuple(names), Rewards(Outcome(), None), len(names), **details)  # type: ignore[arg-type]

    @staticmethod
    def from_weights(weights: object, names: Sequence[str] | None = None, **details: object) -> Population:
        """Agents with linear preferences over the world's m reward components.

        Args:
            weights: (n, m), a row per agent.
            names: n names; ``agent 0``, ``agent 1``, ... if not given.
        """
        table = np.asarray(weights, dtype=np.float32)
        if table.ndim != 2 or 0 in table.shape:
            raise PolicyBudgetError(f"weights must be a table (agents, features), got an array of shape {table.shape}")
        if not np.isfinite(table).all():
            agent = int(np.argwhere(~np.isfinite(table))[0, 0])
            raise PolicyBudgetError(f"weights must be finite, got {table[agent].tolist()} for agent {agent}")
        names = tuple(names) if names is not None else tuple(f"agent {i}" for i in range(len(table)))
        if len(names) != len(table):
            raise PolicyBudgetError(f"names must be as many as the agents ({len(table)}), got {len(names)}")
        rewards = Rewards(Outcome(), jnp.asarray(table.T))
        return Population(names, rewards, table.shape[1], **details)  # type: ignore[arg-type]
