"""Who is served: n agents, each with a reward function that is linear in m reward features.

``rewards (.., n) = features (.., m) @ weights (m, n)``

A world reports an *outcome* per transition, an array of d numbers; a :class:`FeatureMap` turns it into the m features.
Multi-objective environments report the features themselves and the weights are the users' preferences; per-agent
reward functions (resource tiles, target velocities) are m = n with identity weights, which are never stored.
"""

from __future__ import annotations

import abc
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from policybudget.errors import PolicyBudgetError
from policybudget.objective import Objective
from policybudget.welfare import Welfare


class Experience(NamedTuple):
    """Transitions as reward functions see them.

    Attributes:
        observation: raw, before the action.
        action: as the policy gave it.
        outcome: what the world reported.
        next_observation: where it led.
    """

    observation: Float[Array, "*batch o"]
    action: Array
    outcome: Float[Array, "*batch d"]
    next_observation: Float[Array, "*batch o"]


class FeatureMap(eqx.Module):
    """From transitions to the reward features."""

    @abc.abstractmethod
    def __call__(self, transition: Experience) -> Float[Array, "*batch m"]:
        """Reward features of transitions."""


class Outcome(FeatureMap):
    """The outcome is the features already (m = d): resource tiles, vector rewards."""

    def __call__(self, transition: Experience) -> Float[Array, "*batch m"]:
        """The outcome itself."""
        return transition.outcome


class Targets(FeatureMap):
    r"""A narrow tent around each agent's target: :math:`r^i = s\,(1 - \min(1, |v^i - v| / w))`.

    Ivanov & Ben-Porat 2024, Section 4, with half-width w = b / 20. The first number of the outcome is v.

    Attributes:
        targets: (n).
        half_width: w, in the unit of the targets.
        scale: s, what a perfect step pays.
    """

    targets: Float[Array, " n"]
    half_width: Float[Array, ""]
    scale: Float[Array, ""]

    def __call__(self, transition: Experience) -> Float[Array, "*batch n"]:
        """Reward of every agent, from the one value observed."""
        distance = jnp.abs(self.targets - transition.outcome[..., :1])
        return self.scale * (1.0 - jnp.minimum(1.0, distance / self.half_width))


class Function(FeatureMap):
    """Any function of the transition, written in JAX, or in NumPy and then called back on the host.

    Attributes:
        function: takes an :class:`Experience` with any leading axes, gives (.., m).
        features: m.
        numpy: whether the function is written in NumPy.
    """

    function: Callable[[Experience], Any]
    features: int
    numpy: bool = False

    def __call__(self, transition: Experience) -> Float[Array, "*batch m"]:
        """The function's value."""
        if not self.numpy:
            value: Array = self._fitting(transition, jnp.asarray(self.function(transition), jnp.float32))
            return value

        def call(*parts: Any) -> np.ndarray:
            seen = Experience(*(np.asarray(part) for part in parts))  # type: ignore[arg-type] # NumPy's, as was asked for
            rewards: np.ndarray = self._fitting(seen, np.asarray(self.function(seen), np.float32))
            return rewards

        shape = (*transition.outcome.shape[:-1], self.features)
        like = jax.ShapeDtypeStruct(shape, jnp.float32)
        value = jax.pure_callback(call, like, *transition, vmap_method="broadcast_all")
        return value

    def _fitting(self, transition: Experience, value: Any) -> Any:
        expected = (*transition.outcome.shape[:-1], self.features)
        if value.shape != expected:
            raise PolicyBudgetError(
                f"the reward function must give an array of shape {expected}, agents on the last axis, "
                f"got {value.shape}"
            )
        if isinstance(value, np.ndarray) and not np.isfinite(value).all():
            *_, agent = np.argwhere(~np.isfinite(value))[0]
            raise PolicyBudgetError(f"the reward function gave agent {agent} a reward that is not finite")
        return value


class Rewards(eqx.Module):
    """The n reward functions as arrays, the part of a population that compiled code sees.

    Attributes:
        features: outcome (.., d) to features (.., m).
        weights: (m, n), or None for the identity (m = n).
    """

    features: FeatureMap
    weights: Float[Array, "m n"] | None

    def mixture(self, assignment: Float[Array, "k n"]) -> Float[Array, "k m"]:
        r"""What each policy maximises, in features: row j is :math:`\sum_i \alpha^i(j) w^i` (eq. 7)."""
        return assignment if self.weights is None else assignment @ self.weights.T

    def agents(self, features: Float[Array, "*batch m"]) -> Float[Array, "*batch n"]:
        """Rewards or returns of the n agents from those of the m features."""
        return features if self.weights is None else features @ self.weights


@dataclass(frozen=True)
class Population:
    """n named agents and their reward functions.

    The constructors below take what follows ``num_features`` as keywords (``details``).

    Args:
        names: one per agent.
        rewards: their reward functions.
        parameters: (n, p) what tells the agents apart, for figures and covers (a tile, a target velocity), or None.
        parameter_names: the p names.
        return_scale: the return of a perfectly served agent, the unit that learning works in; None if it is not known,
            then the largest returns seen so far take its place.
        highest_return: no agent's return is above it under any policy; None if there is no such bound, or none known.
        agent_weights: (n) how many people each agent stands for, positive; None for one each.
        outside: (n) what each agent has without any policy, in units of return, -inf where there is no such
            option; None if nobody has one.

    Raises:
        PolicyBudgetError: agent_weights or outside are not one fitting number per agent.
    """

    names: tuple[str, ...]
    rewards: Rewards
    num_features: int
    parameters: np.ndarray | None = None
    parameter_names: tuple[str, ...] = ()
    return_scale: float | None = None
    highest_return: float | None = None
    agent_weights: np.ndarray | None = None
    outside: np.ndarray | None = None

    def __post_init__(self) -> None:
        if self.agent_weights is not None:
            weights = _per_agent("agent_weights", "positive finite", self.agent_weights, self.names, _positive)
            object.__setattr__(self, "agent_weights", weights)
        if self.outside is not None:
            outside = _per_agent("outside", "finite (or -inf: no option)", self.outside, self.names, _below_inf)
            object.__setattr__(self, "outside", outside)

    def objective(self, welfare: Welfare) -> Objective:
        """What a budget of policies for these agents is spent for."""
        agent_weights, outside = (None if x is None else jnp.asarray(x) for x in (self.agent_weights, self.outside))
        return Objective(welfare, agent_weights, outside, self.return_scale)

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

    @staticmethod
    def from_targets(
        targets: object, half_width: float, scale: float = 1.0, names: Sequence[str] | None = None, **details: object
    ) -> Population:
        """Agents who want the world's value at a target each (:class:`Targets`).

        Args:
            targets: (n) target values, in the unit of the outcome.
            half_width: how far from its target an agent is paid nothing.
            scale: what a step exactly on target pays.
        """
        values = np.asarray(targets, dtype=np.float32)
        if values.ndim != 1 or values.size == 0 or not np.isfinite(values).all():
            raise PolicyBudgetError(f"targets must be a list of finite numbers, got an array of shape {values.shape}")
        if not half_width > 0:
            raise PolicyBudgetError(f"half_width must be positive, got {half_width}")
        names = tuple(names) if names is not None else tuple(f"agent {i}" for i in range(len(values)))
        features = Targets(jnp.asarray(values), jnp.float32(half_width), jnp.float32(scale))
        details = {"parameters": values[:, None], "parameter_names": ("target",)} | details
        return Population(names, Rewards(features, None), len(values), **details)  # type: ignore[arg-type]

    @staticmethod
    def from_function(
        function: Callable[[Experience], Any], names: Sequence[str], numpy: bool = False, **details: object
    ) -> Population:
        """Agents paid by any function of the transition.

        Args:
            function: takes an :class:`Experience` with any leading axes and gives rewards (.., n).
            names: n names.
            numpy: set it if the function is written in NumPy; it is then called back on the host (slower).
        """
        return Population(tuple(names), Rewards(Function(function, len(names), numpy), None), len(names), **details)  # type: ignore[arg-type]


def _per_agent(
    what: str, kind: str, values: object, names: tuple[str, ...], fits: Callable[[np.ndarray], np.ndarray]
) -> np.ndarray:
    """A number per agent, as float32."""
    try:
        with np.errstate(over="ignore"):
            array = np.array(values, dtype=np.float32)
    except (TypeError, ValueError):
        raise PolicyBudgetError(f"{what} must be {kind} numbers, one per agent ({len(names)})") from None
    if array.shape != (len(names),):
        raise PolicyBudgetError(
            f"{what} must be {kind} numbers, one per agent ({len(names)}), got an array of shape {array.shape}"
        )
    if not (fit := fits(array)).all():
        agent = int(np.argmin(fit))
        raise PolicyBudgetError(f"{what} must be {kind} numbers, got {array[agent]} for {names[agent]}")
    return array


def _positive(values: np.ndarray) -> np.ndarray:
    fit: np.ndarray = (values >= np.finfo(np.float32).tiny) & (values < np.inf)
    return fit


def _below_inf(values: np.ndarray) -> np.ndarray:
    fit: np.ndarray = values < np.inf  # nor is NaN
    return fit
