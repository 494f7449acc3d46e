r"""The optimum of Resource Gathering where steps slip, by dynamic programming over groups of agents.

For fixed policies every agent is with the policy that is worth most to it; for fixed groups the policies do not depend
on each other. So with the most that one policy can be worth to a group G of agents in all,

.. math:: V^*(G) = \max_\pi \sum_{i \in G} V^i(\pi), \qquad
          W_k = \frac1n \max_{G_1, \dots, G_k} \sum_j V^*(G_j),

over all partitions of the agents into k groups. :math:`V^*(G)` is the value of a Markov decision process over (tiles
visited, position, time), solved backwards for all groups at once:

.. math:: V_t(s) = (1 - p) \max_a V_{t+1}(s'_a) + \frac p4 \sum_a V_{t+1}(s'_a),

with p the probability of slipping. The best partition is a dynamic program over sets of agents. 2^n groups and 2^n sets
of visited tiles keep this to a side of 3.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Float, Int

from policybudget.errors import PolicyBudgetError
from policybudget.exact.optima import Listener, Optima, checked, rounded, silent
from policybudget.worlds.grid.names import resource_world
from policybudget.worlds.grid.resource_gathering import MOVES, ResourceGathering

LARGEST_SIDE = 3
REWARD = 100.0


@dataclass(frozen=True)
class SlipperyOptima(Optima):
    """The best groups for each of some budgets.

    Attributes:
        world: its name.
        side: tiles along a side of the grid.
        asked: the budgets.
        groups: per budget, the agents of each policy, by row and column.
        worth: per budget, the mean return of each policy to its agents.
        totals: per budget, the welfare.
    """

    world: str
    side: int
    asked: tuple[int, ...]
    groups: tuple[tuple[tuple[int, ...], ...], ...]
    worth: tuple[tuple[float, ...], ...]
    totals: tuple[float, ...]

    @property
    def budgets(self) -> tuple[int, ...]:
        """The budgets k."""
        return self.asked

    @property
    def welfare(self) -> tuple[float, ...]:
        """Per budget, the mean expected return over the tiles."""
        return tuple(map(rounded, self.totals))

    def about(self) -> dict[str, Any]:
        """The world."""
        return {"world": self.world}

    def entries(self) -> list[dict[str, Any]]:
        """Per budget, the welfare and the groups."""
        return [
            {"budget": budget, "welfare": welfare, "groups": [[self._tile(i) for i in group] for group in groups]}
            for budget, welfare, groups in zip(self.asked, self.welfare, self.groups, strict=True)
        ]

    def policies(self) -> list[dict[str, Any]]:
        """The groups of the first budget."""
        return [
            {
                "policy": j,
                "mean return": worth,
                "serves (row,column)": " ".join("{},{}".format(*self._tile(i)) for i in group),
            }
            for j, (group, worth) in enumerate(zip(self.groups[0], self.worth[0], strict=True))
        ]

    def _tile(self, agent: int) -> tuple[int, int]:
        return agent // self.side, agent % self.side


def slippery_optimum(world: str, budgets: Iterable[int], *, listener: Listener = silent) -> SlipperyOptima:
    """The best groups of agents, and what their policies are worth.

    Args:
        world: its name, such as ``resource-gathering:slip=0.1,side=3``.
        budgets: each from 1 to the number of tiles.
        listener: called after each budget.

    Returns:
        The groups.

    Raises:
        PolicyBudgetError: an argument is out of range.
    """
    made = resource_world(world)
    if made.side > LARGEST_SIDE:
        raise PolicyBudgetError(
            f"the optimum of a grid that slips is known up to a side of {LARGEST_SIDE}, got {world}; give side=3"
        )
    asked = checked(budgets, made.tiles)
    values = of_groups(made)
    totals, chosen, worth = [], [], []
    for budget in asked:
        groups = best_partition(values, made.tiles, budget)
        sets = [sum(1 << i for i in group) for group in groups]
        totals.append(float(sum(values[s] for s in sets) / made.tiles))
        chosen.append(groups)
        worth.append(tuple(float(values[s] / len(group)) for s, group in zip(sets, groups, strict=True)))
        listener(f"budget {budget}  welfare {totals[-1]:.2f}")
    return SlipperyOptima(world, made.side, asked, tuple(chosen), tuple(worth), tuple(totals))


def of_groups(world: ResourceGathering) -> Float[np.ndarray, " groups"]:
    """What one policy can be worth to every group of agents, in all.

    Args:
        world: a grid with a side of 3 at most.

    Returns:
        (2^n,) expected returns, summed over the group; bit i of a group is tile i, by row and column.
    """
    n = world.tiles
    sets, tiles = np.arange(1 << n), np.arange(n)
    sizes = np.array([[bin(group & seen).count("1") for seen in sets] for group in sets], np.float64)
    home = world.home[0] * world.side + world.home[1]
    goes = np.array([[_moved(world, tile, move) for move in MOVES] for tile in range(n)])
    after = sets[:, None] | 1 << tiles  # (seen, tile): what is seen after a step onto the tile
    value = np.zeros((len(sets), len(sets), n))
    for time in range(world.limit, 0, -1):
        value[:, :, home] = sizes * (REWARD - time)  # whoever is home after this step is paid
        arrived = value[:, after, tiles]
        each = arrived[:, :, goes]
        value = (1.0 - world.slip) * each.max(axis=-1) + world.slip * each.mean(axis=-1)
    found: np.ndarray = value[:, 0, home]
    return found


def _moved(world: ResourceGathering, tile: int, move: tuple[int, int]) -> int:
    row, column = (
        min(max(at + step, 0), world.side - 1) for at, step in zip(divmod(tile, world.side), move, strict=True)
    )
    return row * world.side + column


def best_partition(values: Float[np.ndarray, " groups"], agents: int, budget: int) -> tuple[tuple[int, ...], ...]:
    """The partition of all agents into at most k groups whose values sum to most.

    Args:
        values: (2^n,) of every group.
        agents: n.
        budget: k.

    Returns:
        The agents of each group.
    """
    best, cuts = np.asarray(values, np.float64).copy(), list[Int[np.ndarray, " groups"]]()
    for _ in range(budget - 1):
        more, cut = best.copy(), np.zeros(len(best), np.int64)
        for whole in range(1, len(best)):
            lowest, part = whole & -whole, (whole - 1) & whole
            while part:
                if part & lowest and (total := values[part] + best[whole ^ part]) > more[whole] + 1e-12:
                    more[whole], cut[whole] = total, part
                part = (part - 1) & whole
        best = more
        cuts.append(cut)
    groups, left = list[int](), len(best) - 1
    for cut in reversed(cuts):
        if cut[left]:
            groups.append(int(cut[left]))
            left ^= int(cut[left])
    return tuple(tuple(i for i in range(agents) if group >> i & 1) for group in [*groups, left])
