"""Reward functions: from transitions to features, and from features to the rewards of agents."""

from __future__ import annotations

import abc
from collections.abc import Callable
from typing import Any, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int

from policybudget.errors import PolicyBudgetError


class Experience(NamedTuple):
    """Transitions as reward functions see them.

    Attributes:
        observation: (.., o) raw, before the action.
        action: (..) or (.., a), as the policy gave it.
        outcome: (.., d) what the world reported.
        next_observation: (.., o) raw, after the action.
    """

    observation: Float[Array, "*batch o"]
    action: Array
    outcome: Float[Array, "*batch d"]
    next_observation: Float[Array, "*batch o"]


class FeatureMap(eqx.Module):
    """A function from transitions to reward features."""

    @abc.abstractmethod
    def __call__(self, transition: Experience) -> Float[Array, "*batch m"]:
        """The reward features of transitions.

        Args:
            transition: one transition or a batch of them, with any leading axes.

        Returns:
            (.., m) features, in units of reward.
        """


class Outcome(FeatureMap):
    """Features that are the outcome itself (m = d): resource tiles, vector rewards."""

    def __call__(self, transition: Experience) -> Float[Array, "*batch m"]:
        """The outcome."""
        return transition.outcome


class Targets(FeatureMap):
    r"""A triangular reward around each agent's target: :math:`r^i = s\,(1 - \min(1, |v^i - v| / w))`.

    Ivanov & Ben-Porat 2024, Section 4, with half-width w = b / 20. The first number of the outcome is v.

    Args:
        targets: (n) targets :math:`v^i`, in the unit of the outcome.
        half_width: w, the distance from its target at which an agent's reward is 0, in the unit of the targets.
        scale: s, the reward of a step exactly on target.
    """

    targets: Float[Array, " n"]
    half_width: Float[Array, ""]
    scale: Float[Array, ""]

    def __call__(self, transition: Experience) -> Float[Array, "*batch n"]:
        """The rewards (.., n) of all agents, from the one value observed."""
        return self.at(transition.outcome[..., 0])

    def at(self, value: Float[Array, "*batch"]) -> Float[Array, "*batch n"]:
        """The rewards of all agents.

        Args:
            value: (..) what is observed, in the unit of the targets.

        Returns:
            (.., n) rewards.
        """
        distance = jnp.abs(self.targets - value[..., None])
        return self.scale * (1.0 - jnp.minimum(1.0, distance / self.half_width))


class Widened(FeatureMap):
    """Targets that pay further, and after them the targets as they are (m = 2 n).

    Args:
        own: the targets as they are.
        width: of those that pay further, times their own.
    """

    own: Targets
    width: Float[Array, ""]

    def __call__(self, transition: Experience) -> Float[Array, "*batch m"]:
        """The rewards of all agents from wide targets, and from their own."""
        wide = Targets(self.own.targets, self.own.half_width * self.width, self.own.scale)
        return jnp.concatenate([wide(transition), self.own(transition)], axis=-1)


class Function(FeatureMap):
    """Any function of the transition, written in JAX or in NumPy; NumPy functions are called back on the host.

    Args:
        function: takes an :class:`Experience` with any leading axes and gives features (.., m).
        features: m, the number of features.
        numpy: whether the function is written in NumPy.
    """

    function: Callable[[Experience], Any]
    features: int
    numpy: bool = False

    def __call__(self, transition: Experience) -> Float[Array, "*batch m"]:
        """The function's value (.., m).

        Raises:
            PolicyBudgetError: the value has another shape or, for a NumPy function, is not finite.
        """
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
    """The n reward functions as arrays: the part of a population that compiled code sees.

    Where agents have dynamics of their own, a transition is played for one agent and pays that agent alone. Returns are
    then kept per agent, not per feature: :meth:`mixture` and :meth:`agents` are identities.

    Args:
        features: from transitions with outcomes (.., d) to features (.., m).
        weights: (m, n) the agents' weights on the features; None for the identity (m = n).
        dynamics: (n, p) what worlds are told of each agent; None where all agents share a dynamics.
        told: (n, q) what critics may be told of each agent.
    """

    features: FeatureMap
    weights: Float[Array, "m n"] | None
    dynamics: Float[Array, "n p"] | None = None
    told: Float[Array, "n q"] | None = None

    def widened(self) -> tuple[WidenedRewards, WidenedRewards]:
        """Rewards that may pay further from the agents' targets, and the agents' own, of the same features.

        Raises:
            PolicyBudgetError: they have no targets, or agents have dynamics of their own.
        """
        if self.targets is None:
            raise PolicyBudgetError(
                "only rewards around targets (Population.from_targets), in a dynamics that all agents share, can be "
                "widened; use --widen 1"
            )
        features = Widened(self.targets, jnp.ones(()))
        return WidenedRewards(features, None), WidenedRewards(features, None, as_paid=True)

    @property
    def targets(self) -> Targets | None:
        """The agents' targets, if that is what they are paid by, in a dynamics that all share."""
        if isinstance(self.features, Targets) and self.weights is None and not self.own:
            return self.features
        return None

    @property
    def own(self) -> bool:
        """Whether agents have dynamics of their own."""
        return self.dynamics is not None

    @property
    def weigh_outcome(self) -> bool:
        """Whether agents weigh the components of the outcome, in a dynamics that all share: returns are linear then."""
        return not self.own and self.weights is not None and isinstance(self.features, Outcome)

    def task(self, whom: Int[Array, "*copies"] | None) -> Float[Array, "*copies p"] | None:
        """What the copies of a world are told.

        Args:
            whom: the agent that each copy plays for; None where all agents share a dynamics.
        """
        return None if self.dynamics is None or whom is None else self.dynamics[whom]

    def paid(self, transition: Experience, whom: Int[Array, "*batch"]) -> Float[Array, "*batch"]:
        """The rewards of the agents that transitions were played for.

        Args:
            transition: (..) transitions.
            whom: the agent of each.
        """
        features = self.features(transition)
        if self.weights is None:
            return jnp.take_along_axis(features, whom[..., None], axis=-1)[..., 0]
        return jnp.sum(features * self.weights.T[whom], axis=-1)

    def mixture(self, assignment: Float[Array, "k n"]) -> Float[Array, "k m"]:
        r"""The weights on the features that each policy maximises: row j is :math:`\sum_i \alpha^i(j) w^i` (eq. 7).

        Args:
            assignment: (k, n) α, or the agents' weights in the M-step (:meth:`Objective.pull`).

        Returns:
            (k, m) weights on the features.
        """
        return assignment if self.weights is None or self.own else assignment @ self.weights.T

    def agents(self, features: Float[Array, "*batch m"]) -> Float[Array, "*batch n"]:
        """The rewards or returns of the n agents from those of the m features.

        Args:
            features: (.., m) rewards or returns of the features.

        Returns:
            (.., n) rewards or returns of the agents.
        """
        return features if self.weights is None or self.own else features @ self.weights


class WidenedRewards(Rewards):
    """Rewards of the features of :class:`Widened`: of wide targets, which come first, or of the agents' own.

    Args:
        as_paid: whether they are the agents' own.
    """

    as_paid: bool = eqx.field(default=False, static=True)

    def at(self, width: Float[Array, ""]) -> WidenedRewards:
        """The same, so wide.

        Args:
            width: of the wide targets, times their own.
        """
        wide: WidenedRewards = eqx.tree_at(lambda rewards: rewards.features.width, self, width)
        return wide

    def mixture(self, assignment: Float[Array, "k n"]) -> Float[Array, "k m"]:
        """The weights on the features that each policy maximises: nothing on the other half of them.

        Args:
            assignment: (k, n) α, or the agents' weights in the M-step.
        """
        nothing = jnp.zeros_like(assignment)
        halves = (nothing, assignment) if self.as_paid else (assignment, nothing)
        return jnp.concatenate(halves, axis=-1)

    def agents(self, features: Float[Array, "*batch m"]) -> Float[Array, "*batch n"]:
        """The half of the features that is theirs.

        Args:
            features: (.., 2 n) rewards or returns of the features.
        """
        agents = features.shape[-1] // 2
        return features[..., agents:] if self.as_paid else features[..., :agents]
