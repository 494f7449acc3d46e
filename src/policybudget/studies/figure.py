"""The picture of a study: a bar per setting with its interval over seeds, beside what is possible."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib import pyplot as plt
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from policybudget.assessment import figures
from policybudget.runs import files
from policybudget.studies.study import in_words
from policybudget.studies.summary import Outcome, Row

NAME = "figure.png"
HIGH, LEAST_WIDE, PER_BAR = 3.6, 6.4, 0.28
"""Inches."""
MARGIN = 0.06
"""Of the height of the axis, beyond what is drawn on it."""
ACROSS = ("budget", "transitions", "agents")
"""Settings that are an axis, if they vary; the first that does."""


@dataclass(frozen=True)
class Bars:
    """Rows as groups of bars.

    Attributes:
        across: the setting that names the groups.
        groups: its values.
        series: what tells the bars of a group apart, in words.
        rows: by group and series; None where there is no such row.
    """

    across: str
    groups: tuple[Any, ...]
    series: tuple[str, ...]
    rows: tuple[tuple[Row | None, ...], ...]


def arranged(outcome: Outcome) -> Bars:
    """Rows as groups of bars.

    Args:
        outcome: of a study.
    """
    across = next((name for name in ACROSS if name in outcome.varied), next(iter(outcome.varied), "world"))
    rest = [name for name in outcome.varied if name != across]
    found = dict[tuple[Any, str], Row]()
    for row in outcome.rows:
        words = " ".join(in_words(name, row.settings[name]) for name in rest if row.settings[name] is not None)
        found[row.settings[across], words] = row
    values = dict.fromkeys(group for group, _ in found)
    groups = tuple(sorted(values) if all(isinstance(value, int | float) for value in values) else values)
    series = tuple(dict.fromkeys(words for _, words in found))
    return Bars(across, groups, series, tuple(tuple(found.get((group, one)) for one in series) for group in groups))


def draw(outcome: Outcome, title: str = "", lines: Sequence[tuple[Any, float, str]] = ()) -> Figure:
    """Bars with 95 % intervals over seeds, and a dot for each seed.

    The axis ends where the dots and lines end: the interval of two seeds may go far beyond all that can be.

    Args:
        outcome: of a study.
        title: above the figure.
        lines: short lines across a group of bars: the value of its setting, the height, and what it is.

    Returns:
        The figure.
    """
    bars = arranged(outcome)
    wide = max(LEAST_WIDE, PER_BAR * len(bars.series) * len(bars.groups))
    figure, axis = plt.subplots(figsize=(wide, HIGH), layout="constrained")
    _draw_bars(axis, bars)
    best = [{row.optimum for row in group if row is not None} for group in bars.rows]
    marks = [
        (group, value, outcome.reference)
        for group, known in zip(bars.groups, best, strict=True)
        for value in known
        if value is not None and len(known) == 1
    ]
    for colour, (style, several) in zip(("black", "0.4"), (("-", marks), ("--", lines)), strict=True):
        for number, (group, height, word) in enumerate(several):
            place = bars.groups.index(group)
            label = word if number == 0 else ""
            axis.hlines(height, place - 0.45, place + 0.45, color=colour, linestyle=style, linewidth=1.2, label=label)
    _end(axis, bars, [height for _, height, _ in [*marks, *lines]])
    axis.set_xticks(np.arange(len(bars.groups)), [str(group) for group in bars.groups])
    axis.set_xlabel("budget: number of policies (k)" if bars.across == "budget" else bars.across.replace("_", " "))
    axis.set_ylabel("welfare")
    axis.axhline(0, color="0.4", linewidth=0.8)
    axis.spines[["top", "right"]].set_visible(False)
    if axis.get_legend_handles_labels()[1]:
        figure.legend(loc="outside lower center", ncols=4, frameon=False, fontsize=8)
    return figures.entitle(figure, title) if title else figure


def _draw_bars(axis: Axes, bars: Bars) -> None:
    """Mean and interval of every row, and its seeds."""
    count = len(bars.series)
    width = 0.8 / count
    for at, name in enumerate(bars.series):
        here = [(place, row) for place, group in enumerate(bars.rows) if (row := group[at]) is not None]
        places = [place + (at - (count - 1) / 2) * width for place, _ in here]
        heights = [row.summary["mean"] for _, row in here]
        spread = [row.summary["ci95"] or 0.0 for _, row in here]
        axis.bar(places, heights, width, yerr=spread, capsize=2, label=name or None, **figures.area(at))
        for place, (_, row) in zip(places, here, strict=True):
            axis.plot([place] * len(row.welfare), row.welfare, "o", color="white", mec="black", ms=3, mew=0.6)


def _end(axis: Axes, bars: Bars, lines: Sequence[float]) -> None:
    """End the axis where seeds and lines end."""
    found = [value for group in bars.rows for row in group if row is not None for value in row.welfare]
    low, high = min(0.0, *found), max(0.0, *found, *lines)
    margin = MARGIN * (high - low) or 1.0
    axis.set_ylim(low - margin * (low < 0), high + margin)


def save(outcome: Outcome, root: Path, title: str = "", lines: Sequence[tuple[Any, float, str]] = ()) -> Path:
    """Draw a study into its folder.

    Args:
        outcome: of the study.
        root: its folder.
        title: above the figure; that of the study if there is none.
        lines: as in :func:`draw`.

    Returns:
        The file.

    Raises:
        RunFolderError: it cannot be written.
    """
    try:
        return figures.save(draw(outcome, title or outcome.study.title, lines), root / NAME)
    except OSError as error:
        raise files.cannot_write(root / NAME, error) from error
