"""Power means: the geometric mean of Nash, and the family from the mean to the minimum that has it in its middle."""

from __future__ import annotations

import abc
from dataclasses import dataclass
from typing import ClassVar

import jax
import jax.numpy as jnp
from jax.scipy.special import logsumexp

from policybudget.errors import PolicyBudgetError
from policybudget.welfare.interface import LOGS, Scale, Utilities, Value, Weights, Welfare, known_scale, shares

FLOOR = 0.01  # a share of the scale; below it, power means continue as straight lines when they are learned from
LEAST_POWER = -100.0


@dataclass(frozen=True)
class PowerMean(Welfare):
    r"""The power mean of order p: :math:`W = (\sum_i p_i u_i^p)^{1/p}`, at p = 0 :math:`\exp \sum_i p_i \log u_i`.

    For p < 1 the mean is defined, and concave, for utilities of 0 and more. Elsewhere, this is reported: 0 if p <= 0
    and any utility is 0 or less; if 0 < p < 1, utilities below 0 count as 0.

    An extension to all utilities is learned from. With floor f = ``FLOOR`` x scale and y = u / f,

    .. math:: k(y) = (y^p - 1) / p \text{ (at p = 0 } \log y) \text{ for } y \ge 1, \qquad k(y) = y - 1 \text{ below}

    (Box & Cox 1964, continued by its tangent: increasing and concave), :math:`W = f\, k^{-1}(\sum_i p_i k(y_i))` and
    :math:`\partial W / \partial u_i = p_i k'(y_i) / k'(W / f)`. With no utility below the floor, W is the mean itself.
    W always lies between the least and the largest utility, also where all utilities are negative. The sum in it is
    concave everywhere; W increases with the sum and is quasi-concave only (the geometric mean has no finite concave
    extension). The floor bounds the derivative: an agent with a utility of 0 counts at most :math:`100^{1-p}` times as
    much as a perfectly served one.
    """

    @property
    @abc.abstractmethod
    def order(self) -> float:
        """The order p, up to 1."""

    def __call__(self, utilities: Utilities, weights: Weights = None) -> Value:
        """The power mean, or what is reported where it is not defined."""
        if self.order == 1:
            return jnp.average(utilities, weights=weights)
        positive = utilities > 0
        defined = jnp.any(positive) if self.order > 0 else jnp.all(positive)
        logs = jnp.where(defined, jnp.log(jnp.maximum(utilities, 0.0)), 0.0)
        return jnp.where(defined, jnp.exp(_log_mean(logs, shares(utilities, weights), self.order)), 0.0)

    def smooth(self, utilities: Utilities, weights: Weights = None, scale: Scale = None) -> Value:
        """The power mean, extended."""
        share, floor = shares(utilities, weights), FLOOR * known_scale(utilities, scale)
        y = utilities / floor
        below = y < 1
        logs = jnp.log(jnp.where(below, 1.0, y))
        bent = jnp.sum(share * jnp.where(below, y - 1.0, _bend(logs, self.order)))
        mixed = jnp.minimum(_unbend(bent, self.order), jnp.max(logs))
        log = jnp.where(jnp.any(below), mixed, _log_mean(logs, share, self.order))
        return floor * jnp.where(bent < 0, 1.0 + bent, jnp.exp(log))

    def gradient(self, utilities: Utilities, weights: Weights = None, scale: Scale = None) -> Utilities:
        r""":math:`p_i (u_i / W)^{p - 1}` where no utility is below the floor."""
        floor, mean = FLOOR * known_scale(utilities, scale), self.smooth(utilities, weights, scale)
        logs = jnp.log(jnp.maximum(utilities / floor, 1.0)) - jnp.log(jnp.maximum(mean / floor, 1.0))
        return jnp.exp(jnp.clip(jnp.log(shares(utilities, weights)) + (self.order - 1.0) * logs, *LOGS))


@dataclass(frozen=True)
class Nash(PowerMean):
    r"""The geometric mean, :math:`W = \exp \sum_i p_i \log u_i` (Nash 1950; Kaneko & Nakamura 1979), of order 0."""

    name: ClassVar[str] = "nash"

    @property
    def order(self) -> float:
        """0."""
        return 0.0


@dataclass(frozen=True)
class PMean(PowerMean):
    """The power mean of a given order up to 1: 1 is utilitarian, 0 is Nash, the limit at -inf is egalitarian.

    It is the welfare of Atkinson 1970 with inequality aversion 1 - p.

    Args:
        power: p, from -100 to 1.

    Raises:
        PolicyBudgetError: p is above 1 (not concave) or below -100 (the minimum already, in float32).
    """

    name: ClassVar[str] = "p-mean"
    power: float

    def __post_init__(self) -> None:
        if not LEAST_POWER <= self.power <= 1:
            raise PolicyBudgetError(
                f"P of p-mean:P must be from {LEAST_POWER:g} to 1 (further down, use egalitarian), got {self.power}"
            )

    @property
    def order(self) -> float:
        """The power p."""
        return self.power


def _bend(logs: Utilities, order: float) -> Utilities:
    """k(y) as a function of log y; precise for small orders, too."""
    return jnp.expm1(order * logs) / order if order else logs


def _unbend(bent: Value, order: float) -> Value:
    r""":math:`\log k^{-1}`. For a negative order, k stays below -1 / p; rounding may reach this bound."""
    return jnp.log1p(jnp.maximum(order * bent, -1.0 + 1e-6)) / order if order else bent


def _log_mean(logs: Utilities, share: Utilities, order: float) -> Value:
    """The log of the power mean of exp(logs): a guess, rough for small orders, plus a correction that is exact."""
    guess = jax.lax.stop_gradient(logsumexp(order * logs, b=share) / order) if order else jnp.zeros(())
    return guess + _unbend(jnp.sum(share * _bend(logs - guess, order)), order)
