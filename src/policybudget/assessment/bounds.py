r"""Bounds for means of bounded returns and for shares, valid for every number of episodes.

No normality anywhere: returns lie in [low, high], of span :math:`B = \text{high} - \text{low}`, episodes are
independent and alike, and every bound is *one-sided*: it fails with probability at most α. For both sides, ask at α / 2
each.

* :func:`hoeffding`: needs the span only (Hoeffding 1963, Theorem 2).
* :func:`empirical_bernstein`: small where the sample variance is (Maurer & Pontil 2009, Theorem 4).
* :func:`policybudget.betting.betting_lower`: the tightest of the three in nearly all cases.
* :func:`clopper_pearson_lower`: a share, from a count (Clopper & Pearson 1934).
"""

from __future__ import annotations

import math

import numpy as np
from jaxtyping import Float
from scipy import stats

from policybudget.errors import PolicyBudgetError


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
