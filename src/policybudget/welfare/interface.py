"""What a social welfare function is, and the utilities that it is a function of."""

from __future__ import annotations

import abc
from dataclasses import dataclass, fields
from typing import ClassVar, TypeAlias

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

LOGS = (-80.0, 80.0)  # exp of them are normal numbers in float32

Utilities: TypeAlias = Float[Array, " n"]
Weights: TypeAlias = Float[Array, " n"] | None
Scale: TypeAlias = float | Float[Array, ""] | None
Value: TypeAlias = Float[Array, ""]


def utilities(
    assignment: Float[Array, "k n"], returns: Float[Array, "k n"], outside: Float[Array, " n"] | None = None
) -> Utilities:
    r"""What each agent can expect: :math:`V^i = \sum_j \alpha^i(j) V^{ij} + (1 - \sum_j \alpha^i(j))\, o_i` (eq. 5).

    Args:
        assignment: (k, n) α; column i is a distribution over policies. What a column lacks of a sum of 1 is left to
            the outside option; a column of zeros says "none of the k".
        returns: (k, n) V, the return of policy j to agent i.
        outside: (n) o, what an agent has without any policy, in units of return; -inf where there is no such option;
            None if no agent has one. Columns of agents without an option should sum to one: a rest counts as 0.

    Returns:
        (n) utilities, in units of return.
    """
    served = jnp.sum(assignment * returns, axis=0)
    if outside is None:
        return served
    rest = jnp.maximum(1.0 - jnp.sum(assignment, axis=0), 0.0)
    return served + rest * jnp.where(jnp.isfinite(outside), outside, 0.0)  # rounding leaves a rest of 1e-8, not of -inf


@dataclass(frozen=True)
class Welfare(abc.ABC):
    """A social welfare function: a hashable value with pure functions of utilities (n,) and agent weights (n,).

    Attributes:
        name: as :func:`policybudget.welfare.parse` reads it, without the number.
        monotone: whether raising a utility never lowers the welfare.
        concave: whether the welfare of a mean is never below the mean welfare, where the class says it is defined.
    """

    name: ClassVar[str]
    monotone: ClassVar[bool] = True
    concave: ClassVar[bool] = True

    @abc.abstractmethod
    def __call__(self, utilities: Utilities, weights: Weights = None) -> Value:
        """The welfare that is reported.

        Args:
            utilities: (n) in units of return.
            weights: (n) agent weights, positive; None for equal ones.

        Returns:
            The welfare, in units of return; never NaN for finite utilities.
        """

    @abc.abstractmethod
    def smooth(self, utilities: Utilities, weights: Weights = None, scale: Scale = None) -> Value:
        """The welfare that is learned from: finite and with a useful gradient for all utilities.

        Args:
            utilities: (n) in units of return.
            weights: (n) agent weights, positive; None for equal ones.
            scale: the return of a perfectly served agent (``Population.return_scale``). If None, the largest absolute
                utility takes its place and counts as a constant.

        Returns:
            The smooth welfare, in units of return.
        """

    @abc.abstractmethod
    def gradient(self, utilities: Utilities, weights: Weights = None, scale: Scale = None) -> Utilities:
        """The gradient of :meth:`smooth`: what a unit of each agent's return is worth.

        Args:
            utilities: (n) in units of return.
            weights: (n) agent weights, positive; None for equal ones.
            scale: as in :meth:`smooth`.

        Returns:
            (n) partial derivatives, a pure number each, positive and finite.
        """

    def __str__(self) -> str:
        numbers = [getattr(self, field.name) for field in fields(self)]
        return ":".join([self.name, *(repr(x).removesuffix(".0") for x in numbers if x is not None)])


def shares(utilities: Utilities, weights: Weights) -> Utilities:
    r"""The agents' shares of the population, :math:`p_i = a_i / \sum_l a_l`.

    Args:
        utilities: (n); only their number is used.
        weights: (n) agent weights a, positive; None for equal ones.

    Returns:
        (n) shares p, which sum to one.
    """
    if weights is None:
        return jnp.full_like(utilities, 1.0 / utilities.shape[0])
    relative = weights / jnp.max(weights)  # their sum cannot overflow
    return relative / jnp.sum(relative)


def known_scale(utilities: Utilities, scale: Scale) -> Value:
    """The return of a perfectly served agent, or what takes its place.

    Args:
        utilities: (n) in units of return.
        scale: the return of a perfectly served agent; None if it is not known.

    Returns:
        The scale, or the largest absolute utility as a constant, if the scale is None; 1e-12 or more.
    """
    found = jax.lax.stop_gradient(jnp.max(jnp.abs(utilities))) if scale is None else jnp.asarray(scale)
    return jnp.maximum(found, 1e-12)
