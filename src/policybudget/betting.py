r"""Lower bounds on means of bounded returns by betting; valid for every number of episodes, and whenever play stops.

No normality anywhere: returns lie in [low, high], and given all earlier ones each has the same mean. Scaled to [0, 1],
a gambler who stakes :math:`\lambda_i` times the capital on "the mean is more than m" holds

.. math:: K_t(m) = \prod_{i \le t} (1 + \lambda_i (x_i - m)), \qquad
          \lambda_i = \min\Bigl(\sqrt{2 \ln(1/\alpha) / (n \hat\sigma^2_{i-1})}, \; c/m\Bigr).

If m is the true mean and :math:`\lambda_i` depends on earlier episodes alone, this is a martingale that starts at 1 and
is never negative, so it ever reaches 1/α with probability at most α (Ville). The bound is the largest m at which it
did; K falls in m, so bisection finds it. Stakes are those of Waudby-Smith & Ramdas 2024, "Estimating means of bounded
random variables by betting" (Section 4, for a fixed n; c = 3/4); they decide how tight the bound is, not whether it
holds. Where n is not known beforehand, the capital is the mean of that of gamblers who each planned for another n
(:data:`PLANS`): a mean of such martingales is one.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from policybudget.errors import PolicyBudgetError

Numbers = NDArray[Any]
PLANS = (10, 40, 160, 640, 2560, 10240)
"""Numbers of episodes that gamblers plan for where nobody knows when play will stop."""
TRUNCATION = 0.75  # of bets, c of Waudby-Smith & Ramdas; they take 1/2 or 3/4
HALVINGS = 20  # bisection: to a millionth of the span, and always to the safe side
ROUNDING = 1e-6  # of the span: returns summed in float32 may leave their range by so much


def check_level(alpha: float, name: str = "alpha") -> None:
    """Refuse a probability of error that is not between 0 and 1.

    Args:
        alpha: the probability.
        name: of the argument, for the error.

    Raises:
        PolicyBudgetError: it is out of range.
    """
    if not 0.0 < alpha < 1.0:
        raise PolicyBudgetError(f"{name} must be between 0 and 1 (both excluded), got {alpha}")


def check_range(low: float, high: float) -> None:
    """Refuse a range of returns that is empty or infinite.

    Args:
        low: no return is ever less.
        high: no return is ever more.

    Raises:
        PolicyBudgetError: it is.
    """
    if not (math.isfinite(low) and math.isfinite(high) and low < high):
        raise PolicyBudgetError(f"returns need a finite range with low < high, got low {low} and high {high}")


def within(returns: ArrayLike, low: float, high: float, name: str = "returns") -> Numbers:
    """The returns as float64, every one in [low, high]; rounding errors (a millionth of the span) are cut off.

    Args:
        returns: of any shape.
        low: no return is ever less.
        high: no return is ever more.
        name: of the returns, for the error.

    Returns:
        The returns, of the same shape.

    Raises:
        PolicyBudgetError: the range is no range, or a return lies outside it or is not a number.
    """
    check_range(low, high)
    values = np.asarray(returns, np.float64)
    slack = ROUNDING * (high - low)
    wrong = ~((values >= low - slack) & (values <= high + slack))  # NaN is wrong, too
    if wrong.any():
        first = float(values[wrong][0])
        raise PolicyBudgetError(
            f"{name} must lie in [{low:g}, {high:g}], got {first:g} ({int(wrong.sum())} of {wrong.size} are outside); "
            "give the bounds that every episode keeps, not those of a sample"
        )
    return np.clip(values, low, high)


def betting_lower(
    returns: Numbers, low: float, high: float, alpha: float, planned: int | Sequence[int] | None = None
) -> Numbers:
    """A lower bound on the mean: the largest m that a gambler refuted.

    Args:
        returns: (..., episodes), in the order in which they were played; do not sort them. NaN after the last one of a
            row that is shorter than others.
        low: no return is ever less.
        high: no return is ever more.
        alpha: probability that the bound fails, at whatever number of episodes play stops.
        planned: n that the stakes are made for, if play stopped earlier or its end was open: one number, or several,
            such as ``PLANS``; the number of episodes if None.

    Returns:
        (...) in units of return, never more than the sample mean; ``low`` without episodes.
    """
    x, there = (returns - low) / (high - low), ~np.isnan(returns)
    x = np.where(there, x, 0.0)
    plans = [x.shape[-1]] if planned is None else [planned] if isinstance(planned, int) else list(planned)
    spread, rich = _spread_before(x), math.log(1.0 / alpha)
    stakes = np.stack([np.where(there, np.sqrt(2.0 * rich / (plan * spread)), 0.0) for plan in plans])
    least, most = np.zeros(x.shape[:-1]), x.sum(axis=-1) / np.maximum(there.sum(axis=-1), 1)
    for _ in range(HALVINGS):
        middle = (least + most) / 2
        boldest, ahead = TRUNCATION / np.maximum(middle, 1e-12)[..., None], x - middle[..., None]
        refuted = _most(np.cumsum(np.log1p(np.minimum(stakes, boldest) * ahead), axis=-1)) >= rich
        least, most = np.where(refuted, middle, least), np.where(refuted, most, middle)
    bound: Numbers = low + (high - low) * least
    return bound


def _spread_before(x: Numbers) -> Numbers:
    """The variance of the episodes before each one, as far as it is known."""
    so_far = np.arange(1, x.shape[-1] + 1)
    centre = (0.5 + np.cumsum(x, axis=-1)) / (so_far + 1)
    variance = (0.25 + np.cumsum((x - centre) ** 2, axis=-1)) / (so_far + 1)
    return np.concatenate([np.full((*x.shape[:-1], 1), 0.25), variance[..., :-1]], axis=-1)[..., : x.shape[-1]]


def _most(logs: Numbers) -> Numbers:
    """The largest logarithm over time of the mean capital of some gamblers (gamblers, ..., episodes)."""
    if len(logs) == 1:
        return np.asarray(logs[0].max(axis=-1, initial=0.0))
    richest = logs.max(axis=0)
    return np.asarray((richest + np.log(np.exp(logs - richest).mean(axis=0))).max(axis=-1, initial=0.0))
