"""What all figures share, and the figures of a run in any world.

The colours are those that colour-blind readers tell apart (Okabe & Ito).
"""

from __future__ import annotations

import csv
from itertools import pairwise
from pathlib import Path
from typing import Any

import matplotlib
import numpy as np

matplotlib.use("Agg")
from matplotlib import pyplot as plt
from matplotlib import ticker
from matplotlib.figure import Figure

COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#F0E442", "#000000")
SIZE = (6.4, 3.6)
"""Of a figure with one pair of axes, in inches."""


def colour(policy: int) -> str:
    """The colour of a policy in every figure.

    Args:
        policy: its index; after eight policies the colours begin again.

    Returns:
        The colour as ``#RRGGBB``.
    """
    return COLOURS[policy % len(COLOURS)]


def shade(policy: int, count: int) -> Any:
    """The colour of one of several policies that stand in an order.

    Args:
        policy: its place in the order, from 0.
        count: how many policies there are.

    Returns:
        Its :func:`colour`; if there are more policies than colours, one from an even scale.
    """
    return colour(policy) if count <= len(COLOURS) else _even(policy, count)


def _even(rank: int, count: int) -> Any:
    return matplotlib.colormaps["viridis"](rank / max(count - 1, 1))


def axes(across: str, up: str) -> tuple[Figure, Any]:
    """An empty figure with one pair of axes.

    Args:
        across: label of the horizontal axis, with its unit.
        up: label of the vertical axis, with its unit.

    Returns:
        The figure and its axes.
    """
    figure, axis = plt.subplots(figsize=SIZE, layout="constrained")
    axis.set_xlabel(across)
    axis.set_ylabel(up)
    axis.spines[["top", "right"]].set_visible(False)
    axis.set_axisbelow(True)
    return figure, axis


def assignment_histogram(parameter: np.ndarray, assignment: np.ndarray, name: str) -> Figure:
    """Who is served by which policy, over the parameter in which the agents differ (the paper's Figure 4).

    Args:
        parameter: (n,) of each agent.
        assignment: (k, n) α; an agent with a soft assignment counts in shares.
        name: of the parameter, with its unit.

    Returns:
        Stacked bars of the number of agents, a colour per policy.
    """
    edges = np.linspace(min(0.0, parameter.min()), parameter.max() + 1e-6, 41)
    counts = np.array([np.histogram(parameter, edges, weights=row)[0] for row in assignment])
    centre = (counts * (edges[:-1] + edges[1:])).sum(axis=1) / np.maximum(2 * counts.sum(axis=1), 1e-12)
    serving = [int(j) for j in np.argsort(centre) if counts[j].sum() > 0]
    few = len(counts) <= len(COLOURS)
    figure, axis = axes(name, "agents")
    below = np.zeros(len(edges) - 1)
    for rank, j in enumerate(serving):
        axis.bar(
            edges[:-1], counts[j], np.diff(edges), below, align="edge", edgecolor="white", linewidth=0.4,
            color=colour(j) if few else _even(rank, len(serving)), label=f"{j}",
        )  # fmt: skip
        below += counts[j]
    axis.set_xlim(edges[0], edges[-1])
    axis.set_ylim(0, below.max() * 1.05)
    axis.yaxis.set_major_locator(ticker.MaxNLocator(integer=True))
    if few:
        figure.legend(
            *axis.get_legend_handles_labels(), loc="outside upper left", ncols=len(COLOURS), frameon=False, fontsize=8,
            title="policy", title_fontsize=8, alignment="left",
        )  # fmt: skip
    else:
        title = f"{len(counts)} policies, {len(serving)} of them in use, coloured in their order along the axis"
        axis.set_title(title, fontsize=8, loc="left")
    return figure


def training_curve(metrics: Path) -> Figure:
    """Welfare, and the welfare of each group, over transitions; a dashed line stands between two phases.

    Args:
        metrics: path of the metrics.csv of a run.

    Returns:
        The figure.
    """
    with metrics.open(newline="") as file:
        rows = list(csv.DictReader(file))
    figure, axis = axes("transitions, all policies (millions)", "return of sampled actions")
    transitions = np.array([float(row["transitions"]) for row in rows]) / 1e6
    groups = [name for name in rows[0] if name.startswith("group_welfare_")]
    ends = [i for i, (now, after) in enumerate(pairwise(rows)) if now["phase"] != after["phase"]]
    for number, end in enumerate(ends):
        label = None if number else "a new phase"
        axis.axvline(transitions[end], color="0.5", linestyle="--", linewidth=1, label=label)
    for index, name in enumerate(groups):
        values = _numbers(rows, name)
        values[ends] = np.nan  # group 0 of the next phase is another one
        axis.plot(transitions, values, color=colour(index), linewidth=0.8, alpha=0.7, label=f"group {index}")
    welfare = _numbers(rows, "welfare")
    welfare[ends] = np.nan
    axis.plot(transitions, welfare, color="black", linewidth=2, label="welfare of all")
    axis.grid(color="0.9")
    if len(groups) <= len(COLOURS):
        figure.legend(loc="outside upper left", ncols=6, frameon=False, fontsize=8)
    return figure


def _numbers(rows: list[dict[str, str]], name: str) -> np.ndarray:
    """A column of metrics.csv; what was not known yet is blank there."""
    return np.array([float(row[name] or "nan") for row in rows])


def save(figure: Figure, path: Path) -> Path:
    """Write a figure as a PNG and close it.

    Args:
        figure: to write.
        path: of the file; missing folders are made.

    Returns:
        The path.

    Raises:
        OSError: the file cannot be written.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=160)
    plt.close(figure)
    return path
