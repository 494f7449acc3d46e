"""Pictures of covers of task parameters, in the colours of :mod:`policybudget.assessment.figures`."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from jaxtyping import Bool, Float
from matplotlib import pyplot as plt
from matplotlib import ticker
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from policybudget.assessment import figures
from policybudget.covers import CoverPlan, CoverReport, Tasks
from policybudget.errors import PolicyBudgetError

UNCOVERED = "0.6"
ROWS = 0.8
"""Share of the height over which the boxes of one parameter are spread, so that they do not hide each other."""


def check_drawable(plan: CoverPlan, tasks: Tasks) -> None:
    """Refuse a picture of boxes in more than two dimensions, before anything is computed.

    Args:
        plan: what is asked.
        tasks: to be covered.

    Raises:
        PolicyBudgetError: there are more than two parameters, and no sweep.
    """
    if plan.sweep is None and len(tasks.columns) > 2:
        raise PolicyBudgetError(
            f"--figure without a sweep draws one or two parameters, got {len(tasks.columns)}; choose them by --columns"
        )


def picture(report: CoverReport) -> Figure:
    """The boxes of a cover of one or two parameters, or the coverage of a sweep.

    Args:
        report: the covers.

    Returns:
        The picture.
    """
    plan = report.plan
    asked = f"cover of n = {len(report.tasks.parameters)} tasks by {plan.method}, seed {plan.seed}"
    if plan.sweep is None:
        asked += f", k = {report.covers[0].budget}, radius {report.covers[0].radius:g}"
    return figures.entitle(_picture(report), asked)


def _picture(report: CoverReport) -> Figure:
    plan, covers = report.plan, report.covers
    if plan.sweep is None:
        one, tasks = covers[0], report.tasks
        sides = 2 * one.radius * one.scale
        return boxes(tasks.parameters, one.prototypes, sides, one.within, tasks.columns)
    coverage, bounds = [one.coverage for one in covers], [one.bound for one in covers]
    if plan.sweep == "budget":
        name = "budget: number of prototypes"
        return coverage_curve([one.budget for one in covers], coverage, bounds, name, True)
    unit = "standard deviations" if plan.in_deviations else "unit of the parameters"
    return coverage_curve([one.radius for one in covers], coverage, bounds, f"radius ({unit})", False)


def draw(report: CoverReport, path: Path) -> None:
    """Draw covers into a file.

    Args:
        report: the covers.
        path: of a .png.

    Raises:
        PolicyBudgetError: it cannot be written.
    """
    try:
        figures.save(picture(report), path)
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise PolicyBudgetError(f"cannot write {path}: {reason}; choose another --figure") from error


def coverage_curve(
    across: Sequence[int | float], coverage: Sequence[float], bounds: Sequence[float | None], name: str, whole: bool
) -> Figure:
    """Share of the tasks that are covered, over radius or budget.

    Args:
        across: radii or budgets, ascending.
        coverage: of each, 0 to 1.
        bounds: above which no prototypes come, as far as known; drawn where all are known and one is not reached.
        name: of what runs across, with its unit.
        whole: across are whole numbers.
    """
    figure, axis = plt.subplots(figsize=figures.SIZE, layout="constrained")
    axis.plot(across, coverage, color=figures.colour(0), marker="o", markersize=4, linewidth=1.5, label="covered")
    known = [bound for bound in bounds if bound is not None]
    if len(known) == len(coverage) and not np.allclose(known, coverage, rtol=0, atol=1e-12):
        axis.plot(across, known, color=figures.colour(1), linestyle="--", linewidth=1.2, label="upper bound")
        axis.legend(frameon=False, fontsize=8, loc="lower right")
    axis.set_xlabel(name)
    axis.set_ylabel("share of the tasks")
    axis.set_ylim(0, 1.03)
    if whole:
        axis.xaxis.set_major_locator(ticker.MaxNLocator(integer=True))
    axis.spines[["top", "right"]].set_visible(False)
    axis.grid(color="0.9")
    return figure


def boxes(
    tasks: Float[np.ndarray, "n d"],
    prototypes: Float[np.ndarray, "c d"],
    sides: Float[np.ndarray, " d"],
    within: Bool[np.ndarray, "c n"],
    columns: Sequence[str],
) -> Figure:
    """Tasks of one or two parameters, the prototypes and the box that each covers.

    Args:
        tasks: in the units of the table.
        prototypes: in the same.
        sides: of a box: twice the radius in these units.
        within: the tasks that each prototype covers.
        columns: names of the parameters.
    """
    flat = tasks.shape[1] == 1
    figure, axis = plt.subplots(figsize=(6.4, 2.2) if flat else (6.4, 4.8), layout="constrained")
    covered = within.any(axis=0)
    heights = np.zeros(len(tasks)) if flat else tasks[:, 1]
    names = "tasks within a box", "tasks in no box"
    for mine, shade, marker, name in ((covered, "black", "o", names[0]), (~covered, UNCOVERED, "x", names[1])):
        if mine.any():
            label = f"{name}: {mine.sum()}"
            axis.scatter(
                tasks[mine, 0], heights[mine], s=12, color=shade, marker=marker, linewidth=1, label=label, zorder=3
            )
    for k, prototype in enumerate(prototypes):
        shade = figures.colour(k)
        up = ROWS * ((k + 0.5) / len(prototypes) - 0.5) if flat else prototype[1]
        height = 0.6 * ROWS / len(prototypes) if flat else sides[1]
        corner = (prototype[0] - sides[0] / 2, up - height / 2)
        axis.add_patch(Rectangle(corner, sides[0], height, facecolor=shade, alpha=0.2, zorder=1))
        axis.add_patch(Rectangle(corner, sides[0], height, fill=False, edgecolor=shade, linewidth=1.2, zorder=2))
        axis.plot(
            prototype[0], up, marker=figures.MARKERS[k % len(figures.MARKERS)], markersize=8, color=shade,
            markeredgecolor="white", linestyle="none", zorder=4, label="prototypes" if k == 0 else None,
        )  # fmt: skip
    axis.autoscale_view()
    axis.set_xlabel(columns[0])
    if flat:
        axis.set_yticks([])
        axis.set_ylim(-0.5, 0.5)
    else:
        axis.set_ylabel(columns[1])
    axis.spines[["top", "right", "left"] if flat else ["top", "right"]].set_visible(False)
    axis.set_axisbelow(True)
    axis.grid(color="0.93")
    figure.legend(*axis.get_legend_handles_labels(), loc="outside lower center", ncols=3, frameon=False, fontsize=8)
    return figure
