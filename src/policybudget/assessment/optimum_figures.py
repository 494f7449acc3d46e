"""Pictures of optimal choices of policies, in the colours of :mod:`policybudget.assessment.figures`."""

from __future__ import annotations

from collections.abc import Sequence
from functools import singledispatch

import numpy as np
from jaxtyping import Float
from matplotlib import ticker
from matplotlib.figure import Figure

from policybudget.assessment import figures, grid_figures
from policybudget.exact.front_optimum import FrontOptima
from policybudget.exact.grid_optimum import GridOptima
from policybudget.exact.intervals import Points
from policybudget.exact.optima import Optima
from policybudget.exact.tours import Tour
from policybudget.exact.velocity_optimum import VelocityOptima
from policybudget.selection.subset import Selection

UNSERVED = "0.8"
MOST_NAMED = 14
"""Policies for which a legend has room."""


def draw(optima: Optima) -> Figure:
    """The choice for one budget, or the welfare over several.

    Args:
        optima: what was computed.

    Returns:
        The figure.
    """
    asked = ", ".join(f"{name} {value}" for name, value in optima.about().items())
    if len(optima.budgets) > 1:
        curve = budget_curve(optima.budgets, optima.welfare, optima.bounds, optima.unit)
        return figures.entitle(curve, f"optimum: {asked}")
    return figures.entitle(_choice(optima), f"optimum: {asked}, k = {optima.budgets[0]}")


@singledispatch
def _choice(optima: Optima) -> Figure:
    """The choice for the first budget; of a kind that has no picture of its own, its welfare."""
    return budget_curve(optima.budgets, optima.welfare, optima.bounds, optima.unit)


@_choice.register
def _(optima: GridOptima) -> Figure:
    return tours(optima.side, optima.home, optima.best[0].tours)


@_choice.register
def _(optima: VelocityOptima) -> Figure:
    return speeds(optima.targets, optima.best[0], optima.parameter)


@_choice.register
def _(optima: FrontOptima) -> Figure:
    return front(optima.front.returns, optima.front.components, optima.front.names, optima.best[0])


def tours(side: int, home: tuple[int, int], best: Sequence[Tour]) -> Figure:
    """The optimal tours over the grid, the tiles that each serves shaded.

    Args:
        side: tiles along a side of the grid.
        home: row and column.
        best: k tours.

    Returns:
        The figure, a grid per tour.
    """
    assignment = np.zeros((len(best), side, side))
    for policy, tour in enumerate(best):
        for tile in tour.serves:
            assignment[policy][tile] = 1.0
    return grid_figures.paths(side, home, [tour.walk for tour in best], assignment.reshape(len(best), -1))


def budget_curve(budgets: Sequence[int], welfare: Sequence[float], bounds: Sequence[float], name: str) -> Figure:
    """What each budget is worth.

    Args:
        budgets: each k, ascending.
        welfare: per budget, of the best choice found.
        bounds: per budget, a welfare above which nothing is possible; drawn where it is not the welfare itself.
        name: of the welfare, with its unit.

    Returns:
        The figure.
    """
    figure, axis = figures.axes("budget: number of policies", name)
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
        returns: of all p policies in the m components.
        components: names of the components; empty if they are numbered.
        names: of the policies, or None for their rows.
        choice: which were chosen, and for whom.

    Returns:
        The figure, a point per policy.
    """
    labels = [f"mean return, {name}" for name in components or [f"component {i}" for i in range(returns.shape[1])]]
    if len(labels) > 1:
        across, up = returns[:, 0], returns[:, 1]
    else:
        across, up, labels = np.arange(len(returns)), returns[:, 0], ["row", *labels]
    figure, axis = figures.axes(labels[0], labels[1])
    axis.scatter(across, up, s=18, color="0.7", label=f"{len(returns)} policies")
    for position, row in enumerate(choice.chosen):
        users = int((choice.labels == position).sum())
        name = f"row {row}" if names is None else names[row]
        label = f"{name}: {users} user{'s' * (users != 1)}"
        axis.scatter(across[row], up[row], s=80, zorder=3, label=label, **figures.point(position))
    if len(choice.chosen) <= MOST_NAMED:
        figure.legend(loc="outside right upper", frameon=False, fontsize=8)
    axis.grid(color="0.9")
    return figure


def speeds(targets: Float[np.ndarray, " n"], best: Points, name: str) -> Figure:
    """How many users want which speed, and which of the chosen speeds pays them.

    Args:
        targets: of the n users.
        best: the chosen speeds, and which of them is nearest to each user.
        name: of the targets, with their unit.

    Returns:
        Stacked bars of the number of users, a dashed line at each chosen speed.
    """
    figure, axis = figures.axes(name, "users")
    edges = figures.histogram_edges(targets)
    below = np.zeros(len(edges) - 1)
    for position in (*range(len(best.points)), *({-1} & set(best.labels.tolist()))):
        counts, _ = np.histogram(targets[best.labels == position], edges)
        look = {"facecolor": UNSERVED, "label": "paid nothing"} if position < 0 else figures.area(position)
        axis.bar(edges[:-1], counts, np.diff(edges), below, align="edge", **look)
        below += counts
    for position, point in enumerate(best.points):
        label = "speed held" if position == 0 else None
        axis.plot((point, point), (0, below.max()), color="black", linewidth=1.0, linestyle="--", label=label)
    axis.set_xlim(edges[0], edges[-1])
    axis.yaxis.set_major_locator(ticker.MaxNLocator(integer=True))
    figures.numbers(axis, range(len(best.points)), best.points, below.max())
    figure.legend(*axis.get_legend_handles_labels(), loc="outside lower center", ncols=2, frameon=False, fontsize=8)
    return figure
