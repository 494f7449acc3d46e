r"""The same returns under all power means at once: how good is a set of policies for *any* welfare function?

.. math:: M_p(v) = \Bigl(\tfrac1n \sum_i v_i^p\Bigr)^{1/p}, \qquad
          \alpha(S) = \min_{p \in [-\infty, 1]} \frac{\max_{j \in S} M_p(V^j)}{\max_{l} M_p(V^l)}

A set S of policies is an α-approximate portfolio if, whatever p is held to be fair, it has a policy that is nearly best
for it (Kim et al. 2025, "Navigating the Social Welfare Frontier: Portfolios for Multi-objective Reinforcement
Learning"). There, one policy is chosen for everybody; :func:`best_portfolio` finds the best S of k rows exactly on a
grid of p, where the paper searches along p.

Where each agent is served by a policy of its own choice, all monotone welfare functions agree on who serves whom, but
not on the k: :func:`for_any_order` compares k policies with k that were chosen for each p.

Power means need values of 0 and more; a table with others has none.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int
from scipy import optimize, sparse

from policybudget import highs
from policybudget.errors import PolicyBudgetError, check_budget

GRID = np.concatenate([[-np.inf], 1.0 - np.geomspace(200.0, 0.01, 160), [1.0]])
"""Orders p from -inf to 1, closer together towards 1."""
FEW = (-np.inf, -10.0, -1.0, 0.0, 0.5, 1.0)
"""Orders that a table has room for."""


def power_means(
    values: Float[np.ndarray, "c n"], orders: Float[np.ndarray, " q"] = GRID, weights: np.ndarray | None = None
) -> Float[np.ndarray, "c q"]:
    """Power means of every row.

    Args:
        values: (c, n) of 0 and more.
        orders: (q,) each p, up to 1; -inf for the minimum.
        weights: (n,) of the columns; equal if None.

    Returns:
        (c, q) means.

    Raises:
        PolicyBudgetError: a value is negative or not finite, or an order is above 1.
    """
    table = np.asarray(values, np.float64)
    if not np.isfinite(table).all() or (table < 0).any():
        raise PolicyBudgetError(f"power means need values of 0 and more, got {np.min(table):g}")
    if (np.asarray(orders) > 1).any():
        raise PolicyBudgetError(f"orders of power means go up to 1, got {np.max(orders):g}")
    share = np.full(table.shape[1], 1 / table.shape[1]) if weights is None else np.asarray(weights) / np.sum(weights)
    least, found = table.min(axis=1), np.empty((len(table), len(orders)))
    with np.errstate(divide="ignore"):
        logs = np.log(table)
    for index, p in enumerate(orders):
        if np.isneginf(p):
            found[:, index] = least
        elif p <= 0:
            found[:, index] = np.where(least > 0, np.exp(_log_mean(logs, share, p)), 0.0)
        else:
            found[:, index] = np.where(table.max(axis=1) > 0, np.exp(_log_mean(logs, share, p)), 0.0)
    return found


def _log_mean(logs: Float[np.ndarray, "c n"], share: Float[np.ndarray, " n"], p: float) -> Float[np.ndarray, " c"]:
    """The log of the power mean, its largest term taken out; at small orders that of the geometric mean."""
    with np.errstate(invalid="ignore", over="ignore", divide="ignore"):
        if abs(p) < 1e-6:
            geometric: np.ndarray = logs @ share
            return geometric
        scaled = p * logs
        most = scaled.max(axis=1, keepdims=True)
        mean: np.ndarray = (most[:, 0] + np.log(np.exp(scaled - most) @ share)) / p
        return mean


@dataclass(frozen=True)
class Portfolio:
    """Rows of a table, and how good they are for any power mean.

    Attributes:
        chosen: the rows, ascending.
        orders: (q,) each p.
        factors: (q,) the best of the chosen over the best of all, for each p.
    """

    chosen: Int[np.ndarray, " k"]
    orders: Float[np.ndarray, " q"]
    factors: Float[np.ndarray, " q"]

    @property
    def factor(self) -> float:
        """α, over all p of the grid."""
        return float(self.factors.min())


def portfolio(
    values: Float[np.ndarray, "c n"], chosen: Int[np.ndarray, " k"], orders: Float[np.ndarray, " q"] = GRID
) -> Portfolio:
    """How good some rows are for any power mean, where one policy serves everybody.

    Args:
        values: (c, n) what each of c policies is worth to each of n agents, 0 or more.
        chosen: rows.
        orders: (q,) each p.
    """
    ratios = _ratios(values, orders)
    return Portfolio(np.sort(chosen), np.asarray(orders), ratios[chosen].max(axis=0))


def best_portfolio(values: Float[np.ndarray, "c n"], size: int, orders: Float[np.ndarray, " q"] = GRID) -> Portfolio:
    """The k rows that are best for any power mean, exactly on the grid of orders.

    Bisection on α over the ratios that occur; each step asks whether k rows reach α for every p, a set cover (solved
    by HiGHS).

    Args:
        values: (c, n) what each of c policies is worth to each of n agents, 0 or more.
        size: k.
        orders: (q,) each p.

    Raises:
        PolicyBudgetError: the size is not between 1 and the number of rows, or a value is negative.
    """
    check_budget(size, len(values), "policies")
    ratios = _ratios(values, orders)
    rows = np.flatnonzero((ratios >= ratios.max(axis=0) - 1e-12).any(axis=1) | (ratios.min(axis=1) > 0))
    levels = np.unique(ratios[rows])
    low, high, best = 0, len(levels) - 1, _cover(ratios[rows], levels[0], size)
    while low < high:
        middle = (low + high + 1) // 2
        if (found := _cover(ratios[rows], levels[middle], size)) is not None:
            low, best = middle, found
        else:
            high = middle - 1
    assert best is not None  # the smallest ratio is reached by any row
    return portfolio(values, rows[best], orders)


def best_for(
    values: Float[np.ndarray, "c n"], start: Int[np.ndarray, " k"], order: float, weights: np.ndarray | None = None
) -> Int[np.ndarray, " k"]:
    """k rows for one power mean, where every agent is served by the best of them for it.

    Rows are exchanged one at a time as long as the power mean rises: a local optimum, never worse than the start.

    Args:
        values: (c, n) what each of c policies is worth to each of n agents, 0 or more.
        start: the k rows to begin with.
        order: p.
        weights: (n,) how many people agents stand for; None for one each.

    Returns:
        The rows, ascending.
    """
    chosen, orders, at, since = np.array(start), np.array([order]), 0, 0
    most = power_means(values[chosen].max(axis=0)[None], orders, weights)[0, 0]
    while since < len(chosen):
        others = values[np.delete(chosen, at)].max(axis=0, initial=0.0)
        worth = power_means(np.maximum(values, others), orders, weights)[:, 0]
        since += 1
        if worth.max() > most * (1 + 1e-9):
            chosen[at], most, since = int(worth.argmax()), worth.max(), 0
        at = (at + 1) % len(chosen)
    found: Int[np.ndarray, " k"] = np.sort(chosen)
    return found


def for_any_order(
    choose: Float[np.ndarray, "c n"],
    judge: Float[np.ndarray, "c n"],
    chosen: Int[np.ndarray, " k"],
    orders: tuple[float, ...] = FEW,
    weights: np.ndarray | None = None,
) -> Float[np.ndarray, " q"] | None:
    """How good k rows are for each power mean, beside k rows that were chosen for it.

    Args:
        choose: (c, n) mean returns by which rows are chosen for each order.
        judge: (c, n) mean returns in other episodes, which the ratios are of.
        chosen: the k rows.
        orders: (q,) each p.
        weights: (n,) how many people agents stand for; None for one each.

    Returns:
        (q,) ratios, about 1 or less; None where a return is negative, of which there are no power means.
    """
    if choose.min() < 0 or judge.min() < 0:
        return None
    ratios = []
    for order in orders:
        rows = best_for(choose, chosen, order, weights)
        both = np.stack([judge[chosen].max(axis=0), judge[rows].max(axis=0)])
        got, most = power_means(both, np.array([order]), weights)[:, 0]
        ratios.append(got / most if most > 0 else 1.0)
    return np.array(ratios)


def _ratios(values: Float[np.ndarray, "c n"], orders: Float[np.ndarray, " q"]) -> Float[np.ndarray, "c q"]:
    means = power_means(values, np.asarray(orders))
    most = means.max(axis=0)
    ratios: Float[np.ndarray, "c q"] = np.divide(means, most, out=np.ones_like(means), where=most > 0)
    return ratios


def _cover(ratios: Float[np.ndarray, "c q"], level: float, size: int) -> Int[np.ndarray, " k"] | None:
    """At most k rows of which one reaches the level in each column, if there are such."""
    reach = (ratios >= level).T.astype(float)
    each = np.ones(reach.shape[1])
    covered = optimize.LinearConstraint(sparse.csr_array(reach), lb=1.0)
    with highs.quiet():
        solved = optimize.milp(each, integrality=each, bounds=optimize.Bounds(0, 1), constraints=covered)
    if solved.x is None or round(solved.fun) > size:
        return None
    found: np.ndarray = np.flatnonzero(solved.x > 0.5)
    return found
