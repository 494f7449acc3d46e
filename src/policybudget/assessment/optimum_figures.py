"""Pictures of optimal committees, in the colours of :mod:`policybudget.assessment.figures`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import matplotlib
import numpy as np
from jaxtyping import Float
from matplotlib import pyplot as plt
from matplotlib import ticker
from matplotlib.figure import Figure

from policybudget.assessment import figures
from policybudget.exact.intervals import Points
from policybudget.exact.tours import Tour
from policybudget.selection.subset import Selection
from policybudget.worlds.grid.resource_gathering import ResourceGathering

SIZE = (6.4, 3.6)
UNSERVED = "0.8"


def tours(side: int, home: tuple[int, int], best: Sequence[Tour]) -> Figure:
    """The optimal tours over the grid, the tiles that each serves shaded."""
    assignment = np.zeros((len(best), side, side))
    for one, tour in zip(assignment, best, strict=True):
        for tile in tour.serves:
            one[tile] = 1.0
    world = ResourceGathering(side=side, home=home)
    return figures.paths(world, [tour.walk for tour in best], assignment.reshape(len(best), -1))


def budget_curve(budgets: Sequence[int], welfare: Sequence[float], bounds: Sequence[float], name: str) -> Figure:
    """What each budget is worth.

    Args:
        budgets: k.
        welfare: of the best choice found for each.
        bounds: above which nothing is possible; drawn where it is not the welfare itself.
        name: of the welfare, for the axis.
    """
    figure, axis = _axes("budget: number of policies", name)
    axis.plot(budgets, welfare, color=figures.colour(0), marker="o", markersize=4, linewidth=1.5, label="found")
    if not np.allclose(welfare, bounds, rtol=1e-9):
        axis.plot(budgets, bounds, color=figures.colour(1), linestyle="--", linewidth=1.2, label="upper bound")
        axis.legend(frameon=False, fontsize=8)
    axis.xaxis.set_major_locator(ticker.MaxNLocator(integer=True))
    axis.grid(color="0.9")
    return figure


def front(
    returns: Float[np.ndarray, "p m"], components: Sequence[str], names: Sequence[str] | None, choice: Selection
) -> Figure:
    """All policies by their first two components (or by row, if there is one only), the chosen ones marked.

    Args:
        returns: of all policies.
        components: names of the components; empty if they are numbered.
        names: of the policies, or None for their rows.
        choice: which were chosen, and for whom.
    """
    told = [*components] or [f"component {i}" for i in range(returns.shape[1])]
    across, up = (returns[:, 0], returns[:, 1]) if len(told) > 1 else (np.arange(len(returns)), returns[:, 0])
    labels = (told[0], told[1]) if len(told) > 1 else ("row", told[0])
    figure, axis = _axes(*(f"mean return, {label}" if label != "row" else label for label in labels))
    axis.scatter(across, up, s=18, color="0.7", label=f"{len(returns)} policies")
    for position, row in enumerate(choice.chosen):
        users = int((choice.labels == position).sum())
        name = f"row {row}" if names is None else names[row]
        axis.scatter(
            across[row], up[row], s=80, color=_one_of(position, len(choice.chosen)), edgecolor="black", linewidth=0.6,
            zorder=3, label=f"{name}: {users} user{'s' * (users != 1)}",
        )  # fmt: skip
    if len(choice.chosen) <= len(figures.COLOURS):
        figure.legend(loc="outside right upper", frameon=False, fontsize=8)
    axis.grid(color="0.9")
    return figure


def speeds(targets: Float[np.ndarray, " n"], best: Points, name: str) -> Figure:
    """How many users want which speed, who of them is paid by which chosen speed, and these.

    Args:
        targets: of the users.
        best: the chosen speeds.
        name: of the targets, with the unit.
    """
    figure, axis = _axes(name, "users")
    edges = np.linspace(min(0.0, targets.min()), targets.max() + 1e-6, 41)
    below = np.zeros(len(edges) - 1)
    for position in (*range(len(best.points)), *({-1} & set(best.labels.tolist()))):
        counts, _ = np.histogram(targets[best.labels == position], edges)
        shade = UNSERVED if position < 0 else _one_of(position, len(best.points))
        axis.bar(
            edges[:-1], counts, np.diff(edges), below, align="edge", edgecolor="white", linewidth=0.4, color=shade,
            label="paid nothing" if position < 0 else None,
        )  # fmt: skip
        below += counts
    for position, point in enumerate(best.points):
        axis.axvline(point, color="black", linewidth=1.0, linestyle="--", label="speed held" if position == 0 else None)
    axis.set_xlim(edges[0], edges[-1])
    axis.set_ylim(0, 1.05 * below.max())
    axis.yaxis.set_major_locator(ticker.MaxNLocator(integer=True))
    figure.legend(*axis.get_legend_handles_labels(), loc="outside upper left", ncols=2, frameon=False, fontsize=8)
    return figure


def _axes(across: str, up: str) -> tuple[Figure, Any]:
    figure, axis = plt.subplots(figsize=SIZE, layout="constrained")
    axis.set_xlabel(across)
    axis.set_ylabel(up)
    axis.spines[["top", "right"]].set_visible(False)
    axis.set_axisbelow(True)
    return figure, axis


def _one_of(position: int, count: int) -> Any:
    """Its colour; with more of them than colours, one from an even scale."""
    if count <= len(figures.COLOURS):
        return figures.colour(position)
    return matplotlib.colormaps["viridis"](position / (count - 1))
