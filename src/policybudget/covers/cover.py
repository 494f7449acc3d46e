r"""Covers: at most K prototypes such that most tasks are within a radius of one of them.

.. math:: \max_{\theta_1, \dots, \theta_K} \sum_i \mathbf{1}( \min_k \|\theta_k - \theta_i\|_\infty \le \epsilon )

Source: Ge et al. 2025 (Learning Policy Committees for Effective Personalization in MDPs with Diverse Tasks). Every
method gives prototypes, and what these cover is measured in one way (``within`` in ``boxes.py``).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Bool, Float, Int

from policybudget.covers.boxes import TOLERANCE, Space, reach, within
from policybudget.errors import PolicyBudgetError, check_budget, check_choice, check_seed

METHODS = ("greedy-intersection", "local-search", "gradient", "exact", "kmeans", "dbscan", "gmm", "random")
LARGEST = 1e100
"""Of the numbers in a table: their squares must be finite."""
CELLS = 1_000_000_000
"""Most prototypes x tasks: a byte each."""
DISTANCES = {"local-search": 2_000_000, "gradient": 10_000_000}
"""Most prototypes x tasks x columns for the methods that keep all distances at once; local search keeps a thousand."""


@dataclass(frozen=True, eq=False)
class Cover:
    """Prototypes and the tasks within the radius of each.

    Attributes:
        prototypes: (c, d) at most K, in the units of the table; those of greedy-intersection in the order they were
            found.
        within: (c, n) whether each covers each task; a task may be covered by several.
        radius: in the l-infinity norm, in multiples of ``scale``.
        scale: (d,) of each column: its standard deviation if the cover was computed on standardised columns, else 1.
        budget: K.
        method: one of ``METHODS``.
        bound: no K prototypes cover a larger share of the tasks, as far as the method knows; None if it knows nothing.
    """

    prototypes: Float[np.ndarray, "c d"]
    within: Bool[np.ndarray, "c n"]
    radius: float
    scale: Float[np.ndarray, " d"]
    budget: int
    method: str
    bound: float | None

    @property
    def coverage(self) -> float:
        """Share of the tasks that are covered, 0 to 1."""
        return float(self.within.any(axis=0).mean())

    @property
    def clusters(self) -> list[list[int]]:
        """Rows of the tasks that each prototype covers."""
        return [np.flatnonzero(row).tolist() for row in self.within]

    @property
    def uncovered(self) -> list[int]:
        """Rows of the tasks that no prototype covers."""
        rows: list[int] = np.flatnonzero(~self.within.any(axis=0)).tolist()
        return rows

    def nearest(self, tasks: np.ndarray) -> tuple[Int[np.ndarray, " m"], Float[np.ndarray, " m"]]:
        """For tasks old or new, the nearest prototype: its policy acts for them without a trial.

        Args:
            tasks: (m, d) in the units of the table, or (d,) for one.

        Returns:
            Positions (m,) in ``prototypes`` and distances (m,), to be compared with the radius.

        Raises:
            PolicyBudgetError: they are not finite numbers, or have another number of columns.
        """
        distance = self.distances(tasks)
        return distance.argmin(axis=0), distance.min(axis=0)

    def nearest_tasks(self, tasks: np.ndarray) -> Int[np.ndarray, " c"]:
        """The task nearest to each prototype; the first of several, as a prototype between two is as near to both.

        Args:
            tasks: (m, d) in the units of the table.

        Returns:
            A row of ``tasks`` for each prototype.

        Raises:
            PolicyBudgetError: they are not finite numbers, or have another number of columns.
        """
        distance = self.distances(tasks)
        alike = distance <= distance.min(axis=1, keepdims=True) + TOLERANCE * distance.max()  # rounding decides nothing
        rows: Int[np.ndarray, " c"] = alike.argmax(axis=1)
        return rows

    def distances(self, tasks: np.ndarray) -> Float[np.ndarray, "c m"]:
        """How far tasks are from each prototype.

        Args:
            tasks: (m, d) in the units of the table, or (d,) for one.

        Returns:
            (c, m) distances in the unit of the radius.

        Raises:
            PolicyBudgetError: they are not finite numbers, or have another number of columns.
        """
        table = _checked(np.atleast_2d(np.asarray(tasks)))
        if table.shape[1] != len(self.scale):
            raise PolicyBudgetError(f"tasks must have {len(self.scale)} columns, got {table.shape[1]}")
        return np.array([(np.abs(table - one) / self.scale).max(axis=1) for one in self.prototypes])

    def as_record(self) -> dict[str, Any]:
        """What JSON keeps of it; rows count from 0."""
        return {
            "method": self.method,
            "budget": self.budget,
            "radius": self.radius,
            "scale": self.scale.tolist(),
            "prototypes": self.prototypes.tolist(),
            "coverage": self.coverage,
            "bound": self.bound,
            "clusters": self.clusters,
            "uncovered": self.uncovered,
        }


def cover(
    tasks: np.ndarray | Sequence[Any],
    budget: int,
    radius: float,
    method: str = "greedy-intersection",
    seed: int = 0,
    standardise: bool = False,
) -> Cover:
    """At most K prototypes that cover many tasks.

    Args:
        tasks: (n, d), a row of parameters per task.
        budget: K, from 1 to n.
        radius: how far a task may be from its prototype in any parameter, in the unit of the table.
        method: one of ``METHODS``.
        seed: of local-search, gradient and the clusterings.
        standardise: divide each column by its standard deviation; the radius is then in standard deviations.

    Returns:
        The prototypes and what they cover.

    Raises:
        PolicyBudgetError: an argument does not fit, or the table is too large for the method.
    """
    request = Request.checked(tasks, budget, radius, method, seed, standardise)
    centres, bound = request.solved()
    return request.cover_of(centres, bound)


@dataclass(frozen=True, eq=False)
class Request:
    """What is asked for, checked.

    Attributes:
        tasks: (n, d) in the units of the table.
        scale: (d,) of each column.
        radius: in multiples of the scale.
        budget: K.
        method: one of ``METHODS``.
        seed: of the methods that draw.
    """

    tasks: Float[np.ndarray, "n d"]
    scale: Float[np.ndarray, " d"]
    radius: float
    budget: int
    method: str
    seed: int

    @staticmethod
    def checked(tasks: Any, budget: int, radius: float, method: str, seed: int, standardise: bool) -> Request:
        """A request whose arguments fit.

        Args:
            tasks: (n, d), a row of parameters per task.
            budget: K, from 1 to n.
            radius: in the unit of the table, or in standard deviations.
            method: one of ``METHODS``.
            seed: of the methods that draw.
            standardise: divide each column by its standard deviation.

        Returns:
            The request.

        Raises:
            PolicyBudgetError: an argument does not fit.
        """
        table = _checked(tasks)
        check_budget(budget, len(table), "tasks")
        if not (isinstance(radius, int | float | np.number) and 0 < radius <= LARGEST):
            raise PolicyBudgetError(f"radius must be a positive, finite number, got {radius}")
        check_choice("method", method, METHODS)
        check_seed(seed)
        numbers = budget * len(table) * (table.shape[1] if method in DISTANCES else 1)
        if numbers > (most := DISTANCES.get(method, CELLS)):
            what = "budget x tasks x columns" if method in DISTANCES else "budget x tasks"
            raise PolicyBudgetError(
                f"{what} must be at most {most} for method {method}, got {numbers}; draw fewer tasks"
            )
        scale = np.ones(table.shape[1])
        if standardise:
            spread = np.ptp(table, axis=0) > 0  # the deviation of equal numbers need not be 0
            scale = np.where(spread, np.maximum(table.std(axis=0), np.finfo(np.float64).tiny), 1.0)
        return Request(table, scale, float(radius), int(budget), method, seed)

    def space(self) -> Space:
        """The tasks as the methods see them."""
        points, counts = np.unique(self.tasks, axis=0, return_counts=True)
        return Space((points - points.min(axis=0)) / self.scale, counts, reach(self.tasks, self.scale, self.radius, 4))

    def solved(self) -> tuple[Float[np.ndarray, "c d"], float | None]:
        """Centres of boxes as the method finds them, and its bound. A method is imported when it is called."""
        space = self.space()
        if self.method == "greedy-intersection":
            from policybudget.covers.greedy_intersection import greedy_intersection

            rounds = greedy_intersection(space, self.budget)
            return rounds.centres, rounds.bound(self.budget, len(self.tasks))
        if self.method == "exact":
            from policybudget.covers.exact import exact

            return exact(space, self.budget)
        if self.method == "local-search":
            from policybudget.covers.local_search import local_search

            return local_search(space, self.budget, self.seed), None
        if self.method == "gradient":
            from policybudget.covers.gradient import gradient

            return gradient(space, self.budget, self.seed), None
        from policybudget.covers.baselines import baseline

        return baseline(space, self.budget, self.method, self.seed), None

    def cover_of(self, centres: Float[np.ndarray, "c d"], bound: float | None) -> Cover:
        """The cover by boxes around these centres, measured on the table.

        Args:
            centres: (c, d) in the units of :meth:`space`.
            bound: of the method, or None.

        Returns:
            The cover.
        """
        prototypes = centres * self.scale + self.tasks.min(axis=0)
        inside = within(self.tasks, prototypes, self.radius, self.scale)
        found = Cover(prototypes, inside, self.radius, self.scale, self.budget, self.method, bound)
        if bound is None or bound >= found.coverage:
            return found
        return Cover(prototypes, inside, self.radius, self.scale, self.budget, self.method, found.coverage)


def _checked(tasks: Any) -> Float[np.ndarray, "n d"]:
    """A table of numbers as float64.

    Raises:
        PolicyBudgetError: it is none.
    """
    try:
        table = np.asarray(tasks)
        if table.dtype.kind not in "iufbO":
            raise TypeError
        table = table.astype(np.float64)
    except (TypeError, ValueError):
        raise PolicyBudgetError(
            "tasks must be a table of numbers (tasks, parameters), got rows that are none"
        ) from None
    if table.ndim != 2 or 0 in table.shape:
        raise PolicyBudgetError(
            f"tasks must be a table (tasks, parameters) with a row at least, got shape {table.shape}"
        )
    if not (np.abs(table) <= LARGEST).all():
        row, column = np.argwhere(~(np.abs(table) <= LARGEST))[0]
        raise PolicyBudgetError(
            f"tasks must be finite numbers up to {LARGEST:g}, got {table[row, column]} in row {row}, column {column}"
        )
    return table
