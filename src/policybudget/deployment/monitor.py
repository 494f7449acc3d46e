r"""Is what is realised inside what was promised? A test that may be looked at after every return.

For each policy, the promise is a mean return of at least b. With returns scaled to [0, 1] and b likewise, a gambler who
bets against the promise has, after returns x_1, x_2, ... the capital

.. math:: K_t = \frac{1}{|\Lambda|} \sum_{\lambda \in \Lambda} \prod_{s \le t} \bigl(1 + \lambda\,(b - x_s)\bigr),
          \qquad 0 < \lambda < \frac{1}{1 - b}.

While the promise holds, each factor has mean at most 1 whatever came before, so K is a nonnegative supermartingale that
starts at 1 (an e-process), and by Ville's inequality it ever reaches 1/α with probability at most α: at any time of
looking, for any distribution, also where returns depend on each other (Waudby-Smith & Ramdas 2024, "Estimating means of
bounded random variables by betting"). Several promises share α: :mod:`policybudget.deployment.monitor_file`.

What may be lost while nobody notices: where each mean was at least μ, that is at most b - μ per return. The confidence
sequence of the mean so far (:mod:`policybudget.deployment.running_mean`) bounds it at all times.
"""

from __future__ import annotations

import math

import numpy as np

from policybudget.deployment.running_mean import RunningMean
from policybudget.errors import PolicyBudgetError

BETS = 20
"""Sizes of bets, evenly on a logarithmic scale."""
BOLDEST = 0.9
"""The largest bet, as a share of what may be bet without ruin."""


class Watch:
    """One policy under watch. It changes with every return that it sees.

    Args:
        promised: the mean return that was promised.
        low: no return is below it.
        high: no return is above it.
        level: α, the probability of ever raising a false alarm.

    Attributes:
        returns: how many were seen.
        total: their sum.
        alarm_at: the number of returns at the alarm; None while there is none.
        lost_at_alarm: by how much they fell short of the promise in all by then.

    Raises:
        PolicyBudgetError: the numbers do not go together.
    """

    def __init__(self, promised: float, low: float, high: float, level: float = 0.05) -> None:
        if not (math.isfinite(low) and math.isfinite(high) and low < high):
            raise PolicyBudgetError(f"low must be below high, both finite, got {low} and {high}")
        if not low <= promised <= high:
            raise PolicyBudgetError(f"a promise must lie in [{low}, {high}], got {promised}")
        if not 0 < level < 1:
            raise PolicyBudgetError(f"level must be between 0 and 1, got {level}")
        self.promised, self.low, self.high, self.level = promised, low, high, level
        self.returns, self.total = 0, 0.0
        self._mean = RunningMean()
        self.alarm_at: int | None = None
        self.lost_at_alarm: float | None = None
        most = BOLDEST / max(1.0 - self._scaled(promised), 1e-9)
        self._bets = most * np.geomspace(1e-3, 1.0, BETS)
        self._logs = np.zeros(BETS)

    def _scaled(self, value: float) -> float:
        return (value - self.low) / (self.high - self.low)

    @property
    def evidence(self) -> float:
        """The capital of who bets against the promise: 1 at the start; an alarm at 1/α."""
        most = self._logs.max()
        return float(np.exp(min(most, 700.0)) * np.exp(self._logs - most).mean())

    @property
    def mean(self) -> float:
        """Of the returns so far; NaN before any."""
        return self.total / self.returns if self.returns else math.nan

    @property
    def interval(self) -> tuple[float, float]:
        """Bounds of the mean so far: of the returns' means, also where these change; at all times but with α."""
        least, most = self._mean.interval(self.level)
        return self.low + least * (self.high - self.low), self.low + most * (self.high - self.low)

    @property
    def lost(self) -> tuple[float, float]:
        """How much less than promised all returns so far are worth in expectation: at least, and at most."""
        least, most = self.interval
        return max(0.0, self.promised - most) * self.returns, max(0.0, self.promised - least) * self.returns

    def see(self, value: float) -> bool:
        """Hear of a return.

        Args:
            value: the return.

        Returns:
            Whether this one raises the alarm; it is raised once.

        Raises:
            PolicyBudgetError: the return lies outside of [low, high].
        """
        if not self.low <= value <= self.high:
            raise PolicyBudgetError(f"a return must lie in [{self.low}, {self.high}], got {value}")
        self.returns += 1
        self.total += value
        self._mean.see(self._scaled(value))
        self._logs += np.log1p(self._bets * (self._scaled(self.promised) - self._scaled(value)))
        if self.alarm_at is None and self.evidence >= 1.0 / self.level:
            self.alarm_at, self.lost_at_alarm = self.returns, self.promised * self.returns - self.total
            return True
        return False
