"""The figures of a run in any world: its training curve, the returns of its policies, who is served by which."""

from __future__ import annotations

from itertools import groupby, pairwise
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float
from matplotlib import patheffects, ticker
from matplotlib import pyplot as plt
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from policybudget.assessment import figures
from policybudget.csv_table import Table, numbers, read_table
from policybudget.errors import PolicyBudgetError

NAMED = 30
"""Users, or policies, whose names and numbers have room."""
LONGEST = 16
"""Letters of a name."""


def training_curve(metrics: Path, welfare: float) -> Figure:
    """The best welfare known, over transitions, to the welfare that is reported; phases are shaded in turn.

    Args:
        metrics: path of the metrics.csv of a run.
        welfare: of the result.

    Returns:
        The figure.

    Raises:
        PolicyBudgetError: the file is missing or damaged.
    """
    table = read_table(metrics, "metrics", "iteration", "iterations")
    known_of = {name: _numbers(table, index) for index, name in enumerate(table.header) if name != "phase"}
    if lacking := {"phase", "transitions", "welfare", "best_welfare", "group_welfare_0"} - set(table.header):
        raise PolicyBudgetError(f"{metrics} is damaged: it has no column {min(lacking)}")
    phases, across = table.columns[table.header.index("phase")], known_of["transitions"].copy()
    size, unit = figures.in_unit(across[-1])
    across /= size
    figure, axis = figures.axes(f"transitions of all policies{unit}", "welfare (in units of return)")
    ends = [i for i, (now, after) in enumerate(pairwise(phases)) if now != after]
    _phases(axis, [phases[i] for i in [*ends, -1]], [0.0, *across[ends], across[-1]])
    groups = np.array([values for name, values in known_of.items() if name.startswith("group_welfare_")])
    now = np.concatenate([known_of["welfare"][None], groups])
    now[:, ends] = np.nan  # the policies of the next phase are others
    lowest, highest = np.fmin.reduce(now[1:]), np.fmax.reduce(now[1:])
    axis.fill_between(
        across, lowest, highest, color=figures.colour(5), alpha=0.3, linewidth=0, label="groups now: worst to best"
    )
    axis.plot(across, now[0], color=figures.colour(0), linewidth=1, label="welfare now, sampled actions")
    best = np.append(known_of["best_welfare"], welfare)
    known = np.append(across, across[-1])
    axis.plot(known, best, color="black", linewidth=2, drawstyle="steps-post", label="best known welfare")
    axis.axhline(welfare, color=figures.colour(1), linestyle="--", linewidth=1.2, label=f"in the end: {welfare:.2f}")
    axis.plot(known[-1], welfare, "o", color=figures.colour(1), markersize=5, clip_on=False, zorder=4)
    axis.set_xlim(0, across[-1])
    axis.grid(color="0.9", axis="y")
    figure.legend(loc="outside lower center", ncols=2, frameon=False, fontsize=8)
    return figure


def _phases(axis: Any, names: list[str], places: list[float]) -> None:
    """Every other phase of several is shaded; each is named at its end."""
    for index, (name, (begin, end)) in enumerate(zip(names, pairwise(places), strict=True)):
        if index % 2:
            axis.axvspan(begin, end, color="0.94", linewidth=0, zorder=0)
        if len(names) > 1:
            axis.annotate(
                name, (end, 0), (-2, 4), xycoords=("data", "axes fraction"), textcoords="offset points",
                rotation=90, fontsize=7, color="0.25", va="bottom", ha="right",
            )  # fmt: skip


def _numbers(table: Table, column: int) -> np.ndarray:
    """A column of metrics.csv; what was not known yet is blank there."""

    def finite_or_blank(values: np.ndarray) -> np.ndarray:
        blank = np.array([not cell for cell in table.columns[column]])
        fits: np.ndarray = np.isfinite(values) | blank
        return fits

    return numbers(table, column, fits=finite_or_blank)


def returns_map(
    returns: Float[np.ndarray, "k n"],
    assignment: Float[np.ndarray, "k n"],
    agents: tuple[str, ...],
    outside: Float[np.ndarray, " n"] | None = None,
) -> Figure:
    """What each policy is worth to each user, and who serves whom.

    Args:
        returns: of each policy to each user.
        assignment: α; a user is with the policy that it has most of.
        agents: names of the n users.
        outside: what each user has without any policy; -inf for nothing, None if that is so for all.

    Returns:
        A heat map with users sorted by policy, and for each policy those that it serves best first; framed is who
        serves whom. Options outside are its last row.
    """
    budget, rows = len(returns), returns if outside is None else np.vstack([returns, outside])
    serves = np.where(assignment.sum(axis=0) > 0, assignment.argmax(axis=0), budget)
    worth = np.take_along_axis(returns, np.minimum(serves, budget - 1)[None], axis=0)[0]
    order = np.lexsort((-worth, serves))
    table, serves = np.ma.masked_invalid(rows[:, order]), serves[order]
    wide = min(10.0, max(figures.SIZE[0], 2.0 + 0.32 * len(agents)))
    high = min(9.0, 2.0 + 0.27 * len(rows))
    figure, axis = plt.subplots(figsize=(wide, high), layout="constrained")
    image = axis.imshow(table, aspect="auto", cmap="viridis", interpolation="nearest")
    figure.colorbar(image, ax=axis, label="mean return", pad=0.02, aspect=6 * high)
    names = [
        f"policy {j}: {count} user{'s' * (count != 1)}" for j, count in enumerate(_counts(serves, budget).tolist())
    ]
    axis.set_yticks(range(len(rows)), [*names, *["outside option"] * (len(rows) - budget)], fontsize=8)
    axis.set_xlabel(f"{len(agents)} users, sorted by policy; framed: who is served by it")
    axis.set_xticks([])
    axis.spines[:].set_visible(False)
    if max(len(agents), len(rows)) <= NAMED:
        axis.set_xticks(range(len(agents)), [_short(agents[i]) for i in order], rotation=90, fontsize=8)
        _write(axis, table)
    _frame(axis, serves, len(rows))
    return figure


def _counts(serves: np.ndarray, budget: int) -> np.ndarray:
    return np.bincount(serves, minlength=budget)[:budget]


def _short(name: str) -> str:
    return name if len(name) <= LONGEST else name[: LONGEST - 1] + "…"


def _write(axis: Any, table: Any) -> None:
    """The number in each cell, dark on light and light on dark."""
    middle = (table.min() + table.max()) / 2
    for row, column in np.argwhere(~np.ma.getmaskarray(table)).tolist():
        value = float(table[row, column])
        shade = "black" if value > middle else "white"
        number = f"{value:.0f}" if abs(value) >= 10 else f"{value:.2g}"
        axis.text(column, row, number, ha="center", va="center", fontsize=7, color=shade)


def _frame(axis: Any, serves: np.ndarray, rows: int) -> None:
    """A frame around the users of each row; they stand side by side."""
    first = 0
    for row, users in groupby(serves.tolist()):
        count = len(list(users))
        if row < rows:
            frame = Rectangle((first - 0.5, row - 0.5), count, 1, fill=False, edgecolor="#D55E00", linewidth=2)
            frame.set_path_effects([patheffects.withStroke(linewidth=4, foreground="white")])
            frame.set_clip_on(False)
            axis.add_patch(frame)
        first += count


def assignment_histogram(parameter: np.ndarray, assignment: np.ndarray, name: str) -> Figure:
    """Who is served by which policy, over the parameter in which the agents differ (the paper's Figure 4).

    Args:
        parameter: (n,) of each agent.
        assignment: (k, n) α; an agent with a soft assignment counts in shares.
        name: of the parameter, with its unit.

    Returns:
        Stacked bars of the number of agents; each policy is numbered above the middle of its own.
    """
    edges = figures.histogram_edges(parameter)
    counts = np.array([np.histogram(parameter, edges, weights=row)[0] for row in assignment])
    middle = (counts * (edges[:-1] + edges[1:])).sum(axis=1) / np.maximum(2 * counts.sum(axis=1), 1e-12)
    serving = [int(j) for j in np.argsort(middle) if counts[j].sum() > 0]
    figure, axis = figures.axes(name, "users")
    below = np.zeros(len(edges) - 1)
    for j in serving:
        axis.bar(edges[:-1], counts[j], np.diff(edges), below, align="edge", **figures.area(j))
        below += counts[j]
    axis.set_xlim(edges[0], edges[-1])
    axis.yaxis.set_major_locator(ticker.MaxNLocator(integer=True))
    figures.numbers(axis, serving, middle[serving], below.max())
    axis.set_title("policies by number, each above the middle of its users", fontsize=8, loc="left")
    return figure
