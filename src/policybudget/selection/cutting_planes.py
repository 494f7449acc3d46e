r"""The best k of q candidates exactly: cutting planes for the k-median problem, then branch and bound.

.. math::
    \max \sum_i \theta_i, \quad \theta_i \le \ell + \sum_j (G_{ji} - \ell)^+ y_j \;\; \forall \ell, \quad
    \sum_j y_j \le k, \quad y_j \in \{0, 1\}

where G is what candidate j gains agent i. A cut for each agent and each level :math:`\ell` that occurs among the gains
describes the problem (Nemhauser & Wolsey 1981); few of them matter, and the one that a solution y violates most is
found by sorting (Duran-Mateluna, Ales & Elloumi 2023, "An efficient Benders decomposition for the p-median problem").
The programmes have q + u variables instead of the q u of the textbook formulation, at the same strength.

1. Solve the linear relaxation, adding cuts.
2. Its dual gives prices c for the Lagrangian bound :math:`\sum_i c_i + \max_{|S| \le k} \sum_{j \in S} \rho_j` with
   :math:`\rho_j = \sum_i (G_{ji} - c_i)^+` (Cornuéjols, Fisher & Nemhauser 1977). It holds for any prices, so that no
   tolerance of the solver enters. Candidates with which the bound does not exceed the best set known are out.
3. What is left is enumerated (k = 2) or goes to HiGHS with no gap allowed, until no cut is violated. Here alone the
   proof rests on the solver's feasibility tolerance (1e-6).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from jaxtyping import Float, Int
from scipy import sparse
from scipy.optimize import Bounds, LinearConstraint, linprog, milp

from policybudget import highs
from policybudget.selection.greedy import TOLERANCE, Gains, exchanges

RESTARTS = 20
SCALE = 4096.0
"""Least total gain of the scaled programmes: the tolerances of HiGHS are absolute (1e-6)."""


@dataclass(frozen=True)
class Cuts:
    """Cuts of the programme.

    Attributes:
        agents: (c,) the agent of each cut.
        levels: (c,) the level of each cut, in the unit of the gains.
    """

    agents: Int[np.ndarray, " c"] = field(default_factory=lambda: np.zeros(0, int))
    levels: Float[np.ndarray, " c"] = field(default_factory=lambda: np.zeros(0))

    def with_levels(self, levels: Float[np.ndarray, " u"]) -> Cuts:
        """A cut more for every agent, unless it is there already.

        Args:
            levels: (u,) of the new cuts, one per agent.

        Returns:
            The old cuts and the new.
        """
        pairs = np.stack([np.append(self.agents, np.arange(len(levels))), np.append(self.levels, levels)])
        agents, values = np.unique(pairs, axis=1)
        return Cuts(agents.astype(int), values)


class Relaxation:
    """Gains as the cuts see them: scaled, and sorted for each agent.

    Args:
        gains: of the candidates.
    """

    def __init__(self, gains: Gains) -> None:
        self.factor = 2.0 ** np.ceil(np.log2(SCALE / max(gains.most, 1e-300)))
        self.table = gains.table * self.factor  # a power of two: whole numbers stay such
        self.order = np.argsort(-self.table, axis=0)
        self.tolerance = TOLERANCE * gains.most * self.factor

    def worth(self, chosen: Int[np.ndarray, " k"]) -> float:
        """Total gain of a set of candidates, scaled.

        Args:
            chosen: their indices.

        Returns:
            The sum over the agents of the best gain in the set.
        """
        return float(self.table[chosen].max(axis=0, initial=0.0).sum())

    def levels(self, shares: Float[np.ndarray, " q"]) -> Float[np.ndarray, " u"]:
        """The level of each agent's tightest cut at a point y.

        It is where the shares of the agent's best candidates add up to 1.

        Args:
            shares: (q,) y, how much of each candidate is chosen.

        Returns:
            (u,) levels, scaled.
        """
        running = np.cumsum(shares[self.order], axis=0)
        rank = (running < 1 - 1e-9).sum(axis=0)
        agents = np.arange(self.table.shape[1])
        found = self.table[self.order[np.minimum(rank, len(shares) - 1), agents], agents]
        levels: np.ndarray = np.where(rank < len(shares), found, 0.0)
        return levels

    def programme(self, rows: Int[np.ndarray, " r"], cuts: Cuts, budget: int) -> tuple[Any, Any, Any]:
        """The linear programme over (y of the rows, theta), to be minimised.

        Args:
            rows: (r,) the candidates that are still in.
            cuts: that theta is under.
            budget: k.

        Returns:
            Cost, matrix and right-hand sides.
        """
        table, count = self.table[rows], len(cuts.agents)
        steps = np.maximum(table[:, cuts.agents] - cuts.levels, 0.0).T
        mine = sparse.csr_matrix((np.ones(count), (np.arange(count), cuts.agents)), shape=(count, table.shape[1]))
        budgeted = np.append(np.ones(len(rows)), np.zeros(table.shape[1]))
        matrix = sparse.vstack([sparse.hstack([sparse.csr_matrix(-steps), mine]), sparse.csr_matrix(budgeted)])
        return budgeted - 1.0, matrix.tocsr(), np.append(cuts.levels, budget)


@dataclass(frozen=True)
class Relaxed:
    """The linear relaxation at its optimum.

    Attributes:
        cuts: that were added.
        shares: (q,) y.
        bound: no k candidates are worth more, scaled.
        bound_with: (q,) no k candidates with this one among them are worth more.
        prices: (u,) of the Lagrangian bound.
    """

    cuts: Cuts
    shares: Float[np.ndarray, " q"]
    bound: float
    bound_with: Float[np.ndarray, " q"]
    prices: Float[np.ndarray, " u"]


def best(
    relaxation: Relaxation, budget: int, chosen: Int[np.ndarray, " k"], bound: float
) -> tuple[Int[np.ndarray, " k"], float]:
    """The best k candidates, and the bound that proves it.

    Args:
        relaxation: of the gains.
        budget: k.
        chosen: a set to begin with.
        bound: no k candidates are known to be worth more, in the unit of the gains.

    Returns:
        The candidates, and the bound in the unit of the gains.
    """
    worth = relaxation.worth(chosen)
    relaxed = relax(relaxation, budget, chosen)
    bound = min(bound * relaxation.factor, relaxed.bound)
    if bound > worth + relaxation.tolerance:
        chosen = _restarted(relaxation, budget, relaxed, chosen)
        worth = relaxation.worth(chosen)
    rows = np.flatnonzero(relaxed.bound_with > worth + relaxation.tolerance)
    if bound <= worth + relaxation.tolerance or len(rows) < budget:
        return chosen, max(worth, min(bound, worth + relaxation.tolerance)) / relaxation.factor
    if budget == 2:
        chosen = _best_pair(relaxation, rows, relaxed.prices, chosen)
        return chosen, relaxation.worth(chosen) / relaxation.factor
    chosen, bound = _branch_and_bound(relaxation, budget, rows, relaxed, chosen, bound)
    return chosen, bound / relaxation.factor


def relax(relaxation: Relaxation, budget: int, chosen: Int[np.ndarray, " k"]) -> Relaxed:
    """Step 1 and 2: the linear relaxation and its Lagrangian bound.

    Args:
        relaxation: of the gains.
        budget: k.
        chosen: a good set; the first cuts are taken at it and around it.

    Returns:
        The relaxation at its optimum, or with the bounds so far if they are good enough or the solver gives up.
    """
    table = relaxation.table
    candidates, agents = table.shape
    worth, everything = relaxation.worth(chosen), np.arange(candidates)
    uniform, corner = np.full(candidates, min(1.0, budget / candidates)), np.zeros(candidates)
    corner[chosen] = 1.0
    centre = (uniform + corner) / 2  # cuts at the middle of what was seen keep the solutions from jumping about
    cuts = Cuts()
    for point in (corner, uniform, centre):
        cuts = cuts.with_levels(relaxation.levels(point))
    most = table.max(axis=0).sum()
    found = Relaxed(cuts, uniform, most, np.full(candidates, most), np.zeros(agents))
    limits = np.append(np.zeros((candidates + agents, 1)), np.ones((candidates + agents, 1)), axis=1)
    limits[candidates:, 1] = np.inf
    while True:
        cost, matrix, sides = relaxation.programme(everything, cuts, budget)
        with highs.quiet():
            solved = linprog(cost, A_ub=matrix, b_ub=sides, bounds=limits, method="highs")
        if solved.status != 0:  # the bounds so far hold
            return found
        prices = np.bincount(cuts.agents, np.maximum(-solved.ineqlin.marginals[:-1], 0.0) * cuts.levels, agents)
        shares = np.clip(solved.x[:candidates], 0.0, 1.0)
        bound, bound_with = _lagrangian(table, prices, budget)
        if bound < found.bound:
            found = Relaxed(cuts, shares, bound, bound_with, prices)
        centre = (centre + shares) / 2
        more = cuts.with_levels(relaxation.levels(shares)).with_levels(relaxation.levels(centre))
        exceeds = solved.x[candidates:] - _served(relaxation, shares)
        if (
            len(more.agents) == len(cuts.agents)
            or exceeds.max() <= 1e-7 * table.max()
            or found.bound <= worth + relaxation.tolerance
        ):
            return found
        cuts = more


def _served(relaxation: Relaxation, shares: np.ndarray) -> Float[np.ndarray, " u"]:
    """What y is worth to each agent: theta under all cuts."""
    levels = relaxation.levels(shares)
    served: np.ndarray = levels + shares @ np.maximum(relaxation.table - levels, 0.0)
    return served


def _lagrangian(table: np.ndarray, prices: np.ndarray, budget: int) -> tuple[float, Float[np.ndarray, " q"]]:
    """The bound on any k, and on any k with a given candidate."""
    profits = np.maximum(table - prices, 0.0).sum(axis=1)
    ranked = np.sort(profits)[::-1]
    bound = float(prices.sum() + ranked[:budget].sum())
    return bound, np.minimum(bound, prices.sum() + profits + ranked[: budget - 1].sum())


def _restarted(relaxation: Relaxation, budget: int, relaxed: Relaxed, chosen: np.ndarray) -> np.ndarray:
    """Exchanges from random sets of the candidates that the relaxation uses."""
    support = np.flatnonzero(relaxed.shares > 1e-9)
    if len(support) <= budget:
        return chosen
    draws, part = np.random.default_rng(0), relaxation.table[support]
    starts = [draws.choice(len(support), budget, replace=False) for _ in range(RESTARTS)]
    ends = [support[exchanges(part, start)] for start in starts]
    end = exchanges(relaxation.table, max(ends, key=relaxation.worth))
    return max(chosen, end, key=relaxation.worth)


def _best_pair(relaxation: Relaxation, rows: np.ndarray, prices: np.ndarray, chosen: np.ndarray) -> np.ndarray:
    """All pairs, but those that the Lagrangian bound rules out."""
    table, worth = relaxation.table[rows], relaxation.worth(chosen)
    profits = np.maximum(table - prices, 0.0).sum(axis=1)
    order = np.argsort(-profits)
    table, profits, rows = table[order], profits[order], rows[order]
    for first in range(len(rows) - 1):
        promising = profits[first] + profits[first + 1 :] + prices.sum() > worth + relaxation.tolerance
        last = first + 1 + int(promising.sum())  # profits fall
        if last == first + 1:
            break
        totals = np.maximum(table[first], table[first + 1 : last]).sum(axis=1)
        if totals.max() > worth:
            worth, chosen = float(totals.max()), rows[[first, first + 1 + int(totals.argmax())]]
    return chosen


def _branch_and_bound(
    relaxation: Relaxation, budget: int, rows: np.ndarray, relaxed: Relaxed, chosen: np.ndarray, bound: float
) -> tuple[np.ndarray, float]:
    """Step 3: HiGHS over the candidates that are left, until its solution violates no cut."""
    agents, cuts = relaxation.table.shape[1], relaxed.cuts
    whole = np.append(np.ones(len(rows)), np.zeros(agents))
    limits = Bounds(np.zeros(len(whole)), np.where(whole > 0, 1.0, np.inf))
    while bound > relaxation.worth(chosen) + relaxation.tolerance:
        cost, matrix, sides = relaxation.programme(rows, cuts, budget)
        with highs.quiet():
            solved = milp(
                cost, integrality=whole, bounds=limits, constraints=LinearConstraint(matrix, -np.inf, sides),
                options={"mip_rel_gap": 0.0},
            )  # fmt: skip
        if solved.status != 0:  # the bound so far holds
            break
        point = np.zeros(len(relaxation.table))
        point[rows] = solved.x[: len(rows)] > 0.5
        found = exchanges(relaxation.table, np.flatnonzero(point))
        chosen = max(chosen, found, key=relaxation.worth)
        bound = min(bound, max(relaxation.worth(chosen), -solved.mip_dual_bound))
        more = cuts.with_levels(relaxation.levels(point)).with_levels(relaxation.levels((point + relaxed.shares) / 2))
        if len(more.agents) == len(cuts.agents):
            break
        cuts = more
    return chosen, bound
