r"""How large the mean of what was realised so far can be, whenever one looks: a confidence sequence.

Returns x_1, x_2, ... in [0, 1] have means μ_1, μ_2, ... given what came before, which may change. With a guess
:math:`\hat x_i` made before x_i, for every 0 < λ < 1

.. math:: \exp\Bigl(\lambda \sum_{i \le t} (x_i - \mu_i) - \psi(\lambda) V_t\Bigr), \qquad
          V_t = \sum_{i \le t} (x_i - \hat x_i)^2, \qquad \psi(\lambda) = -\ln(1 - \lambda) - \lambda,

is a nonnegative supermartingale that starts at 1 at most (Fan, Grama & Liu 2015; Howard, Ramdas, McAuliffe & Sekhon
2021, "Time-uniform, nonparametric, nonasymptotic confidence sequences", Theorem 4). So is a mixture over some λ, and by
Ville's inequality it ever reaches 1/α with probability at most α. Solved for :math:`\sum (x_i - \mu_i)` that bounds
:math:`(\mu_1 + \dots + \mu_t) / t` from below, and the same of 1 - x from above. It takes three numbers whatever t is,
and holds where the mean drifts; where it does not, bounds by betting (:mod:`policybudget.betting`) are tighter.
"""

from __future__ import annotations

import math

import numpy as np

LAMBDAS = 0.95 * 0.7 ** np.arange(24)
WEIGHTS = 1.0 / ((np.arange(24) + 1.0) * (np.arange(24) + 2.0))
"""Of the mixture; they sum to less than 1, and favour the λ of few returns."""
STEPS = 30
"""Of Newton's method; it comes from above, so that wherever it ends the bound holds."""


class RunningMean:
    """The mean of what was realised so far, of returns in [0, 1]. It changes with every return that it sees.

    Attributes:
        returns: how many were seen.
        total: their sum.
    """

    def __init__(self) -> None:
        self.returns, self.total = 0, 0.0
        self._spread = 0.0

    def see(self, value: float) -> None:
        """Hear of a return.

        Args:
            value: in [0, 1].
        """
        guess = (0.5 + self.total) / (1 + self.returns)
        self._spread += (value - guess) ** 2
        self.returns += 1
        self.total += value

    def interval(self, level: float) -> tuple[float, float]:
        """Bounds of the mean of the returns' means, at all times together.

        Args:
            level: the probability that it ever does not hold.

        Returns:
            Lower and upper end.
        """
        if not self.returns:
            return 0.0, 1.0
        apart = farthest(self._spread, level / 2) / self.returns
        mean = self.total / self.returns
        return max(0.0, mean - apart), min(1.0, mean + apart)


def farthest(spread: float, alpha: float) -> float:
    """How far the sum of the returns may ever be above that of their means.

    Args:
        spread: V.
        alpha: the probability that it ever is farther.
    """
    aim, known = math.log(1.0 / alpha), np.log(WEIGHTS) + (np.log1p(-LAMBDAS) + LAMBDAS) * spread
    far = float(((aim - known) / LAMBDAS).min())  # where one λ alone gets there; the mixture does before
    for _ in range(STEPS):
        logs = known + LAMBDAS * far
        shares = np.exp(logs - logs.max())
        step = (logs.max() + math.log(shares.sum()) - aim) * shares.sum() / float(shares @ LAMBDAS)
        far -= step
        if step <= 1e-9 * far:
            break
    return far
