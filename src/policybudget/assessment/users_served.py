"""What every user gets from a budget of policies, and what else was on offer."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from policybudget.assessment.evaluate import Evaluation
from policybudget.population import Population

NONE = "none"


class Row(NamedTuple):
    """A policy in the table of returns.

    Attributes:
        name: for people.
        returns: (n) mean returns to the users.
    """

    name: str
    returns: np.ndarray


@dataclass(frozen=True)
class Served:
    """A user.

    Attributes:
        user: the name.
        policy: that serves the user, the most likely one; ``none`` for the option outside.
        probability: of it, in the assignment.
        gets: the expected return: of the policies, and of the option outside for the rest.
        ci95: half-width of its 95 % interval; None for a single episode.
        outside: what the user has without any policy; None if that is not known.
        next_best: the best of all other policies in the table; None if there is no other.
        by: how much better than that one the user is off.
    """

    user: str
    policy: str
    probability: float
    gets: float
    ci95: float | None
    outside: float | None
    next_best: str | None
    by: float | None


def served(
    population: Population, assignment: np.ndarray, found: Evaluation, table: Sequence[Row]
) -> tuple[Served, ...]:
    """Every user in turn.

    Args:
        population: the n users.
        assignment: (k, n) α.
        found: of the k policies.
        table: all policies on offer; the first k are those of the assignment.

    Returns:
        n of them.
    """
    alpha = np.asarray(assignment, np.float64)
    left = np.maximum(1.0 - alpha.sum(axis=0), 0.0)
    outside = np.full(alpha.shape[1], -np.inf) if population.outside is None else np.asarray(population.outside, float)
    counts = (left > 1e-6) & np.isfinite(outside)
    gets = (alpha * found.matrix).sum(axis=0) + left * np.where(counts, outside, 0.0)
    spread = np.sqrt(((alpha * np.where(alpha > 0, found.ci95, 0.0)) ** 2).sum(axis=0))
    offers, each = np.stack([row.returns for row in table]), list[Served]()
    for i, name in enumerate(population.names):
        own = int(alpha[:, i].argmax()) if alpha[:, i].max() >= left[i] else None
        others = [j for j in range(len(offers)) if j != own]
        best = others[int(np.argmax(offers[others, i]))] if others else None
        one = Served(
            user=name,
            policy=NONE if own is None else str(own),
            probability=float(left[i] if own is None else alpha[own, i]),
            gets=float(gets[i]),
            ci95=float(spread[i]) if np.isfinite(spread[i]) else None,
            outside=float(outside[i]) if np.isfinite(outside[i]) else None,
            next_best=None if best is None else table[best].name,
            by=None if best is None else float(gets[i] - offers[best, i]),
        )
        each.append(one)
    return tuple(each)
