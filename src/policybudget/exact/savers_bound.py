r"""A bound on what any k rules can be worth to savers.

Let rules know more than they do: a saver's horizon, what was paid in, the decades, and at every age the wealth; all but
the risk aversion. Savers who agree in the former are a class, and every class may have k rules of its own. That can
only help. In a class the best rule for a group G is a dynamic programme over wealth,

.. math::
    V_0(W) = \sum_{i \in G} w_i\, r_i(W), \qquad
    V_\tau(W) = \max_a E\, V_{\tau - 1}\bigl((W + c)\, (G_{bills} + a\, (G_{stocks} - G_{bills}))\bigr)

with r_i the return that the saver's final wealth pays, solved for all groups of risk aversions at once, and the best
partition into k groups is a dynamic programme over sets (:mod:`policybudget.exact.slippery`). Between points of a
grid of log wealth V is interpolated cubically; a group of one must come out at 100, which tests compare.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from jaxtyping import Float
from scipy import sparse

from policybudget.exact.slippery import best_partition
from policybudget.population import Population
from policybudget.selection.subset import normalised_weights
from policybudget.worlds.savers.planning import utility
from policybudget.worlds.savers.saver import Saver
from policybudget.worlds.savers.world import BEST, SaversWorld

SHARES = np.linspace(0.0, 1.0, 41)
STEP = 0.025
"""Of the grid of log wealth."""
LEAST, MOST = 0.02, 80.0
"""Wealth between which the grid lies, in all that is paid in."""
MOST_AVERSIONS = 8
"""Of a class; with more of them the class counts as if each saver had a rule of their own."""


def bounds(world: SaversWorld, savers: Population, budgets: Sequence[int]) -> tuple[float, ...]:
    """A welfare that no k rules exceed.

    Args:
        world: whose returns are drawn from.
        savers: n agents.
        budgets: each k.

    Returns:
        Per budget, the bound; savers with a better option outside keep it.
    """
    assert savers.dynamics is not None
    rows = np.asarray(savers.dynamics, np.float64)
    shares = normalised_weights(savers.agent_weights, savers.size)
    if savers.outside is not None and (np.asarray(savers.outside) > -np.inf).any():
        own = np.maximum(np.asarray(savers.outside, np.float64), BEST)
        return tuple(float(own @ shares) for _ in budgets)
    totals = np.zeros(len(budgets))
    classes = rows[:, [0, 1, 4, 5]]
    for one in np.unique(classes, axis=0):
        mine = np.flatnonzero((classes == one).all(axis=1))
        totals += _of_class(world, rows[mine], shares[mine], budgets)
    return tuple(float(total) for total in totals)


def _of_class(
    world: SaversWorld, rows: Float[np.ndarray, "m p"], shares: Float[np.ndarray, " m"], budgets: Sequence[int]
) -> Float[np.ndarray, " budgets"]:
    """What a class adds to the bounds."""
    aversions, which = np.unique(rows[:, 2], return_inverse=True)
    weights = np.bincount(which, shares)
    if len(aversions) == 1 or len(aversions) > MOST_AVERSIONS:
        return np.full(len(budgets), BEST * shares.sum())
    best = np.array([rows[which == i][0, 3] for i in range(len(aversions))])
    values = of_groups(world, Saver(*rows[0]), aversions, best, weights)
    found = []
    for budget in budgets:
        groups = best_partition(values, len(aversions), min(budget, len(aversions)))
        found.append(sum(values[sum(1 << i for i in group)] for group in groups))
    # no rule exceeds 100; the grid may, in the third decimal
    least: np.ndarray = np.minimum(found, BEST * shares.sum())
    return least


def of_groups(
    world: SaversWorld,
    saver: Saver,
    aversions: Float[np.ndarray, " m"],
    best: Float[np.ndarray, " m"],
    weights: Float[np.ndarray, " m"],
) -> Float[np.ndarray, " groups"]:
    """What one rule can be worth to every group of savers who differ in their risk aversion alone.

    Args:
        world: whose returns are drawn from.
        saver: one of them.
        aversions: (m,) of each.
        best: (m,) certainty equivalent of each under a rule of their own.
        weights: (m,) of each.

    Returns:
        (2^m,) expected returns, weighted and summed over the group; bit i is saver i.
    """
    horizon, paid_in = int(saver.horizon), float(saver.paid_in)
    paid = (1 - paid_in) / horizon
    first, count = int(saver.first), int(saver.span)
    gross = np.asarray(world.gross, np.float64)[first : first + count]
    grid = np.arange(np.log(max(LEAST, paid)), np.log(MOST), STEP)
    wealth = np.exp(grid)
    members = np.arange(1 << len(aversions))[:, None] >> np.arange(len(aversions)) & 1
    returns = BEST * (1 + utility(wealth[:, None] / best, aversions))
    value = returns @ (members * weights).T
    growth = gross[:, :1].T + SHARES[:, None] * (gross[:, 1] - gross[:, 0])
    # of the last year no contribution follows
    for moved in (_moves(grid, wealth, growth, 0.0), *[_moves(grid, wealth, growth, paid)] * (horizon - 1)):
        value = np.stack([chances @ value for chances in moved]).max(axis=0)
    low, weight = _places(grid, np.log(np.array(paid_in + paid)))
    return np.asarray(weight @ value[low + np.arange(4)])


def _moves(
    grid: Float[np.ndarray, " g"], wealth: Float[np.ndarray, " g"], growth: Float[np.ndarray, "a y"], paid: float
) -> list[sparse.csr_array]:
    """Per share (g, g), from invested wealth to invested wealth a year later, as weights of the points of the grid."""
    found, starts = [], np.arange(len(grid))[:, None] * len(grid)
    for factors in growth:
        low, weights = _places(grid, np.log(wealth[:, None] * factors + paid))
        chances = sum(
            np.bincount((starts + low + corner).ravel(), weights[..., corner].ravel(), grid.size**2)
            for corner in range(4)
        )
        found.append(sparse.csr_array(np.reshape(chances, (len(grid), len(grid))) / len(factors)))
    return found


def _places(
    grid: Float[np.ndarray, " g"], log: Float[np.ndarray, "*batch"]
) -> tuple[np.ndarray, Float[np.ndarray, "*batch 4"]]:
    """The first of four neighbouring points, and the weights of cubic interpolation (Lagrange)."""
    place = (np.clip(log, grid[0], grid[-1]) - grid[0]) / STEP
    low = np.clip(place.astype(int) - 1, 0, len(grid) - 4)
    x = place - low
    a, b, c = x - 1, x - 2, x - 3
    weights = [-a * b * c / 6, x * b * c / 2, -x * a * c / 2, x * a * b / 6]
    return low, np.stack(weights, axis=-1)
