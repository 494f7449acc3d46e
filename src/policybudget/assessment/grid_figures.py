"""Paths of policies over the grid of Resource Gathering, as figures and as text."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import jax
import numpy as np
from jaxtyping import Float, Int
from matplotlib import colors
from matplotlib import pyplot as plt
from matplotlib.figure import Figure

from policybudget.assessment import figures
from policybudget.policies.stacked import Policies
from policybudget.problem import RepresentedMDP
from policybudget.rollouts.compiled import trace
from policybudget.runs.result import Result
from policybudget.worlds.grid.resource_gathering import ResourceGathering

Walk = Int[np.ndarray, "_ 2"]
ABREAST = 4
"""Drawings that stand beside one another in the terminal."""


def paths_of_run(problem: RepresentedMDP, result: Result) -> dict[str, Figure]:
    """The picture of a run in this world: the greedy path of each policy, and whom it serves.

    Args:
        problem: that was trained for, with a :class:`ResourceGathering` world.
        result: of the training.

    Returns:
        One figure, by the name of its file.
    """
    world = _world(problem)
    return {"paths.png": paths(world.side, world.home, greedy_paths(world, result.policies), result.assignment)}


def sketch_of_run(problem: RepresentedMDP, result: Result) -> list[str]:
    """The greedy path of each policy as text, four beside one another.

    Args:
        problem: that was trained for, with a :class:`ResourceGathering` world.
        result: of the training.

    Returns:
        Lines to print.
    """
    world, lines = _world(problem), list[str]()
    drawings = [drawing(world.side, world.home, walk) for walk in greedy_paths(world, result.policies)]
    for first in range(0, len(drawings), ABREAST):
        part = drawings[first : first + ABREAST]
        width = len(part[0][0])
        lines.append("   ".join(f"policy {first + j}".ljust(width) for j in range(len(part))))
        lines += ["   ".join(row) for row in zip(*part, strict=True)]
        lines.append("")
    return lines


def greedy_paths(world: ResourceGathering, policies: Policies) -> list[np.ndarray]:
    """The path of each policy when it takes its likeliest actions.

    Args:
        world: the grid.
        policies: k of them.

    Returns:
        k arrays (steps + 1, 2) of rows and columns.
    """
    path, lengths = map(np.asarray, trace(world, policies, jax.random.key(0)))
    return [path[: length + 1, j, :2].astype(int) for j, length in enumerate(lengths)]


def paths(side: int, home: tuple[int, int], walks: Sequence[Walk], assignment: Float[np.ndarray, "k n"]) -> Figure:
    """The path of each policy over the grid, the tiles of its agents shaded (the paper's Figure 1).

    Args:
        side: tiles along a side of the grid; n = side x side.
        home: row and column.
        walks: of the k policies, rows and columns from home on.
        assignment: α; a tile is shaded for the policy that has most of its agent.

    Returns:
        The figure, a grid per policy.
    """
    columns = min(len(walks), 5)
    rows = -(-len(walks) // columns)
    figure, panels = plt.subplots(
        rows, columns, figsize=(2.4 * columns + 0.3, 2.7 * rows + 0.5), squeeze=False, layout="constrained"
    )
    served_by = np.where(assignment.sum(axis=0) > 0, assignment.argmax(axis=0), -1).reshape(side, side)
    for policy, axis in enumerate(panels.flat):
        if policy >= len(walks):
            axis.axis("off")
            continue
        walk, serves = walks[policy], served_by == policy
        shades = colors.ListedColormap(["white", figures.colour(policy)])
        axis.imshow(serves, cmap=shades, alpha=0.25, vmin=0, vmax=1)
        _draw_walk(axis, walk, figures.colour(policy))
        axis.plot(home[1], home[0], marker="s", color="black", markersize=8)
        _rule(axis, side)
        users = int(serves.sum())
        axis.set_title(f"policy {policy}\n{len(walk) - 1} steps, {users} user{'s' * (users != 1)}", fontsize=9)
    figure.supxlabel("column", fontsize=9)
    figure.supylabel("row", fontsize=9)
    return figure


def _draw_walk(axis: Any, walk: np.ndarray, colour: str) -> None:
    """A line with an arrow per step. It drifts off the middle of the tiles, so that the way back lies beside the way
    out.
    """
    line = walk + np.linspace(-0.14, 0.14, len(walk))[:, None]
    axis.plot(line[:, 1], line[:, 0], color=colour, linewidth=2.2, solid_joinstyle="round")
    for start, end in pairwise(line):
        if not np.allclose(start, end, atol=0.5):
            middle = (start + end) / 2
            axis.annotate(
                "", xy=(middle + 0.12 * (end - start))[::-1], xytext=(middle - 0.12 * (end - start))[::-1],
                arrowprops={"arrowstyle": "-|>", "color": colour, "lw": 0, "mutation_scale": 16},
            )  # fmt: skip


def _rule(axis: Any, side: int) -> None:
    """Lines between the tiles, numbers beside them."""
    axis.set_xticks(np.arange(side)), axis.set_yticks(np.arange(side))
    axis.set_xticks(np.arange(side + 1) - 0.5, minor=True)
    axis.set_yticks(np.arange(side + 1) - 0.5, minor=True)
    axis.grid(which="minor", color="0.8", linewidth=0.8)
    axis.tick_params(which="both", length=0, labelsize=7)


def drawing(side: int, home: tuple[int, int], walk: Walk) -> list[str]:
    """A path as text: tiles as dots, large where the path comes by, moves as lines, home as a square.

    Args:
        side: tiles along a side of the grid.
        home: row and column.
        walk: rows and columns.

    Returns:
        2 side - 1 lines of 4 side - 3 characters.
    """
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
    canvas[2 * home[0]][4 * home[1]] = "■"
    return ["".join(line) for line in canvas]


def _world(problem: RepresentedMDP) -> ResourceGathering:
    assert isinstance(problem.world, ResourceGathering)  # the entry of this world alone leads here
    return problem.world
