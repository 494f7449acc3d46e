r"""The best K boxes exactly: a dynamic programme on a line, an integer programme elsewhere.

.. math::
    \max \sum_i n_i z_i, \quad z_i \le \sum_{b \ni i} y_b, \quad \sum_b y_b \le K, \quad y_b \in \{0, 1\}, \; z_i \le 1

over the sets b of tasks that one box covers and no other box covers with more (the candidates), and points i that stand
for :math:`n_i` tasks. This is maximum coverage: NP-hard if K is part of the input, usually easy for boxes.

On a line the candidates are windows, and with s(j) the first point of the last window that ends before j,
:math:`C_k(j) = \max(C_k(j-1), C_{k-1}(s(j)) + m(j))` is the most that k windows cover of the first j points.

Candidates are found axis by axis: the maximal sets over the first axes are cut into windows on the next one, and sets
to which a task could be added are dropped.
"""

from __future__ import annotations

import numpy as np
from jaxtyping import Bool, Float, Int
from scipy import sparse
from scipy.optimize import Bounds, LinearConstraint, milp

from policybudget import highs
from policybudget.covers.boxes import Space, centre, windows
from policybudget.errors import PolicyBudgetError

CANDIDATES = 20_000
"""More candidate boxes than this are refused. 8 500 of 200 tasks took eight seconds; so many have not been tried."""
FOUND = 10 * CANDIDATES
"""Sets on the way to them, before those that are not maximal are dropped."""
BLOCK = 1 << 22


def exact(space: Space, budget: int) -> tuple[Float[np.ndarray, "c d"], float]:
    """Centres of at most K boxes that cover most, and a bound on the share that any K cover.

    Args:
        space: the tasks.
        budget: K.

    Returns:
        Centres (c, d) in the units of ``space``, and the bound, from 0 to 1.

    Raises:
        PolicyBudgetError: there are too many candidates, or the solver gave up.
    """
    if space.points.shape[1] == 1:
        chosen = _on_a_line(space, budget)
        bound = sum(int(space.counts[taken].sum()) for taken in chosen)
    else:
        sets = candidates(space)
        picked, bound = _programme(sets, space.counts, budget)
        chosen = [np.flatnonzero(row) for row in sets[picked]]
    return np.array([centre(space.points[taken]) for taken in chosen]), bound / space.tasks


def _on_a_line(space: Space, budget: int) -> list[Int[np.ndarray, " m"]]:
    """At most K windows that share no point, from left to right."""
    values, points = space.points[:, 0], len(space.points)
    start = np.searchsorted(values + space.width[0], values, side="left")  # of the window that ends with each point
    mass = np.append(0, np.cumsum(space.counts))
    mass = mass[1:] - mass[start]
    table = np.zeros((budget + 1, points + 1), np.int64)
    for k in range(1, budget + 1):
        table[k, 1:] = np.maximum.accumulate(table[k - 1][start] + mass)
        if table[k, -1] == space.tasks:
            table = table[: k + 1]
            break
    chosen, end, k = list[np.ndarray](), points, len(table) - 1
    while k > 0 and end > 0:
        if table[k, end] == table[k, end - 1]:
            end -= 1
            continue
        chosen.append(np.arange(start[end - 1], end))
        end, k = int(start[end - 1]), k - 1
    return chosen[::-1]


def candidates(space: Space) -> Bool[np.ndarray, "b p"]:
    """The sets of points that a box covers and no box covers with more, in a fixed order.

    Args:
        space: the tasks.

    Returns:
        (b, p) whether each set has each point.

    Raises:
        PolicyBudgetError: there are more than ``CANDIDATES``.
    """
    sets = np.ones((1, len(space.points)), bool)
    for axis in range(space.points.shape[1]):
        found = list[np.ndarray]()
        for row in sets:
            taken = np.flatnonzero(row)
            line = windows(space.points[taken, axis], np.ones(len(taken), int), float(space.width[axis]))
            for window in range(len(line.first)):
                one = np.zeros(len(row), bool)
                one[taken[line.points(window)]] = True
                found.append(np.packbits(one))
            if len(found) > FOUND:
                raise _too_many(space)
        packed = np.unique(np.array(found), axis=0)
        sets = _maximal(space, np.unpackbits(packed, axis=1, count=len(space.points)).astype(bool), axis + 1)
    if len(sets) > CANDIDATES:
        raise _too_many(space)
    return sets


def _maximal(space: Space, sets: Bool[np.ndarray, "b p"], axes: int) -> Bool[np.ndarray, "m p"]:
    """Sets to which no point can be added, as far as the first axes tell."""
    kept = np.ones(len(sets), bool)
    step = max(1, BLOCK // len(space.points))
    for begin in range(0, len(sets), step):
        block = sets[begin : begin + step]
        fits = ~block
        for axis in range(axes):
            line = space.points[:, axis]
            least = np.where(block, line, np.inf).min(axis=1, keepdims=True)
            most = np.where(block, line, -np.inf).max(axis=1, keepdims=True)
            fits &= np.maximum(most, line) <= np.minimum(least, line) + space.width[axis]
        kept[begin : begin + step] = ~fits.any(axis=1)
    return sets[kept]


def _too_many(space: Space) -> PolicyBudgetError:
    points, axes = space.points.shape
    return PolicyBudgetError(
        f"method exact takes at most {CANDIDATES} boxes that no other contains, got more for {points} distinct tasks "
        f"and {axes} columns; use greedy-intersection, which has a bound, a smaller radius or fewer columns"
    )


def _programme(
    sets: Bool[np.ndarray, "b p"], counts: Int[np.ndarray, " p"], budget: int
) -> tuple[Int[np.ndarray, " c"], int]:
    """Rows of the best K sets, and how many tasks no K sets exceed."""
    kinds, owner = np.unique(np.packbits(sets, axis=0), axis=1, return_inverse=True)  # points in the same sets are one
    weights = np.bincount(owner.ravel(), counts)
    kinds = np.unpackbits(kinds, axis=0, count=len(sets))
    boxes, points = kinds.shape
    cover = sparse.hstack([sparse.csr_matrix(-kinds.T.astype(float)), sparse.eye(points)])
    budgeted = sparse.csr_matrix(np.append(np.ones(boxes), np.zeros(points)))
    limits = np.append(np.zeros(points), budget)
    with highs.quiet():
        solved = milp(
            np.append(np.zeros(boxes), -weights),
            integrality=np.append(np.ones(boxes), np.zeros(points)),
            bounds=Bounds(0, 1),
            constraints=LinearConstraint(sparse.vstack([cover, budgeted]).tocsc(), -np.inf, limits),
            options={"mip_rel_gap": 0.0},
        )
    if solved.x is None:
        raise PolicyBudgetError(f"method exact found no cover: {solved.message}; use greedy-intersection")
    chosen = np.flatnonzero(solved.x[:boxes] > 0.5)
    found = int(counts[sets[chosen].any(axis=0)].sum())
    return chosen, max(found, int(np.floor(-solved.mip_dual_bound + 1e-6)))
