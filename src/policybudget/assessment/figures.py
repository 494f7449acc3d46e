"""Pictures of a trained committee, in colours that colour-blind readers tell apart (Okabe & Ito)."""

from __future__ import annotations

import csv
from itertools import pairwise
from pathlib import Path
from typing import Any

import matplotlib
import numpy as np

from policybudget.assessment.evaluate import trace
from policybudget.policies.stacked import Policies
from policybudget.worlds.grid.resource_gathering import ResourceGathering

matplotlib.use("Agg")
from matplotlib import pyplot as plt
from matplotlib import ticker
from matplotlib.figure import Figure

COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#F0E442", "#000000")


def colour(policy: int) -> str:
    """The colour of a policy in every figure."""
    return COLOURS[policy % len(COLOURS)]


def tours(world: ResourceGathering, policies: Policies) -> list[np.ndarray]:
    """The greedy path of each policy: (length + 1, 2) rows and columns."""
    path, lengths = trace(world, policies, seed=0)
    return [path[: length + 1, j, :2].astype(int) for j, length in enumerate(lengths)]


def paths(world: ResourceGathering, walks: list[np.ndarray], assignment: np.ndarray) -> Figure:
    """The path of each policy over the grid, its agents' tiles shaded (the paper's Figure 1)."""
    columns = min(len(walks), 5)
    rows = -(-len(walks) // columns)
    figure, axes = plt.subplots(
        rows, columns, figsize=(2.4 * columns, 0.3 + 3.0 * rows), squeeze=False, layout="constrained"
    )
    served = np.where(assignment.sum(axis=0) > 0, assignment.argmax(axis=0), -1)
    serves = served.reshape(world.side, world.side)
    for index, axis in enumerate(axes.flat):
        if index >= len(walks):
            axis.axis("off")
            continue
        walk, shade = walks[index], colour(index)
        axis.imshow(
            serves == index, cmap=matplotlib.colors.ListedColormap(["white", shade]), alpha=0.25, vmin=0, vmax=1
        )
        bend = np.linspace(-0.14, 0.14, len(walk))[:, None]
        line = walk + bend
        axis.plot(line[:, 1], line[:, 0], color=shade, linewidth=2.2, solid_joinstyle="round")
        for start, end in pairwise(line):
            if not np.allclose(start, end, atol=0.5):
                middle = (start + end) / 2
                axis.annotate(
                    "", xy=(middle + 0.12 * (end - start))[::-1], xytext=(middle - 0.12 * (end - start))[::-1],
                    arrowprops={"arrowstyle": "-|>", "color": shade, "lw": 0, "mutation_scale": 16},
                )  # fmt: skip
        axis.plot(world.home[1], world.home[0], marker="s", color="black", markersize=8)
        axis.set_xticks(np.arange(world.side)), axis.set_yticks(np.arange(world.side))
        axis.set_xticks(np.arange(world.side + 1) - 0.5, minor=True)
        axis.set_yticks(np.arange(world.side + 1) - 0.5, minor=True)
        axis.grid(which="minor", color="0.8", linewidth=0.8)
        axis.tick_params(which="both", length=0, labelsize=7)
        agents = int((serves == index).sum())
        axis.set_title(f"policy {index}\n{len(walk) - 1} steps, {agents} agent{'s' * (agents != 1)}", fontsize=9)
    figure.supxlabel("column", fontsize=9)
    figure.supylabel("row", fontsize=9)
    return figure


def assignment_histogram(parameter: np.ndarray, assignment: np.ndarray, name: str) -> Figure:
    """Who is served by which policy, over the parameter that tells agents apart (the paper's Figure 4).

    Args:
        parameter: (n) of each agent.
        assignment: (k, n) α; an agent with a soft assignment is counted in shares.
        name: of the parameter, with its unit.
    """
    edges = np.linspace(min(0.0, parameter.min()), parameter.max() + 1e-6, 41)
    counts = np.array([np.histogram(parameter, edges, weights=row)[0] for row in assignment])
    centre = (counts * (edges[:-1] + edges[1:])).sum(axis=1) / np.maximum(2 * counts.sum(axis=1), 1e-12)
    serving = [int(j) for j in np.argsort(centre) if counts[j].sum() > 0]
    figure, axis = plt.subplots(figsize=(6.4, 3.6), layout="constrained")
    below = np.zeros(len(edges) - 1)
    for rank, j in enumerate(serving):
        axis.bar(
            edges[:-1], counts[j], np.diff(edges), below, align="edge", edgecolor="white", linewidth=0.4,
            color=_one_of(j, rank, len(serving), len(counts)), label=f"{j}",
        )  # fmt: skip
        below += counts[j]
    axis.set_xlabel(name)
    axis.set_ylabel("agents")
    axis.set_xlim(edges[0], edges[-1])
    axis.set_ylim(0, below.max() * 1.05)
    axis.yaxis.set_major_locator(ticker.MaxNLocator(integer=True))
    axis.spines[["top", "right"]].set_visible(False)
    if len(counts) <= len(COLOURS):
        figure.legend(
            *axis.get_legend_handles_labels(), loc="outside upper left", ncols=len(COLOURS), frameon=False, fontsize=8,
            title="policy", title_fontsize=8, alignment="left",
        )  # fmt: skip
    else:
        told = f"{len(counts)} policies, {len(serving)} of them in use, coloured in their order along the axis"
        axis.set_title(told, fontsize=8, loc="left")
    return figure


def _one_of(policy: int, rank: int, serving: int, budget: int) -> Any:
    """Its colour; with more of them than colours, one from an even scale, in their order along the axis."""
    if budget <= len(COLOURS):
        return colour(policy)
    return matplotlib.colormaps["viridis"](rank / max(serving - 1, 1))


def training_curve(metrics: Path) -> Figure:
    """Welfare, and the welfare of each group, over transitions, from metrics.csv; a dashed line between phases."""
    with metrics.open(newline="") as file:
        rows = list(csv.DictReader(file))
    figure, axis = plt.subplots(figsize=(6.4, 3.6), layout="constrained")
    transitions = np.array([float(row["transitions"]) for row in rows]) / 1e6
    groups = [name for name in rows[0] if name.startswith("group_welfare_")]
    ends = [i for i, (now, after) in enumerate(pairwise(rows)) if now["phase"] != after["phase"]]
    for number, end in enumerate(ends):
        told = None if number else "a new phase"
        axis.axvline(transitions[end], color="0.5", linestyle="--", linewidth=1, label=told)
    for index, name in enumerate(groups):
        values = np.array([float(row[name]) if row[name] else np.nan for row in rows])
        values[ends] = np.nan  # group 0 of the next phase is another one
        axis.plot(transitions, values, color=colour(index), linewidth=0.8, alpha=0.7, label=f"group {index}")
    welfare = np.array([float(row["welfare"]) for row in rows])
    welfare[ends] = np.nan
    axis.plot(transitions, welfare, color="black", linewidth=2, label="welfare of all")
    axis.set_xlabel("transitions, all policies (millions)")
    axis.set_ylabel("return of sampled actions")
    axis.grid(color="0.9")
    if len(groups) <= len(COLOURS):
        figure.legend(loc="outside upper left", ncols=6, frameon=False, fontsize=8)
    return figure


def save(figure: Figure, path: Path) -> Path:
    """Write a PNG and close the figure."""
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=160)
    plt.close(figure)
    return path


def drawing(world: ResourceGathering, walk: np.ndarray) -> list[str]:
    """A path as lines of text: visited tiles as dots, moves as lines, home as a square."""
    side = world.side
    canvas = [[" "] * (4 * side - 3) for _ in range(2 * side - 1)]
    for row in range(side):
        for column in range(side):
            canvas[2 * row][4 * column] = "·"
    for (row, column), (next_row, next_column) in pairwise(walk):
        canvas[2 * row][4 * column] = canvas[2 * next_row][4 * next_column] = "●"
        if row != next_row:
            canvas[row + next_row][4 * column] = "│"
        elif column != next_column:
            left = 4 * min(column, next_column)
            canvas[2 * row][left + 1 : left + 4] = "───"
    canvas[2 * world.home[0]][4 * world.home[1]] = "■"
    return ["".join(line) for line in canvas]
