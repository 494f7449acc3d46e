"""The Gini welfare: the mean utility, less what inequality takes of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import jax.numpy as jnp

from policybudget.welfare.interface import Scale, Utilities, Value, Weights, Welfare, shares


@dataclass(frozen=True)
class Gini(Welfare):
    r"""The mean times one minus the Gini index G: :math:`W = \bar u (1 - G)` (Sen 1974).

    :math:`W = \sum_{i,l} p_i p_l \min(u_i, u_l)` is an ordered weighted mean (Weymark 1981) with
    :math:`\partial W / \partial u_i = p_i (P[u \ge u_i] + P[u > u_i])`, where P is a share of the population. The
    derivative is nearly 2 p for the worst-off agent, nearly 0 for the best-off one, and the same for agents with equal
    utilities and weights. W is concave and piecewise linear, and it is defined for any utilities.
    """

    name: ClassVar[str] = "gini"

    def __call__(self, utilities: Utilities, weights: Weights = None) -> Value:
        r""":math:`\sum_i u_i\, \partial W / \partial u_i` (it is homogeneous of degree one)."""
        return jnp.sum(utilities * self.gradient(utilities, weights))

    def smooth(self, utilities: Utilities, weights: Weights = None, scale: Scale = None) -> Value:
        """The welfare itself: no agent's derivative is zero."""
        return self(utilities, weights)

    def gradient(self, utilities: Utilities, weights: Weights = None, scale: Scale = None) -> Utilities:
        """The derivatives by ranks, in O(n log n)."""
        share, order = shares(utilities, weights), jnp.argsort(utilities)
        from_rank = jnp.append(jnp.cumsum(share[order][::-1])[::-1], 0.0)
        at_least = from_rank[jnp.searchsorted(utilities[order], utilities, side="left")]
        above = from_rank[jnp.searchsorted(utilities[order], utilities, side="right")]
        return share * (at_least + above)
