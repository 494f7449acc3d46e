r"""Bounds for means of bounded returns and for shares, valid for every number of episodes.

No normality anywhere: returns lie in [low, high], of span :math:`B = \text{high} - \text{low}`, episodes are
independent and alike, and every bound is *one-sided*: it fails with probability at most α. For both sides, ask at α / 2
each.

* :func:`hoeffding`: needs the span only (Hoeffding 1963, Theorem 2).
* :func:`empirical_bernstein`: small where the sample variance is (Maurer & Pontil 2009, Theorem 4).
* :func:`betting_lower`: the tightest of the three in nearly all cases (Waudby-Smith & Ramdas 2024, Section 4).
* :func:`clopper_pearson_lower`: a share, from a count (Clopper & Pearson 1934).
"""

from __future__ import annotations

import math

import numpy as np
from jaxtyping import Float
from numpy.typing import ArrayLike
from scipy import stats

from policybudget.errors import PolicyBudgetError

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


def within(returns: ArrayLike, low: float, high: float, name: str = "returns") -> Float[np.ndarray, "*s"]:
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


def hoeffding(episodes: int, span: float, alpha: float, planned: int | None = None) -> float:
    r"""How far the sample mean may exceed the true mean: :math:`B \sqrt{\ln(1/\alpha) / 2m}`.

    If n episodes were planned and play stopped after m, for any reason, it is
    :math:`\frac{B}{m} \sqrt{n \ln(1/\alpha) / 2}`, for all m up to n together (Hoeffding 1963, eq. 2.17: Doob).

    Args:
        episodes: m, at least 1.
        span: B, in units of return.
        alpha: probability that the bound fails, on this side.
        planned: n; m if None.
    """
    return span / episodes * math.sqrt((planned or episodes) * math.log(1.0 / alpha) / 2.0)


def empirical_bernstein(
    episodes: int, variance: Float[np.ndarray, "*s"], span: float, alpha: float
) -> Float[np.ndarray, "*s"]:
    r"""The same from the sample variance v: :math:`\sqrt{2 v \ln(2/\alpha) / m} + 7 B \ln(2/\alpha) / (3 (m - 1))`.

    Args:
        episodes: m; infinite for a single one.
        variance: v, with m - 1 below, in units of return squared.
        span: B, in units of return.
        alpha: probability that the bound fails, on this side.
    """
    if episodes < 2:
        return np.full(np.shape(variance), np.inf)
    log = math.log(2.0 / alpha)
    radius: np.ndarray = np.sqrt(2.0 * variance * log / episodes) + 7.0 * span * log / (3.0 * (episodes - 1))
    return radius


def betting_lower(
    returns: Float[np.ndarray, "*s e"], low: float, high: float, alpha: float, planned: int | None = None
) -> Float[np.ndarray, "*s"]:
    r"""A lower bound on the mean: the least m that no betting strategy refutes.

    With returns :math:`x_i` scaled to [0, 1], a gambler who stakes :math:`\lambda_i` times the capital on "the mean is
    more than m" holds :math:`K_t(m) = \prod_{i \le t} (1 + \lambda_i (x_i - m))`. If m is the true mean and
    :math:`\lambda_i` depends on earlier episodes alone, this is a martingale that starts at 1 and is never negative, so
    it ever reaches 1/α with probability at most α (Ville). The bound is the largest m at which it did; K falls in m, so
    bisection finds it.

    Stakes :math:`\lambda_i = \min(\sqrt{2 \ln(1/\alpha) / (n \hat\sigma^2_{i-1})}, c/m)` are those of Waudby-Smith &
    Ramdas 2024 (Section 4, for a fixed n; c = 3/4); they decide how tight the bound is, not whether it holds.

    Args:
        returns: (..., episodes), in the order in which they were played; do not sort them.
        low: no return is ever less.
        high: no return is ever more.
        alpha: probability that the bound fails.
        planned: n that the stakes are made for, if play stopped earlier; the number of episodes if None.

    Returns:
        (...) in units of return, never more than the sample mean.
    """
    x = (returns - low) / (high - low)
    episodes = x.shape[-1]
    so_far = np.arange(1, episodes + 1)
    centre = (0.5 + np.cumsum(x, axis=-1)) / (so_far + 1)
    variance = (0.25 + np.cumsum((x - centre) ** 2, axis=-1)) / (so_far + 1)
    before = np.concatenate([np.full((*x.shape[:-1], 1), 0.25), variance[..., :-1]], axis=-1)
    rich = math.log(1.0 / alpha)
    stakes = np.sqrt(2.0 * rich / ((planned or episodes) * before))
    least, most = np.zeros(x.shape[:-1]), x.mean(axis=-1)
    for _ in range(HALVINGS):
        middle = (least + most) / 2
        m = np.maximum(middle, 1e-12)[..., None]
        capital = np.cumsum(np.log1p(np.minimum(stakes, TRUNCATION / m) * (x - middle[..., None])), axis=-1)
        refuted = capital.max(axis=-1) >= rich
        least, most = np.where(refuted, middle, least), np.where(refuted, most, middle)
    bound: np.ndarray = low + (high - low) * least
    return bound


def clopper_pearson_lower(successes: int, trials: int, alpha: float) -> float:
    r"""The least share q that does not make the count a surprise: :math:`\Pr[\mathrm{Bin}(N, q) \ge c] = \alpha`.

    That is the α-quantile of Beta(c, N - c + 1), and 0 for c = 0. True shares lie below it with probability at most α.

    Args:
        successes: c, from 0 to N.
        trials: N, independent.
        alpha: probability that the bound fails.

    Raises:
        PolicyBudgetError: c is not from 0 to N, or N is 0.
    """
    if not 0 <= successes <= trials or trials < 1:
        raise PolicyBudgetError(f"successes must be from 0 to the number of trials ({trials}), got {successes}")
    return float(stats.beta.ppf(alpha, successes, trials - successes + 1)) if successes else 0.0
