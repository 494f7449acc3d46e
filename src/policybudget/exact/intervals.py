r"""Agents on a line: the best k points or levels exactly, by dynamic programmes over the sorted agents.

* :func:`best_points`: agents with targets t and a tent reward, :math:`\max_v \sum_i w_i \max(0, 1 - |t_i - v| / h)`
  over k values v. Between two neighbouring targets or ends of tents the sum is linear, and it bends downwards at
  targets only; so the best v are targets, and each agent goes to the nearest.
* :func:`best_intervals`: any loss for which some optimal groups are intervals of sorted agents, given what each
  interval is worth; :func:`squared_gains` and :func:`absolute_gains` are two such.

Time is :math:`O(n^2 k)`, memory of :func:`best_points` :math:`O(n k)`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int

from policybudget.errors import PolicyBudgetError, check_budget
from policybudget.selection.subset import normalised_weights


@dataclass(frozen=True)
class Points:
    """The best points for agents on a line.

    Attributes:
        points: ascending, at most k, in the unit of the targets.
        labels: (n,) which point is nearest to each agent; -1 if that pays the agent nothing.
        value: weighted mean reward, 0 to 1.
    """

    points: Float[np.ndarray, " points"]
    labels: Int[np.ndarray, " n"]
    value: float


@dataclass(frozen=True)
class Intervals:
    """The best division of sorted agents into intervals.

    Attributes:
        edges: group g holds agents ``edges[g]`` to ``edges[g + 1] - 1``.
        value: the sum of what the intervals are worth.
    """

    edges: Int[np.ndarray, " edges"]
    value: float


def best_points(targets: np.ndarray, half_width: float, budget: int, weights: np.ndarray | None = None) -> Points:
    """The k points that pay agents with tent rewards most in total.

    Args:
        targets: (n,) of the agents, in any order and unit.
        half_width: h, how far from its target an agent is paid nothing, in the same unit.
        budget: k, from 1 to n.
        weights: (n,) of the agents, not negative; equal if None.

    Returns:
        The points, and who is paid by which.

    Raises:
        PolicyBudgetError: an argument does not fit.
    """
    return best_points_each(targets, half_width, (budget,), weights)[0]


def best_points_each(
    targets: np.ndarray,
    half_width: float,
    budgets: Sequence[int],
    weights: np.ndarray | None = None,
) -> tuple[Points, ...]:
    """:func:`best_points` for several budgets, from one programme.

    Args:
        targets: (n,) of the agents, in any order and unit.
        half_width: h, how far from its target an agent is paid nothing, in the same unit.
        budgets: each k, from 1 to n.
        weights: (n,) of the agents, not negative; equal if None.

    Returns:
        The points for each budget.

    Raises:
        PolicyBudgetError: an argument does not fit.
    """
    targets = _targets(targets)
    if not 0 < half_width < np.inf:
        raise PolicyBudgetError(f"half_width must be positive, got {half_width}")
    for budget in budgets:
        check_budget(budget, len(targets))
    shares = normalised_weights(weights, len(targets))
    sites, owner = np.unique(targets, return_inverse=True)
    tents = _Tents(sites, half_width, np.bincount(owner, shares))
    held, came = _programme(tents, min(max(budgets, default=1), len(sites)))
    found = []
    for budget in budgets:
        row = min(budget, len(sites)) - 1
        path = [int((held[row] + tents.from_each_on()).argmax())]
        for j in range(row, 0, -1):
            path.append(int(came[j, path[-1]]))
        points = sites[path[::-1]]
        pay = 1.0 - np.abs(targets[:, None] - points) / half_width
        labels = np.where(pay.max(axis=1) > 0, pay.argmax(axis=1), -1)
        found.append(Points(points, labels, float(np.maximum(pay.max(axis=1), 0.0) @ shares)))
    return tuple(found)


def _programme(tents: _Tents, budget: int) -> tuple[Float[np.ndarray, "k s"], Int[np.ndarray, "k s"]]:
    """Row j, column b: what j + 1 points, b the last, pay agents before b at most; and which is the last but one."""
    sites = len(tents.sites)
    held, came = np.full((budget, sites), -np.inf), np.zeros((budget, sites), np.int64)
    held[0] = tents.before_each()
    for last in range(1, sites):
        values = held[:-1, :last] + tents.between(last)
        came[1:, last] = values.argmax(axis=1)
        held[1:, last] = values.max(axis=1)
    return held, came


def velocity_ceiling(targets: np.ndarray, half_width: float, budget: int) -> float:
    """Mean return, 0 to 100, if k constant speeds were held perfectly from the first step.

    Args:
        targets: (n,) target velocities of the agents, in m/s.
        half_width: of the tents, in m/s: b / 20 (Ivanov & Ben-Porat 2024, Section 4).
        budget: k, the number of speeds.

    Returns:
        The mean return.

    Raises:
        PolicyBudgetError: an argument does not fit.
    """
    return 100.0 * best_points(targets, half_width, budget).value


class _Tents:
    """What points at the sites pay the agents at the sites, from running sums over sorted sites."""

    def __init__(self, sites: np.ndarray, half_width: float, weights: np.ndarray) -> None:
        self.sites, self.half_width = sites, half_width
        self.mass = np.append(0.0, np.cumsum(weights))
        self.moment = np.append(0.0, np.cumsum(weights * (sites - sites[0]) / half_width))
        self.low = np.searchsorted(sites, sites - half_width, side="right")  # who is paid by a point at each site
        self.high = np.searchsorted(sites, sites + half_width, side="left")

    def _pay(self, point: np.ndarray, first: np.ndarray, last: np.ndarray, sign: int) -> np.ndarray:
        """Agents ``first`` to ``last - 1``, all right (sign 1) or left (-1) of a point that reaches them."""
        at = (self.sites[point] - self.sites[0]) / self.half_width
        mass, moment = self.mass[last] - self.mass[first], self.moment[last] - self.moment[first]
        pay: np.ndarray = np.where(last > first, mass - sign * (moment - at * mass), 0.0)
        return pay

    def between(self, last: int) -> Float[np.ndarray, " last"]:
        """For each site a before ``last``: agents from a to before ``last``, each served by the nearer of the two."""
        point = np.arange(last)
        middle = np.searchsorted(self.sites, (self.sites[:last] + self.sites[last]) / 2, side="right")
        end = np.full(last, last)
        pay: np.ndarray = self._pay(point, point, np.minimum(middle, self.high[:last]), 1)
        pay += self._pay(end, np.maximum(middle, self.low[last]), end, -1)
        return pay

    def before_each(self) -> Float[np.ndarray, " s"]:
        """Agents before a first point, for each site."""
        point = np.arange(len(self.sites))
        return self._pay(point, self.low, point, -1)

    def from_each_on(self) -> Float[np.ndarray, " s"]:
        """Agents from a last point on, for each site."""
        point = np.arange(len(self.sites))
        return self._pay(point, point, self.high, 1)


def best_intervals(gain: np.ndarray, budget: int) -> Intervals:
    """At most k intervals of sorted agents that are worth most in total.

    Args:
        gain: (n, n + 1), ``gain[i, j]`` is what agents i to j - 1 are worth if one policy serves them; read for i < j.
        budget: k, from 1 to n.

    Returns:
        The division.

    Raises:
        PolicyBudgetError: an argument does not fit.
    """
    gain = np.asarray(gain, np.float64)
    if gain.ndim != 2 or gain.shape[1] != len(gain) + 1 or len(gain) == 0:
        raise PolicyBudgetError(f"gain must be a table (n, n + 1), got shape {gain.shape}")
    agents = len(gain)
    check_budget(budget, agents)
    held = np.full((budget + 1, agents + 1), -np.inf)  # held[j, b]: agents before b, in j intervals
    came = np.zeros((budget + 1, agents + 1), np.int64)
    held[0, 0] = 0.0
    for end in range(1, agents + 1):
        values = held[:-1, :end] + gain[:end, end]
        came[1:, end] = values.argmax(axis=1)
        held[1:, end] = values.max(axis=1)
    groups = 1 + int(held[1:, agents].argmax())
    edges = [agents]
    for j in range(groups, 0, -1):
        edges.append(int(came[j, edges[-1]]))
    return Intervals(np.array(edges[::-1]), float(held[groups, agents]))


def squared_gains(targets: np.ndarray, weights: np.ndarray | None = None) -> Float[np.ndarray, "n n+1"]:
    r"""Gains for a squared loss: :math:`-\min_v \sum_i w_i (t_i - v)^2` of every interval (its v is the mean).

    Args:
        targets: (n,) ascending.
        weights: (n,) of the agents; scaled to a sum of 1; equal if None.

    Returns:
        Entry [i, j] is the gain of agents i to j - 1.

    Raises:
        PolicyBudgetError: the targets are not ascending, or an argument does not fit.
    """
    targets, shares = _sorted(targets, weights)
    centred = targets - shares @ targets
    mass, first, second = (_of_intervals(shares * centred**power) for power in (0, 1, 2))
    return -np.maximum(second - first**2 / np.where(mass > 0, mass, 1.0), 0.0)


def absolute_gains(targets: np.ndarray, weights: np.ndarray | None = None) -> Float[np.ndarray, "n n+1"]:
    r"""Gains for an absolute loss: :math:`-\min_v \sum_i w_i |t_i - v|` of every interval (its v is the median).

    Args:
        targets: (n,) ascending.
        weights: (n,) of the agents; scaled to a sum of 1; equal if None.

    Returns:
        Entry [i, j] is the gain of agents i to j - 1.

    Raises:
        PolicyBudgetError: the targets are not ascending, or an argument does not fit.
    """
    targets, shares = _sorted(targets, weights)
    agents = len(targets)
    mass, moment = np.append(0.0, np.cumsum(shares)), np.append(0.0, np.cumsum(shares * targets))
    start, end = np.arange(agents)[:, None], np.arange(agents + 1)[None, :]
    half = (mass[start] + mass[end]) / 2
    middle = np.clip(np.searchsorted(mass, half, side="left") - 1, start, np.maximum(end - 1, start))
    left = targets[middle] * (mass[middle] - mass[start]) - (moment[middle] - moment[start])
    right = (moment[end] - moment[middle]) - targets[middle] * (mass[end] - mass[middle])
    return -np.where(end > start, left + right, 0.0)


def _of_intervals(values: np.ndarray) -> Float[np.ndarray, "n n+1"]:
    """Sums over agents i to j - 1."""
    running = np.append(0.0, np.cumsum(values))
    sums: np.ndarray = running[None, :] - running[:-1, None]
    return sums


def _targets(targets: np.ndarray) -> Float[np.ndarray, " n"]:
    values = np.asarray(targets, np.float64)
    if values.ndim != 1 or values.size == 0 or not np.isfinite(values).all():
        raise PolicyBudgetError(f"targets must be a list of finite numbers, got an array of shape {values.shape}")
    return values


def _sorted(targets: np.ndarray, weights: np.ndarray | None) -> tuple[np.ndarray, np.ndarray]:
    values = _targets(targets)
    if (np.diff(values) < 0).any():
        raise PolicyBudgetError("targets must be ascending, got them in another order; sort them first")
    return values, normalised_weights(weights, len(values))
