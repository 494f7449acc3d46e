"""The optimum of Resource Gathering over deterministic policies, as tours (:mod:`policybudget.exact.tours`)."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np

from policybudget.exact import tours
from policybudget.exact.optima import Listener, Optima, checked, rounded, silent
from policybudget.worlds.grid.names import resource_world

STEPS = {(-1, 0): "↑", (1, 0): "↓", (0, -1): "←", (0, 1): "→"}
"""By the change of row and column. Row 0 is drawn on top."""


@dataclass(frozen=True)
class GridOptima(Optima):
    """The best k tours for each of some budgets.

    Attributes:
        world: its name.
        side: tiles along a side of the grid.
        home: row and column.
        best: per budget, the best tours.
    """

    world: str
    side: int
    home: tours.Tile
    best: tuple[tours.Optimum, ...]

    @property
    def budgets(self) -> tuple[int, ...]:
        """The budgets k."""
        return tuple(found.budget for found in self.best)

    @property
    def welfare(self) -> tuple[float, ...]:
        """Per budget, the mean return over the tiles."""
        return tuple(rounded(found.welfare) for found in self.best)

    def about(self) -> dict[str, Any]:
        """The world, its side and its home."""
        return {"world": self.world, "side": self.side, "home": self.home}

    def entries(self) -> list[dict[str, Any]]:
        """Per budget, the welfare and the tours."""
        return [
            {"budget": found.budget, "welfare": welfare, "tours": [_record(tour) for tour in found.tours]}
            for found, welfare in zip(self.best, self.welfare, strict=True)
        ]

    def policies(self) -> list[dict[str, Any]]:
        """The tours of the first budget."""
        return [
            {
                "policy": j,
                "length": tour.length,
                "walk from home": _arrows(tour),
                "serves (row,column)": " ".join(f"{row},{column}" for row, column in tour.serves),
            }
            for j, tour in enumerate(self.best[0].tours)
        ]


def _arrows(tour: tours.Tour) -> str:
    """The walk, a letter per step."""
    return "".join(STEPS[tuple(step)] for step in np.diff(tour.walk, axis=0).tolist())


def _record(tour: tours.Tour) -> dict[str, Any]:
    return {"length": tour.length, "tiles": tour.tiles, "serves": tour.serves, "walk": tour.walk.tolist()}


def grid_optimum(
    world: str,
    budgets: Iterable[int],
    *,
    side: int | None = None,
    home: tours.Tile | None = None,
    listener: Listener = silent,
) -> GridOptima:
    """The best k tours; all tours are searched.

    Args:
        world: its name.
        budgets: each from 1 to the number of tiles.
        side: tiles along a side of the grid, 1 to 5; as in the name if None.
        home: row and column; as in the name if None.
        listener: called after each budget.

    Returns:
        The tours.

    Raises:
        PolicyBudgetError: an argument is out of range.
    """
    named = resource_world(world)
    side, home = named.side if side is None else side, named.home if home is None else home
    tours.check_grid(side, home)
    budgets = checked(budgets, side * side)
    best = []
    for found in tours.best_tours(tours.search(side, home), budgets):
        best.append(found)
        listener(f"budget {found.budget}  welfare {found.welfare:.2f}")
    return GridOptima(world, side, home, tuple(best))
