"""The picture of a budget curve: what k policies are worth, and what one more adds."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib import pyplot as plt
from matplotlib import ticker
from matplotlib.figure import Figure

from policybudget.assessment import figures
from policybudget.assessment.curve import Row

WIDE = (8.0, 3.6)


def draw(rows: Sequence[Row], word: str, target: float | None = None, best: int | None = None) -> Figure:
    """Welfare, the worst agent and the optimum over the budget, and what one more policy adds.

    Args:
        rows: one per budget, ascending.
        word: what ``optimum`` in the rows is.
        target: welfare that is wanted; a line.
        best: budget of the largest welfare less cost; marked.

    Returns:
        The figure, with intervals where there are some.
    """
    figure, (left, right) = plt.subplots(1, 2, figsize=WIDE, layout="constrained", width_ratios=(3, 2))
    budgets = [row.budget for row in rows]
    welfare, widths = [row.welfare["mean"] for row in rows], [row.welfare["ci95"] or 0.0 for row in rows]
    style = {"linewidth": 1.5, "capsize": 3, "markersize": 4}
    if any(row.optimum is not None for row in rows):
        known = [np.nan if row.optimum is None else row.optimum for row in rows]
        left.plot(budgets, known, color="black", linestyle="--", linewidth=1.2, label=word)
    left.errorbar(budgets, welfare, widths, color=figures.colour(0), marker="o", label="welfare", **style)
    worst, spread = [row.worst["mean"] for row in rows], [row.worst["ci95"] or 0.0 for row in rows]
    left.errorbar(budgets, worst, spread, color=figures.colour(1), marker="s", label="worst agent", **style)
    if target is not None:
        left.axhline(target, color="0.4", linestyle=":", linewidth=1.2, label=f"target {target:g}")
    if best is not None:
        value = welfare[budgets.index(best)]
        left.scatter([best], [value], s=120, facecolor="none", edgecolor="black", zorder=4, label="most after cost")
    left.set_ylabel("return")
    adds = [(row.budget, row.one_more) for row in rows if row.one_more is not None]
    heights = [more["mean"] for _, more in adds]
    errors = [more["ci95"] or 0.0 for _, more in adds]
    right.bar(
        [str(after.budget) for after in rows[1:]], heights, yerr=errors, capsize=3, color=figures.colour(0), width=0.7
    )
    right.set_ylabel("welfare that each more policy adds")
    right.axhline(0, color="0.4", linewidth=0.8)
    left.xaxis.set_major_locator(ticker.MaxNLocator(integer=True))
    for axis in (left, right):
        axis.set_xlabel("budget: number of policies (k)")
        axis.spines[["top", "right"]].set_visible(False)
        axis.set_axisbelow(True)
        axis.grid(color="0.9", axis="y")
    figure.legend(loc="outside lower center", ncols=5, frameon=False, fontsize=8)
    return figure
