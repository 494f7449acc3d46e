r"""Social welfare: one number for what n agents get, and what a learner gives each of them weight for.

Ivanov & Ben-Porat 2024 maximise the utilitarian sum (eq. 2), reported here as a mean, as in the paper's figures, and
name others for where fairness matters (Section 2.2, Limitations). All work on utilities :math:`u_i = V^i` in units of
return and on agent weights :math:`a_i`, "how many people an agent stands for", with :math:`p_i = a_i / \sum_l a_l`.

What Theorem 1 (EM reaches a local maximum of utilitarian welfare) still promises for a welfare W:

* **E-step.** The greedy choice gives every agent the most that any column of α can: it never lowers a monotone W.
* **M-step.** Maximising :math:`\sum_i \frac{\partial W}{\partial u_i} V^i` is exact where W is linear (utilitarian,
  any agent weights), and the theorem holds. For another concave W it is a direction of ascent, not a maximum: a *full*
  step may lower W (two opposed users, one policy: the winner changes). Small steps (a policy gradient) raise the smooth
  form; steps of 2 / (t + 2) towards the maximiser, mixing policies, converge to its maximum over mixtures (Frank &
  Wolfe 1956; Jaggi 2013; for MDPs Zahavy et al. 2021). With that maximum as the M-step, the theorem's argument is back.
  (Gini has kinks where utilities are equal: neither is promised there.)
"""

from __future__ import annotations

import abc
from collections.abc import Callable
from dataclasses import dataclass, fields
from typing import ClassVar, TypeAlias

import jax
import jax.numpy as jnp
from jax.scipy.special import logsumexp
from jaxtyping import Array, Float

from policybudget.errors import PolicyBudgetError

NAMES = ("utilitarian", "egalitarian", "egalitarian:TAU", "nash", "p-mean:P", "gini")  # what parse reads
FLOOR = 0.01  # a share of the scale; below it, power means go on as straight lines when they are learned from
TEMPERATURE = 0.1  # a share of the scale: default temperature of the egalitarian softmin
LEAST_POWER = -100.0
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
        assignment: α, column i is a distribution over policies; what it lacks of one is left to the outside
            option (a column of zeros: "none of the k").
        returns: V, return of agent i under the policy of policy j.
        outside: o, what an agent has without any policy, in units of return; -inf if there is no such option.
            Where there is none, columns should sum to one; a rest would count as 0.
    """
    served = jnp.sum(assignment * returns, axis=0)
    if outside is None:
        return served
    rest = jnp.maximum(1.0 - jnp.sum(assignment, axis=0), 0.0)
    return served + rest * jnp.where(jnp.isfinite(outside), outside, 0.0)  # rounding leaves a rest of 1e-8, not of -inf


def parse(text: str) -> Welfare:
    """The welfare function that a text names, such as ``nash`` or ``p-mean:-2``; ``str`` gives the text back.

    Raises:
        PolicyBudgetError: there is no such form, or its number is out of range.
    """
    name, colon, number = text.strip().partition(":")
    kinds: dict[str, Callable[..., Welfare]] = {
        kind.name: kind for kind in (Utilitarian, Egalitarian, Nash, PMean, Gini)
    }
    try:
        return kinds[name](float(number)) if colon else kinds[name]()
    except (KeyError, ValueError, TypeError):  # no such name, no such number, a number too many or too few
        raise PolicyBudgetError(f"welfare must be one of {', '.join(NAMES)}, got {text!r}") from None


@dataclass(frozen=True)
class Welfare(abc.ABC):
    """A social welfare function: a hashable value, pure functions of utilities (n,) and agent weights (n,).

    ``weights`` are positive; None stands for equal ones. ``scale`` is the return of a perfectly served agent
    (``Population.return_scale``); if None, the largest absolute utility takes its place and counts as a constant.

    Attributes:
        name: as :func:`parse` reads it, without the number.
        monotone: whether raising a utility never lowers it.
        concave: whether the welfare of a mean is never below the mean welfare, where the class says it is defined.
    """

    name: ClassVar[str]
    monotone: ClassVar[bool] = True
    concave: ClassVar[bool] = True

    @abc.abstractmethod
    def __call__(self, utilities: Utilities, weights: Weights = None) -> Value:
        """The welfare that is reported, in units of return; never NaN for finite utilities."""

    @abc.abstractmethod
    def smooth(self, utilities: Utilities, weights: Weights = None, scale: Scale = None) -> Value:
        """The welfare that is learned from, in units of return: finite, with a useful gradient, for all utilities."""

    @abc.abstractmethod
    def gradient(self, utilities: Utilities, weights: Weights = None, scale: Scale = None) -> Utilities:
        """Of :meth:`smooth`: what a unit of each agent's return is worth. Positive and finite."""

    def __str__(self) -> str:
        numbers = [getattr(self, field.name) for field in fields(self)]
        return ":".join([self.name, *(repr(x).removesuffix(".0") for x in numbers if x is not None)])


@dataclass(frozen=True)
class Utilitarian(Welfare):
    r"""The mean: :math:`W = \sum_i p_i u_i`, :math:`\partial W / \partial u_i = p_i`. Smooth as it is."""

    name: ClassVar[str] = "utilitarian"

    def __call__(self, utilities: Utilities, weights: Weights = None) -> Value:
        """The mean."""
        return jnp.average(utilities, weights=weights)

    def smooth(self, utilities: Utilities, weights: Weights = None, scale: Scale = None) -> Value:
        """As it is."""
        return self(utilities, weights)

    def gradient(self, utilities: Utilities, weights: Weights = None, scale: Scale = None) -> Utilities:
        """The agents' shares p."""
        return _shares(utilities, weights)


@dataclass(frozen=True)
class Egalitarian(Welfare):
    r"""The worst-off agent: :math:`W = \min_i u_i` (Rawls 1971), whomever else there is.

    Its gradient would see one agent and jump from it to the next. Learned from is the softmin of temperature τ,
    :math:`W_\tau = -\tau \log \sum_i p_i e^{-u_i / \tau}`, with gradient :math:`p_i e^{(W_\tau - u_i) / \tau}`: smooth,
    monotone, concave, and :math:`\min u \le W_\tau \le \min u + \tau \log(1 / p_\text{worst})`.

    The default τ is ``TEMPERATURE`` of the scale, 10 of 100: agents who differ by less count nearly alike, one who is
    50 better off counts e^-5. Colder ones forget whom they do not serve just now (docs/findings.md). A share of the
    *spread* of utilities would need no scale, but brings the jumps back: the nearer two opposed users come to each
    other, the colder it gets. Give τ where returns share a large offset.

    Args:
        temperature: τ in units of return; None for the default.

    Raises:
        PolicyBudgetError: τ is not a positive number.
    """

    name: ClassVar[str] = "egalitarian"
    temperature: float | None = None

    def __post_init__(self) -> None:
        if self.temperature is not None and not 1e-30 <= self.temperature <= 1e30:
            raise PolicyBudgetError(
                f"TAU of egalitarian:TAU must be a positive number, in units of return, got {self.temperature}"
            )

    def __call__(self, utilities: Utilities, weights: Weights = None) -> Value:
        """The least utility."""
        return jnp.min(utilities)

    def smooth(self, utilities: Utilities, weights: Weights = None, scale: Scale = None) -> Value:
        """The softmin."""
        tau = self.temperature or TEMPERATURE * _scale(utilities, scale)
        least = jax.lax.stop_gradient(jnp.min(utilities))
        return least - tau * logsumexp((least - utilities) / tau, b=_shares(utilities, weights))

    def gradient(self, utilities: Utilities, weights: Weights = None, scale: Scale = None) -> Utilities:
        """The softmin's shares."""
        tau = self.temperature or TEMPERATURE * _scale(utilities, scale)
        logs = jnp.log(_shares(utilities, weights)) + (jnp.min(utilities) - utilities) / tau
        return jnp.exp(jnp.clip(jax.nn.log_softmax(logs), *LOGS))


@dataclass(frozen=True)
class PowerMean(Welfare):
    r"""The power mean of order p: :math:`W = (\sum_i p_i u_i^p)^{1/p}`, at p = 0 :math:`\exp \sum_i p_i \log u_i`.

    For p < 1 it is defined, and concave, for utilities of 0 and more. What is reported beyond: 0 if p <= 0 and any
    utility is 0 or less; utilities below 0 count as 0 if 0 < p < 1.

    Learned from is an extension to all utilities. With floor f = ``FLOOR`` x scale and y = u / f,

    .. math:: k(y) = (y^p - 1) / p \text{ (at p = 0 } \log y) \text{ for } y \ge 1, \qquad k(y) = y - 1 \text{ below}

    (Box & Cox 1964, continued by its tangent: increasing and concave), :math:`W = f\, k^{-1}(\sum_i p_i k(y_i))` and
    :math:`\partial W / \partial u_i = p_i k'(y_i) / k'(W / f)`. With nobody below the floor this is the mean itself; it
    always lies between the least and the largest utility, also where all are negative. The sum in it is concave
    everywhere; W, which rises with it, is quasi-concave only (the geometric mean has no finite concave extension). The
    floor keeps an agent who has nothing yet from counting for more than :math:`100^{1-p}` who are perfectly served.
    """

    @property
    @abc.abstractmethod
    def order(self) -> float:
        """The order p, up to 1."""

    def __call__(self, utilities: Utilities, weights: Weights = None) -> Value:
        """The mean itself."""
        if self.order == 1:
            return jnp.average(utilities, weights=weights)
        positive = utilities > 0
        defined = jnp.any(positive) if self.order > 0 else jnp.all(positive)
        logs = jnp.where(defined, jnp.log(jnp.maximum(utilities, 0.0)), 0.0)
        return jnp.where(defined, jnp.exp(_log_mean(logs, _shares(utilities, weights), self.order)), 0.0)

    def smooth(self, utilities: Utilities, weights: Weights = None, scale: Scale = None) -> Value:
        """The mean, extended."""
        shares, floor = _shares(utilities, weights), FLOOR * _scale(utilities, scale)
        y = utilities / floor
        below = y < 1
        logs = jnp.log(jnp.where(below, 1.0, y))
        bent = jnp.sum(shares * jnp.where(below, y - 1.0, _bend(logs, self.order)))
        mixed = jnp.minimum(_unbend(bent, self.order), jnp.max(logs))
        log = jnp.where(jnp.any(below), mixed, _log_mean(logs, shares, self.order))
        return floor * jnp.where(bent < 0, 1.0 + bent, jnp.exp(log))

    def gradient(self, utilities: Utilities, weights: Weights = None, scale: Scale = None) -> Utilities:
        r""":math:`p_i (u_i / W)^{p - 1}`, nobody below the floor."""
        floor, mean = FLOOR * _scale(utilities, scale), self.smooth(utilities, weights, scale)
        logs = jnp.log(jnp.maximum(utilities / floor, 1.0)) - jnp.log(jnp.maximum(mean / floor, 1.0))
        return jnp.exp(jnp.clip(jnp.log(_shares(utilities, weights)) + (self.order - 1.0) * logs, *LOGS))


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
    """Any order up to 1 (Atkinson 1970, of inequality aversion 1 - p): 1 utilitarian, 0 Nash, to -inf egalitarian.

    Attributes:
        power: p.

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
        """As given."""
        return self.power


@dataclass(frozen=True)
class Gini(Welfare):
    r"""The mean, less what inequality takes of it: :math:`W = \bar u (1 - G)`, G the Gini index (Sen 1974).

    :math:`W = \sum_{i,l} p_i p_l \min(u_i, u_l)`: an ordered weighted mean (Weymark 1981) with
    :math:`\partial W / \partial u_i = p_i (P[u \ge u_i] + P[u > u_i])`, P a share of the population: twice p for the
    worst-off, next to nothing for the best-off, the same for equals. Concave, piecewise linear, for any utilities.
    """

    name: ClassVar[str] = "gini"

    def __call__(self, utilities: Utilities, weights: Weights = None) -> Value:
        r""":math:`\sum_i u_i\, \partial W / \partial u_i` (it is homogeneous of degree one)."""
        return jnp.sum(utilities * self.gradient(utilities, weights))

    def smooth(self, utilities: Utilities, weights: Weights = None, scale: Scale = None) -> Value:
        """As it is: its gradient leaves nobody out."""
        return self(utilities, weights)

    def gradient(self, utilities: Utilities, weights: Weights = None, scale: Scale = None) -> Utilities:
        """By ranks, in O(n log n)."""
        shares, order = _shares(utilities, weights), jnp.argsort(utilities)
        from_rank = jnp.append(jnp.cumsum(shares[order][::-1])[::-1], 0.0)
        at_least = from_rank[jnp.searchsorted(utilities[order], utilities, side="left")]
        above = from_rank[jnp.searchsorted(utilities[order], utilities, side="right")]
        return shares * (at_least + above)


def _shares(utilities: Utilities, weights: Weights) -> Utilities:
    r""":math:`p_i = a_i / \sum_l a_l`."""
    if weights is None:
        return jnp.full_like(utilities, 1.0 / utilities.shape[0])
    relative = weights / jnp.max(weights)  # their sum cannot overflow
    return relative / jnp.sum(relative)


def _scale(utilities: Utilities, scale: Scale) -> Value:
    known = jax.lax.stop_gradient(jnp.max(jnp.abs(utilities))) if scale is None else jnp.asarray(scale)
    return jnp.maximum(known, 1e-12)


def _bend(logs: Utilities, order: float) -> Utilities:
    """k(y), of log y; precise for small orders, too."""
    return jnp.expm1(order * logs) / order if order else logs


def _unbend(bent: Value, order: float) -> Value:
    r""":math:`\log k^{-1}`. Of negative order, k stays below -1 / p, which rounding may reach."""
    return jnp.log1p(jnp.maximum(order * bent, -1.0 + 1e-6)) / order if order else bent


def _log_mean(logs: Utilities, shares: Utilities, order: float) -> Value:
    """log of the mean of exp(logs): a guess, rough for small orders, and what it lacks, which is small and exact."""
    guess = jax.lax.stop_gradient(logsumexp(order * logs, b=shares) / order) if order else jnp.zeros(())
    return guess + _unbend(jnp.sum(shares * _bend(logs - guess, order)), order)
