r"""Who moves when policies join a set that is at work already: those who are shown to gain, and nobody else.

With returns :math:`x_{ej}^i` of policy j to agent i in episode e, all policies in the same episodes, and
:math:`y_e^i` of what serves agent i now,

.. math:: j^* = \arg\max_j \bar x_j^i, \qquad
          i \text{ moves to } j^* \iff \bar d - t_{0.975}\, s_d / \sqrt e > 0, \quad d_e = x_{ej^*}^i - y_e^i.

So the welfare of what is expected cannot fall, whatever the new policies are worth.
"""

from __future__ import annotations

import numpy as np
from jaxtyping import Float

from policybudget.assessment import evidence, intervals
from policybudget.population import Population


def settle(
    population: Population, present: Float[np.ndarray, "k n"], features: Float[np.ndarray, "k e m"]
) -> Float[np.ndarray, "k n"]:
    """The assignment after those have moved who are shown to gain.

    Args:
        population: the n agents.
        present: (k, n) α of what serves them now; zeros for policies that are new. A column that sums to less than 1
            keeps the rest outside; where there is no option outside, its agent moves to what is best for it.
        features: (k, e, m) feature returns; episode e of every policy with the same randomness. With a single one
            nothing is shown, and only those move who must.

    Returns:
        (k, n) α; a column is what it was, or 1 at the best policy.
    """
    found = evidence.samples(population, present, features, features)
    best, gain = found.chosen.argmax(axis=0), found.offered - found.got
    homeless = present.sum(axis=0) <= 0
    if population.outside is not None:
        homeless &= np.isneginf(population.outside)
    with np.errstate(invalid="ignore"):
        shown = gain.mean(axis=0) - intervals.each_ci95(gain) > 0
    moves = homeless | shown
    settled = np.array(present)
    settled[:, moves] = 0.0
    settled[best[moves], np.flatnonzero(moves)] = 1.0
    return settled
