r"""Greedy intersection: K times the box that covers most of the tasks that are left.

.. math:: \theta_k = \arg\max_\theta \; \bigl| \{ i \text{ left} : \|\theta - \theta_i\|_\infty \le \epsilon \} \bigr|

Source: Ge et al. 2025 (Learning Policy Committees for Effective Personalization in MDPs with Diverse Tasks), "Greedy
Intersection Algorithm". Each round is exact, so K = 1 is optimal and K rounds cover at least
:math:`1 - (1 - 1/K)^K \ge 1 - 1/e` of the best K (Nemhauser, Wolsey & Fisher 1978).

Departures:

* The lower faces of a box can be moved up to coordinates of tasks that it covers, so one round has up to n^d boxes to
  look at. They are not all looked at. Axis by axis, most selective first, only windows are entered that hold more tasks
  than the best box so far; what is left is counted at once, by running sums over a grid (:func:`_grid`).
* The prototype is the centre of the bounding box of the tasks it takes, not any point of the intersection.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int

from policybudget.covers.boxes import Space, Windows, centre, shifted, windows
from policybudget.errors import PolicyBudgetError

CELLS = 1 << 18
"""Boxes that are counted at once."""
LOOKS = 4_000_000
"""A round gives up after so many looks at an axis, or at ``AT_ONCE`` boxes of a grid: one or two minutes."""
AT_ONCE = 1 << 14
STARTS = 256
"""Points around which a first box is tried."""


@dataclass(frozen=True)
class Rounds:
    """What the rounds took.

    Attributes:
        centres: (c, d) of the boxes, in the order of the rounds; fewer than K if nothing is left.
        gains: (c,) how many tasks each took.
    """

    centres: Float[np.ndarray, "c d"]
    gains: Int[np.ndarray, " c"]

    def bound(self, budget: int, tasks: int) -> float:
        """No K prototypes cover a larger share of the tasks.

        They gain at most K times what the next best one gains, whatever is covered already. The factor
        1 / (1 - (1 - 1/K)^K) follows from that, too.

        Args:
            budget: K, at most the rounds that were asked for.
            tasks: n.

        Returns:
            The share, from 0 to 1.
        """
        gains = self.gains[:budget]
        before = np.append(0, np.cumsum(gains))
        bounds = [before[:-1] + budget * gains, [tasks]]
        if len(gains) < budget:
            bounds.append(before[-1:])
        return float(np.concatenate(bounds).min()) / tasks


def greedy_intersection(space: Space, budget: int) -> Rounds:
    """K rounds, or as many as find a task that is left.

    Args:
        space: the tasks.
        budget: K.

    Returns:
        The boxes that the rounds took.

    Raises:
        PolicyBudgetError: a round looks at more than ``LOOKS``.
    """
    left, centres, gains = space.counts.copy(), list[np.ndarray](), list[int]()
    while len(centres) < budget and left.any():
        taken = best_box(space, left)
        centres.append(centre(space.points[taken]))
        gains.append(int(left[taken].sum()))
        left[taken] = 0
    return Rounds(np.array(centres), np.array(gains))


def best_box(space: Space, weights: Int[np.ndarray, " p"]) -> Int[np.ndarray, " m"]:
    """The points with a weight that the heaviest box covers.

    Args:
        space: the tasks.
        weights: (p,) of the points.

    Returns:
        (m,) rows of the points.

    Raises:
        PolicyBudgetError: more than ``LOOKS`` are needed.
    """
    alive = np.flatnonzero(weights)
    points, weights = space.points[alive], weights[alive]
    here = Space(points, weights, space.reach)
    first = _first_box(here)
    search = _Search(points, weights, space.width)
    found = search.best(np.arange(len(points)), np.arange(points.shape[1]), int(weights[first].sum()))
    taken: np.ndarray = alive[first if found is None else found]
    return taken


def _first_box(space: Space) -> Int[np.ndarray, " m"]:
    """A box that covers much, so that most others need not be looked at."""
    starts = np.linspace(0, len(space.points) - 1, min(STARTS, len(space.points))).astype(int)
    worth = space.covered(space.points[starts]) @ space.counts
    best, most = np.zeros(0, int), -1
    for start in starts[np.argsort(-worth, kind="stable")[:8]]:
        taken = np.flatnonzero(space.inside(shifted(space, space.counts, space.points[start] - space.reach)))
        if (mass := int(space.counts[taken].sum())) > most:
            best, most = taken, mass
    return best


class _Search:
    """Branch and bound over windows, axis by axis."""

    def __init__(
        self, points: Float[np.ndarray, "p d"], weights: Int[np.ndarray, " p"], width: Float[np.ndarray, " d"]
    ) -> None:
        self.points, self.weights, self.width, self.looks = points, weights, width, 0

    def best(
        self, taken: Int[np.ndarray, " m"], axes: Int[np.ndarray, " a"], floor: int
    ) -> Int[np.ndarray, " b"] | None:
        """The points in the heaviest box, over some points and axes; None if no box is heavier than the floor."""
        kept, lines = self._narrowed(taken, axes, floor)
        if lines is None:
            return None
        several = [i for i, line in enumerate(lines) if len(line.first) > 1]  # one window holds all that is kept
        if not several:
            return kept
        axes, lines = axes[several], [lines[i] for i in several]
        cells = float(np.prod([1.0 + len(line.first) for line in lines]))
        cells = max(cells, 2.0 ** len(lines) * len(kept))
        if cells <= CELLS:
            self._look(int(cells * len(lines)) // AT_ONCE)
            found = _grid(lines, self.weights[kept], floor)
            return None if found is None else kept[found]
        outer = int(np.argmin([int(line.mass.max()) for line in lines]))
        line, rest, best = lines[outer], np.delete(axes, outer), None
        for window in np.argsort(-line.mass, kind="stable"):
            if line.mass[window] <= floor:
                break
            inner = kept[line.points(int(window))]
            found = self.best(inner, rest, floor) if len(rest) else inner
            if found is not None:
                best, floor = found, int(self.weights[found].sum())
        return best

    def _narrowed(
        self, kept: Int[np.ndarray, " m"], axes: Int[np.ndarray, " a"], floor: int
    ) -> tuple[Int[np.ndarray, " b"], list[Windows] | None]:
        """Points in windows heavier than the floor on every axis, and these windows; None if an axis has none."""
        while self.weights[kept].sum() > floor:
            self._look(len(axes))
            lines, alive = list[Windows](), np.ones(len(kept), bool)
            for axis in axes:
                line = windows(self.points[kept, axis], self.weights[kept], float(self.width[axis]))
                heavy = line.mass > floor
                if not heavy.any():
                    return kept, None
                line = Windows(line.order, line.first[heavy], line.last[heavy], line.mass[heavy])
                change = np.zeros(len(kept) + 1, int)
                change[line.first] += 1  # first and last are ascending: no position twice
                change[line.last] -= 1
                alive[line.order[np.cumsum(change[:-1]) == 0]] = False
                lines.append(line)
            if alive.all():
                return kept, lines
            kept = kept[alive]
        return kept, None

    def _look(self, times: int) -> None:
        self.looks += times
        if self.looks > LOOKS:
            points, columns = self.points.shape
            raise PolicyBudgetError(
                f"method greedy-intersection gave up after {LOOKS} looks at windows: {points} distinct tasks in "
                f"{columns} columns make too many boxes; use local-search, fewer columns or tasks, or a smaller radius"
            )


def _grid(lines: list[Windows], weights: Int[np.ndarray, " p"], floor: int) -> Int[np.ndarray, " m"] | None:
    """The heaviest of all boxes that the windows of the axes make.

    A point is in a block of neighbouring windows on each axis. Its weight is put at the corners of the block of
    boxes, with a sign, and running sums along each axis spread it over the block.
    """
    shape = [len(line.first) + 1 for line in lines]
    ranges = []
    for line in lines:
        position = np.empty(len(weights), int)
        position[line.order] = np.arange(len(weights))
        ranges.append((np.searchsorted(line.last, position, "right"), np.searchsorted(line.first, position, "right")))
    cells, signs = np.zeros(len(weights), int)[None], weights[None]
    for size, (low, high) in zip(shape, ranges, strict=True):
        cells = np.concatenate([cells * size + low, cells * size + high])
        signs = np.concatenate([signs, -signs])
    mass = np.bincount(cells.ravel(), signs.ravel(), int(np.prod(shape))).reshape(shape)
    for axis in range(len(shape)):
        np.cumsum(mass, axis=axis, out=mass)
    best = np.unravel_index(int(mass.argmax()), shape)
    if mass[best] <= floor:
        return None
    inside = [(low <= at) & (at < high) for (low, high), at in zip(ranges, best, strict=True)]
    return np.flatnonzero(np.all(inside, axis=0))
