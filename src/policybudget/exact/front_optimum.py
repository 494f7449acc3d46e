"""The best k of the policies in a file, for the users in another (:mod:`policybudget.selection.subset`)."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from policybudget.errors import PolicyBudgetError, check_choice
from policybudget.exact.front import Front, read_front
from policybudget.exact.optima import Listener, Optima, checked, silent
from policybudget.population import Population
from policybudget.selection.subset import METHODS, Selection, best_subsets
from policybudget.users import read_users

MOST_VALUES = 50_000_000
"""Largest p x n."""


@dataclass(frozen=True, eq=False)
class FrontOptima(Optima):
    """The best k policies of a file for each of some budgets.

    Attributes:
        files: paths of the policies and of the users.
        front: the p policies.
        users: the n users.
        asked: the budgets.
        best: per budget, which policies are chosen and for whom.
    """

    files: tuple[Path, Path]
    front: Front
    users: Population
    asked: tuple[int, ...]
    best: tuple[Selection, ...]

    @property
    def budgets(self) -> tuple[int, ...]:
        """The budgets k."""
        return self.asked

    @property
    def welfare(self) -> tuple[float, ...]:
        """Per budget, the weighted mean over the users."""
        return tuple(found.welfare for found in self.best)

    @property
    def bounds(self) -> tuple[float, ...]:
        """Per budget, a welfare above which nothing is possible."""
        return tuple(found.bound for found in self.best)

    @property
    def word(self) -> str:
        """It may not be the best."""
        return "welfare"

    @property
    def unit(self) -> str:
        """A mean, weighted where users have weights."""
        return f"welfare ({'weighted ' * (self.users.agent_weights is not None)}mean over users)"

    @property
    def values(self) -> int:
        """p x n, the size of the table that the choice is made from."""
        return len(self.front.returns) * self.users.size

    def about(self) -> dict[str, Any]:
        """The two files."""
        policies, users = self.files
        return {"front": str(policies), "population": str(users)}

    def entries(self) -> list[dict[str, Any]]:
        """Per budget, the policies, who is served by which, and what is proved."""
        return [
            {
                "budget": budget,
                "method": found.method,
                "welfare": found.welfare,
                "bound": found.bound,
                "policies": self._policies(found),
                "outside": int((found.labels < 0).sum()),
                "labels": found.labels.tolist(),
            }
            for budget, found in zip(self.asked, self.best, strict=True)
        ]

    def policies(self) -> list[dict[str, Any]]:
        """The chosen rows of the file, for the first budget."""
        return self._policies(self.best[0])

    def remarks(self) -> list[str]:
        """What is proved, and who is left to an option outside."""
        found, outside = self.best[0], int((self.best[0].labels < 0).sum())
        proved = "no choice is better" if found.method == "exact" else f"no choice is above {found.bound:.2f}"
        return [f"method {found.method}: {proved}", *([f"{outside} users have more outside"] if outside else [])]

    def _policies(self, choice: Selection) -> list[dict[str, Any]]:
        """Row, name if there are names, number of users and, if these have weights, their weight, of each policy."""
        names, weights, records = self.front.names, self.users.agent_weights, []
        for position, row in enumerate(choice.chosen):
            served = choice.labels == position
            record: dict[str, Any] = {"row": int(row)} | ({} if names is None else {"name": names[row]})
            record |= {"users": int(served.sum())}
            records.append(record | ({} if weights is None else {"weight": float(weights[served].sum())}))
        return records


def front_optimum(
    front: Path,
    budgets: Iterable[int],
    *,
    population: Path,
    method: str = "auto",
    listener: Listener = silent,
) -> FrontOptima:
    """The k policies of a file that serve users with linear preferences best.

    Args:
        front: path of a table with a row per policy and a column per reward component (:func:`read_front`).
        budgets: each from 1 to the number of policies p.
        population: path of a users.csv, with the same reward components.
        method: exact, greedy (with a bound), or auto: exact where that takes seconds.
        listener: called after each budget.

    Returns:
        The choices.

    Raises:
        PolicyBudgetError: a file is missing or wrong, an argument does not fit, or p x n is more than 50 million.
    """
    check_choice("method", method, METHODS)
    policies = read_front(front)
    asked = checked(budgets, len(policies.returns), "policies")
    users = read_users(population, policies.returns.shape[1], policies.components)
    if (size := len(policies.returns) * users.size) > MOST_VALUES:
        raise PolicyBudgetError(
            f"policies x users must be at most {MOST_VALUES}, got {size}; give fewer users, each with a weight"
        )
    values = policies.returns @ np.asarray(users.rewards.weights, np.float64)
    best = []
    for found in best_subsets(values, asked, users.agent_weights, users.outside, method):
        best.append(found)
        listener(f"welfare {found.welfare:.4g}")
    return FrontOptima((front, population), policies, users, asked, tuple(best))
