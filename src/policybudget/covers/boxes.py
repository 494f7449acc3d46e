r"""Tasks as points and the boxes that a prototype covers: what all methods share.

A prototype :math:`\theta` covers task :math:`\theta_i` if :math:`\|\theta - \theta_i\|_\infty \le \epsilon`, so a ball
is a box of side :math:`2 \epsilon`, and some tasks can share a prototype iff no coordinate spreads over more than
:math:`2 \epsilon` (the slides of Ge et al. 2025 write :math:`\epsilon`).

Borders count as covered, and numbers such as 0.1 are not exact. So every method takes the radius for
:math:`\epsilon (1 + 10^{-9})` plus a few roundings of the largest coordinate of the column (:func:`reach`).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, Int

TOLERANCE = 1e-9
"""Share of the radius by which a task may lie outside and still counts as covered."""
ROUNDING = float(np.finfo(np.float64).eps)


def reach(
    tasks: Float[np.ndarray, "n d"], scale: Float[np.ndarray, " d"], radius: float, roundings: int
) -> Float[np.ndarray, " d"]:
    """The radius with its tolerance.

    Args:
        tasks: (n, d) in the units of the table.
        scale: (d,) of each column.
        radius: in multiples of the scale.
        roundings: how many roundings of the largest coordinate are forgiven.

    Returns:
        (d,) a number per column, in the unit of the radius.
    """
    found: np.ndarray = radius * (1 + TOLERANCE) + roundings * ROUNDING * np.abs(tasks).max(axis=0) / scale
    return found


def within(
    tasks: Float[np.ndarray, "n d"], prototypes: Float[np.ndarray, "c d"], radius: float, scale: Float[np.ndarray, " d"]
) -> Bool[np.ndarray, "c n"]:
    """Which tasks each prototype covers.

    Args:
        tasks: (n, d) in the units of the table.
        prototypes: (c, d) in the same.
        radius: in multiples of the scale.
        scale: (d,) of each column; ones for the table's own units.

    Returns:
        (c, n) whether each prototype covers each task.
    """
    limit = reach(tasks, scale, radius, 8)  # twice the roundings of a box: its centre is rounded once more
    covered = np.empty((len(prototypes), len(tasks)), bool)
    for row, prototype in zip(covered, prototypes, strict=True):
        row[:] = (np.abs(tasks - prototype) / scale <= limit).all(axis=1)
    return covered


@dataclass(frozen=True)
class Space:
    """What a method sees: the distinct tasks, from the column's least value on, in units of the scale.

    They are in lexicographic order, so that no method depends on the order of the rows.

    Attributes:
        points: (p, d) distinct tasks, in units of the scale, with 0 the least of each column.
        counts: (p,) how many tasks each point stands for.
        reach: (d,) the radius of each column with its tolerance, in the same unit.
    """

    points: Float[np.ndarray, "p d"]
    counts: Int[np.ndarray, " p"]
    reach: Float[np.ndarray, " d"]

    @property
    def width(self) -> Float[np.ndarray, " d"]:
        """The side of a box."""
        return 2 * self.reach

    @property
    def tasks(self) -> int:
        """n, the number of tasks."""
        return int(self.counts.sum())

    def inside(self, lower: Float[np.ndarray, " d"]) -> Bool[np.ndarray, " p"]:
        """The points in a box.

        Args:
            lower: (d,) the lower corner of the box.

        Returns:
            (p,) whether each point is in it.
        """
        found: np.ndarray = ((self.points >= lower) & (self.points <= lower + self.width)).all(axis=1)
        return found

    def covered(self, centres: Float[np.ndarray, "c d"]) -> Bool[np.ndarray, "c p"]:
        """The points in several boxes.

        Args:
            centres: (c, d) of the boxes.

        Returns:
            (c, p) whether each box covers each point.
        """
        found = np.empty((len(centres), len(self.points)), bool)
        for row, one in zip(found, centres, strict=True):
            row[:] = (np.abs(self.points - one) <= self.reach).all(axis=1)
        return found


SMALLEST = 32


def padded(counts: Int[np.ndarray, " p"]) -> tuple[Int[np.ndarray, " r"], Int[np.ndarray, " r"]]:
    """Rows and weights of a table whose length is 32 times a power of two: tables of like size compile once.

    Args:
        counts: (p,) how many tasks each point stands for.

    Returns:
        The point of each row (r,), and its weight (r,): 0 for the rows that only fill up.
    """
    points = len(counts)
    length = SMALLEST * 2 ** max(0, int(np.ceil(np.log2(points / SMALLEST))))
    rows = np.arange(length) % points
    return rows, np.where(np.arange(length) < points, counts[rows], 0)


def centre(points: Float[np.ndarray, "p d"]) -> Float[np.ndarray, " d"]:
    """The middle of the bounding box: the prototype that is least far from the farthest of the points.

    Args:
        points: (p, d) to be covered.

    Returns:
        (d,) the prototype.
    """
    least = points.min(axis=0)
    middle: np.ndarray = least + (points.max(axis=0) - least) / 2
    return middle


@dataclass(frozen=True)
class Windows:
    """Intervals of a given width on a line with a point as lower end, but none that covers no more than its neighbour.

    Attributes:
        order: (p,) the points from left to right.
        first: (w,) position in that order of the first point of each window; ascending.
        last: (w,) position after the last one; ascending.
        mass: (w,) weight of the points in each window.
    """

    order: Int[np.ndarray, " p"]
    first: Int[np.ndarray, " w"]
    last: Int[np.ndarray, " w"]
    mass: Int[np.ndarray, " w"]

    def points(self, window: int) -> Int[np.ndarray, " m"]:
        """The points of a window.

        Args:
            window: its position.

        Returns:
            (m,) rows of the points, from left to right.
        """
        return self.order[self.first[window] : self.last[window]]


def windows(values: Float[np.ndarray, " p"], weights: Int[np.ndarray, " p"], width: float) -> Windows:
    """All windows over points on a line that no other window contains.

    Args:
        values: (p,) where the points are.
        weights: (p,) of the points.
        width: of a window, in the unit of the values.

    Returns:
        The windows, from left to right.
    """
    order = np.argsort(values, kind="stable")
    line = values[order]
    last = np.searchsorted(line, line + width, side="right")
    first = np.flatnonzero(np.diff(last, prepend=0) > 0)
    last = last[first]
    total = np.append(0, np.cumsum(weights[order]))
    return Windows(order, first, last, total[last] - total[first])


def shifted(space: Space, weights: Int[np.ndarray, " p"], lower: Float[np.ndarray, " d"]) -> Float[np.ndarray, " d"]:
    """Move a box along one axis at a time to where it covers most, as long as it covers more.

    Args:
        space: the tasks.
        weights: (p,) what covering each point is worth.
        lower: (d,) lower corner of the box to begin with.

    Returns:
        (d,) lower corner of the box at the end.
    """
    lower, width, since, axis = lower.copy(), space.width, 0, 0
    sides = (space.points >= lower) & (space.points <= lower + width)
    while since < len(lower):
        others = np.flatnonzero(np.delete(sides, axis, axis=1).all(axis=1) & (weights > 0))
        since += 1
        if len(others) and (mine := weights[others].sum()) > (now := weights[others] @ sides[others, axis]):
            line = space.points[others, axis]
            found = windows(line, weights[others], width[axis])
            if mine > now and found.mass.max() > now:
                lower[axis] = line[found.points(int(found.mass.argmax()))[0]]
                sides[:, axis] = (space.points[:, axis] >= lower[axis]) & (
                    space.points[:, axis] <= lower[axis] + width[axis]
                )
                since = 1 if len(lower) > 1 else len(lower)
        axis = (axis + 1) % len(lower)
    return lower
