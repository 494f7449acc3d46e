"""Coverage as a function of the radius or of the budget: how many prototypes are worth having, and how wide."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from policybudget.covers.cover import Cover, Request
from policybudget.covers.greedy_intersection import greedy_intersection
from policybudget.errors import PolicyBudgetError


def by_radius(
    tasks: np.ndarray | Sequence[Any],
    budget: int,
    radii: Sequence[float],
    method: str = "greedy-intersection",
    seed: int = 0,
    standardise: bool = False,
) -> Iterator[Cover]:
    """:func:`~policybudget.covers.cover.cover` for several radii, each computed when it is asked for.

    Args:
        tasks: (n, d), a row of parameters per task.
        budget: K, from 1 to n.
        radii: how far a task may be from its prototype in any parameter, in the unit of the table.
        method: one of ``METHODS``.
        seed: of local-search, gradient and the clusterings.
        standardise: divide each column by its standard deviation; radii are then in standard deviations.

    Returns:
        The covers, one for each radius.

    Raises:
        PolicyBudgetError: an argument does not fit, before the first is computed.
    """
    if not len(radii):
        raise PolicyBudgetError("radii must be one number at least, got none")
    requests = [Request.checked(tasks, budget, radius, method, seed, standardise) for radius in radii]
    return (request.cover_of(*request.solved()) for request in requests)


def by_budget(
    tasks: np.ndarray | Sequence[Any],
    budgets: Sequence[int],
    radius: float,
    method: str = "greedy-intersection",
    seed: int = 0,
    standardise: bool = False,
) -> Iterator[Cover]:
    """:func:`~policybudget.covers.cover.cover` for several budgets, each computed when it is asked for.

    The rounds of greedy-intersection are those of the largest budget, computed once.

    Args:
        tasks: (n, d), a row of parameters per task.
        budgets: K, each from 1 to n.
        radius: how far a task may be from its prototype in any parameter, in the unit of the table.
        method: one of ``METHODS``.
        seed: of local-search, gradient and the clusterings.
        standardise: divide each column by its standard deviation; the radius is then in standard deviations.

    Returns:
        The covers, one for each budget.

    Raises:
        PolicyBudgetError: an argument does not fit, before the first is computed.
    """
    if not len(budgets):
        raise PolicyBudgetError("budgets must be one number at least, got none")
    requests = [Request.checked(tasks, budget, radius, method, seed, standardise) for budget in budgets]
    if method != "greedy-intersection":
        return (request.cover_of(*request.solved()) for request in requests)
    return _of_rounds(requests)


def _of_rounds(requests: Sequence[Request]) -> Iterator[Cover]:
    rounds = greedy_intersection(requests[0].space(), max(request.budget for request in requests))
    for request in requests:
        bound = rounds.bound(request.budget, len(request.tasks))
        yield request.cover_of(rounds.centres[: request.budget], bound)
