"""What all figures share: how policies are told apart, axes, titles and files.

The colours are those that colour-blind readers tell apart on white (Okabe & Ito, without their yellow). With the
markers of points, or the hatches of areas, many policies differ.
"""

from __future__ import annotations

import textwrap
from pathlib import Path
from typing import Any

import matplotlib
import numpy as np

matplotlib.use("Agg")
from matplotlib import pyplot as plt
from matplotlib.figure import Figure

COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000")
MARKERS = ("o", "s", "^", "D", "v", "P", "X", "<", "d", ">")
HATCHES = ("", "////", "....", "xxxx", "----", "\\\\\\\\")
SIZE = (6.4, 3.6)
"""Of a figure with one pair of axes, in inches."""
BARS = 0.8
"""Share of the height for bars; markers and numbers of policies are above it, in a row or more."""
ROW, ROOM = 0.14, 0.025
"""Between two rows of them, in the height of the bars; from one number to the next in a row, in the width."""
LETTERS = 15
"""Letters of a title to an inch."""


def colour(policy: int) -> str:
    """The colour of a policy in every figure.

    Args:
        policy: its index; after seven policies the colours begin again, with other markers and hatches.

    Returns:
        The colour as ``#RRGGBB``.
    """
    return COLOURS[policy % len(COLOURS)]


def point(policy: int) -> dict[str, Any]:
    """How a policy looks as a point: 70 policies differ, ten of them in their markers, too.

    Args:
        policy: its index.

    Returns:
        Keywords of ``scatter``.
    """
    return {"color": colour(policy), "marker": MARKERS[policy % len(MARKERS)], "edgecolor": "white", "linewidth": 0.6}


def area(policy: int) -> dict[str, Any]:
    """How a policy looks as an area: 42 policies differ.

    Args:
        policy: its index.

    Returns:
        Keywords of ``bar``.
    """
    hatch = HATCHES[policy // len(COLOURS) % len(HATCHES)]
    return {"facecolor": colour(policy), "hatch": hatch, "edgecolor": "white", "linewidth": 0.4}


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


def entitle(figure: Figure, title: str) -> Figure:
    """Write above a figure what it is of.

    Args:
        figure: with or without a title.
        title: in as many lines as the width of the figure asks for.

    Returns:
        The same figure.
    """
    lines = textwrap.fill(title, int(LETTERS * figure.get_figwidth()))
    figure.suptitle(lines, fontsize=9, x=0.01, ha="left", color="0.25")
    return figure


def numbers(axis: Any, policies: Any, places: Any, highest: float) -> None:
    """Markers above bars that say which policy is where, by its number; in as many rows as keep numbers apart.

    Args:
        axis: with the bars, from left to right as far as it will go; its upper limit makes room for the rows.
        policies: their indices.
        places: across, of each, ascending.
        highest: of the bars.
    """
    left, right = axis.get_xlim()
    ends: list[float] = []  # of each row, so far
    for policy, place in zip(policies, places, strict=True):
        row = next((r for r, end in enumerate(ends) if place - end >= ROOM * (right - left)), len(ends))
        ends[row : row + 1] = [place]
        height = highest * (1.08 + ROW * row)
        axis.scatter(place, height, s=36, clip_on=False, zorder=4, **point(policy))
        axis.text(place, height + 0.05 * highest, str(policy), ha="center", va="bottom", fontsize=8)
    axis.set_ylim(0, highest * (1 / BARS + ROW * max(0, len(ends) - 1)))


def in_unit(most: float) -> tuple[float, str]:
    """The unit in which large numbers are read best.

    Args:
        most: the largest of them.

    Returns:
        The size of the unit, and its name in brackets for the label of an axis; "" for ones.
    """
    units = ((1e6, " (millions)"), (1e3, " (thousands)"))
    return next(((size, name) for size, name in units if most >= size), (1.0, ""))


def histogram_edges(values: np.ndarray) -> np.ndarray:
    """The edges of 40 bars.

    Args:
        values: (n,) that are counted.

    Returns:
        (41,) from 0, or the least value below it, to the largest value.
    """
    return np.linspace(min(0.0, values.min()), values.max() + 1e-6, 41)


def save(figure: Figure, path: Path) -> Path:
    """Write a figure as a PNG and close it, also where it cannot be written.

    Args:
        figure: to write.
        path: of the file; missing folders are made.

    Returns:
        The path.

    Raises:
        OSError: the file cannot be written.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        figure.savefig(path, dpi=160)
    finally:
        plt.close(figure)
    return path
