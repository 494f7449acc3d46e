r"""Who moves when policies join a set that is at work already: those who are shown to gain, and nobody else.

With returns :math:`x_{ej}^i` of policy j to agent i in episode e, all policies in the same episodes, and
:math:`y_e^i` of what serves agent i now,

.. math:: j^* = \arg\max_j \bar x_j^i, \qquad
          i \text{ moves to } j^* \iff \bar d - t_{0.975}\, s_d / \sqrt e > 0, \quad d_e = x_{ej^*}^i - y_e^i.

So the welfare of what is expected cannot fall, whatever the new policies are worth.
"""

from __future__ import annotations

import jax.numpy as jnp
import numpy as np
from jaxtyping import Float

from policybudget.assessment import intervals
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
    alpha = np.asarray(present, np.float64)
    served, agents = alpha.sum(axis=0), np.arange(alpha.shape[1])
    homeless = np.zeros(len(agents), bool)
    got = np.zeros((features.shape[1], len(agents)))
    if population.outside is None:
        homeless = served <= 0
    else:
        outside = np.asarray(population.outside, np.float64)
        homeless = (served <= 0) & np.isneginf(outside)
        got += np.maximum(1.0 - served, 0.0) * np.where(np.isneginf(outside), 0.0, outside)
    best, best_mean, best_got = np.zeros(len(agents), np.int64), np.full(len(agents), -np.inf), np.empty_like(got)
    for policy, one in enumerate(features):
        each = np.asarray(population.rewards.agents(jnp.asarray(one)), np.float64)
        got += alpha[policy] * each
        mean = each.mean(axis=0)
        better = mean > best_mean
        best[better], best_mean[better], best_got[:, better] = policy, mean[better], each[:, better]
    gain = best_got - got
    with np.errstate(invalid="ignore"):
        shown = gain.mean(axis=0) - intervals.each_ci95(gain) > 0
    moves = homeless | shown
    settled = alpha.copy()
    settled[:, moves] = 0.0
    settled[best[moves], agents[moves]] = 1.0
    return settled.astype(np.asarray(present).dtype)
