r"""The best k of a finite set of policies, for n agents who are each served by the best of the k.

.. math:: \max_{|S| \le k} W(S), \qquad W(S) = \sum_i w_i \max\bigl(o^i, \max_{j \in S} V_{ji}\bigr) / \sum_i w_i

with weights w and outside options o. This is the k-median problem: NP-hard in general, usually easy in practice.

* ``greedy``: add the policy that gains most, then exchange (:mod:`policybudget.selection.greedy`); gives a bound.
* ``exact``: cutting planes (:mod:`policybudget.selection.cutting_planes`) until bound and welfare meet.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int

from policybudget.errors import PolicyBudgetError, check_budget, check_choice
from policybudget.selection.cutting_planes import Relaxation, best
from policybudget.selection.greedy import TOLERANCE, Gains, greedy, undominated

METHODS = ("auto", "exact", "greedy")
AUTO_LIMIT = 100_000
"""``auto`` is exact up to this many values (policies x agents): seconds, at times half a minute, on one core."""
EXACT_LIMIT = 2_000_000
"""``exact`` refuses more values than this. Half a million took up to two minutes; so many have not been tried."""


@dataclass(frozen=True)
class Selection:
    """A choice of at most k policies, and how good it is.

    Attributes:
        chosen: rows of the value table, ascending; those that serve no agent are left out.
        labels: (n,) position in ``chosen`` of who serves each agent; -1 where the outside option is better than all.
        welfare: weighted mean of the agents' utilities.
        bound: no choice of k policies has a higher welfare; equal to ``welfare`` where the choice is proved best.
        method: exact or greedy.
    """

    chosen: Int[np.ndarray, " chosen"]
    labels: Int[np.ndarray, " n"]
    welfare: float
    bound: float
    method: str


def best_subset(
    values: np.ndarray,
    budget: int,
    weights: np.ndarray | None = None,
    outside: np.ndarray | None = None,
    method: str = "auto",
) -> Selection:
    """At most k rows of a value table that are worth most.

    Args:
        values: (p, n) value of each candidate policy to each agent.
        budget: k, from 1 to p.
        weights: (n,) of the agents, not negative; equal if None.
        outside: (n,) what each agent has without any policy, -inf for nothing; None if that is so for all.
        method: exact, greedy, or auto: exact up to ``AUTO_LIMIT`` values.

    Returns:
        The choice, with a bound on the welfare of any choice.

    Raises:
        PolicyBudgetError: an argument does not fit, or the table is too large for ``exact``.
    """
    return next(best_subsets(values, (budget,), weights, outside, method))


def best_subsets(
    values: np.ndarray,
    budgets: Iterable[int],
    weights: np.ndarray | None = None,
    outside: np.ndarray | None = None,
    method: str = "auto",
) -> Iterator[Selection]:
    """:func:`best_subset` for several budgets; each is computed when it is asked for.

    Args:
        values: (p, n) value of each candidate policy to each agent.
        budgets: each k, from 1 to p.
        weights: (n,) of the agents, not negative; equal if None.
        outside: (n,) what each agent has without any policy, -inf for nothing; None if that is so for all.
        method: exact, greedy, or auto: exact up to ``AUTO_LIMIT`` values.

    Returns:
        The choices, budget by budget.

    Raises:
        PolicyBudgetError: an argument does not fit, before the first is computed.
    """
    values = np.asarray(values, np.float64)
    if values.ndim != 2 or 0 in values.shape or not np.isfinite(values).all():
        raise PolicyBudgetError(
            f"values must be a table (policies, agents) of finite numbers, got shape {values.shape}"
        )
    agents, budgets = values.shape[1], tuple(budgets)
    shares = normalised_weights(weights, agents)
    options = np.full(agents, -np.inf) if outside is None else np.asarray(outside, np.float64)
    if options.shape != (agents,) or not (options < np.inf).all():
        raise PolicyBudgetError(f"outside must be {agents} numbers, one per agent, or -inf, got {_shown(options)}")
    for budget in budgets:
        check_budget(budget, len(values), "policies")
    check_choice("method", method, METHODS)
    if method == "exact" and values.size > EXACT_LIMIT:
        raise PolicyBudgetError(
            f"method exact takes at most {EXACT_LIMIT} values (policies x agents), got {values.size}; "
            "use greedy or auto"
        )
    exact = method == "exact" or (method == "auto" and values.size <= AUTO_LIMIT)
    return _selections(values, budgets, shares, options, exact)


def normalised_weights(weights: np.ndarray | None, agents: int) -> Float[np.ndarray, " n"]:
    """Weights of n agents that sum to one.

    Args:
        weights: (n,) not negative; None for equal ones.
        agents: n.

    Returns:
        (n,) weights that sum to 1.

    Raises:
        PolicyBudgetError: they are not n numbers, negative, or all zero.
    """
    if weights is None:
        return np.full(agents, 1.0 / agents)
    given = np.asarray(weights, np.float64)
    if given.shape != (agents,) or not np.isfinite(given).all() or (given < 0).any() or given.sum() <= 0:
        raise PolicyBudgetError(
            f"weights must be {agents} numbers, one per agent, none negative and not all zero, got {_shown(given)}"
        )
    normalised: np.ndarray = given / given.sum()
    return normalised


def _shown(given: np.ndarray) -> str:
    return str(given.tolist()) if given.size <= 8 else f"an array of shape {given.shape}"


def _selections(
    values: np.ndarray, budgets: tuple[int, ...], shares: np.ndarray, outside: np.ndarray, exact: bool
) -> Iterator[Selection]:
    baseline = np.maximum(outside, values.min(axis=0))  # what agents have with any choice
    unit = shares.max()  # equal weights leave a table of whole numbers as it is
    table = np.maximum(values - baseline, 0.0) * (shares / unit)
    table = table[:, table.max(axis=0) > 0]
    gains = Gains(table, np.arange(len(values)))
    if exact:
        rows = undominated(table)
        gains = Gains(table[rows], rows)
    relaxation = Relaxation(gains) if exact else None
    for budget in budgets:
        chosen, bound = greedy(gains, min(budget, len(gains.rows)))
        if relaxation and bound > gains.worth(chosen) + TOLERANCE * gains.most:
            chosen, bound = best(relaxation, budget, chosen, bound)
        rest = bound - gains.worth(chosen)
        yield _selection(
            values, gains.rows[chosen], shares, outside,
            rest * unit if rest > TOLERANCE * gains.most else 0.0, "exact" if exact else "greedy",
        )  # fmt: skip


def _selection(
    values: np.ndarray, rows: np.ndarray, shares: np.ndarray, outside: np.ndarray, rest: float, method: str
) -> Selection:
    """Who is served by whom; ``rest`` is what the bound lies above the welfare."""
    rows = np.sort(rows)
    labels = values[rows].argmax(axis=0)
    utilities = values[rows].max(axis=0)
    labels = np.where(utilities >= outside, labels, -1)
    used = np.unique(labels[labels >= 0])
    labels = np.where(labels >= 0, np.searchsorted(used, labels), -1)
    welfare = float(np.maximum(utilities, outside) @ shares)
    return Selection(rows[used], labels, welfare, welfare + rest, method)
