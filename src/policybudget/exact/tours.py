r"""Resource Gathering solved exactly: shortest tours of all tile sets, and the best k of them.

The world pays the agent of every visited tile 100 - T when the walker is back home after T steps
(:mod:`policybudget.worlds.grid.resource_gathering`). So only two things matter of a deterministic policy: which tiles
its tour visits, and how many steps it takes.

1. Breadth-first search over (visited set, position), a bit per tile but home: a level is all states reached first
   after t steps. Home ends a tour, so nothing is expanded there. The search stops with the tour of all tiles, which
   no other tour needs to outlast: it is shorter than the world's limit of 40 steps (26 on the 5 x 5 grid).
2. Tours whose set is contained in that of a tour which is no longer are left out.
3. At most k of the rest, so that the sum over the tiles of 100 minus the length of the shortest of the k that visits it
   is largest: :mod:`policybudget.selection.subset`.

Many tours have the same worth; which of the optima comes out means nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, Int, UInt8, UInt32

from policybudget.errors import PolicyBudgetError, check_budget
from policybudget.selection.subset import Selection, best_subsets
from policybudget.worlds.grid.resource_gathering import MOVES

REWARD = 100.0
LARGEST_SIDE = 5
"""2 to the power of 24 sets; a side of 6 would have 2 to the power of 35."""
NEVER = 255

Tile = tuple[int, int]


@dataclass(frozen=True)
class Search:
    """All shortest tours of a grid that are no longer than the tour of all its tiles.

    Attributes:
        side: of the grid.
        home: row and column.
        tiles: (t, 2) row and column of all tiles but home; bit i of a set is tile i.
        lengths: (2^t,) length of the shortest tour that visits home and exactly this set; ``NEVER`` if there is none.
        levels: per step, the sets that are visited first with it at some position, ascending, and below them these
            positions as bits.
    """

    side: int
    home: Tile
    tiles: Int[np.ndarray, "t 2"]
    lengths: UInt8[np.ndarray, " sets"]
    levels: tuple[UInt32[np.ndarray, "2 _"], ...]


@dataclass(frozen=True)
class Tour:
    """A closed walk from home.

    Attributes:
        length: steps T; each tile served is worth 100 - T.
        tiles: the tiles that it visits, home among them.
        serves: the tiles whose agents no other tour of the choice serves better.
        walk: (T + 1, 2) rows and columns, from home to home.
    """

    length: int
    tiles: tuple[Tile, ...]
    serves: tuple[Tile, ...]
    walk: Int[np.ndarray, "positions 2"]


@dataclass(frozen=True)
class Optimum:
    """The best that k deterministic policies can do.

    Attributes:
        budget: k.
        welfare: mean return over the agents, one per tile.
        tours: at most k, short ones first.
    """

    budget: int
    welfare: float
    tours: tuple[Tour, ...]


def optimum(side: int = 5, home: Tile = (4, 2), budgets: Iterable[int] = (1,)) -> tuple[Optimum, ...]:
    """The best k tours for each of some budgets.

    Args:
        side: of the grid, 1 to 5.
        home: row and column.
        budgets: each from 1 to the number of tiles.

    Returns:
        The best tours, budget by budget.

    Raises:
        PolicyBudgetError: an argument is out of range.
    """
    check_grid(side, home)
    budgets = check_budgets(side, budgets)
    return tuple(best_tours(search(side, home), budgets))


def check_budgets(side: int, budgets: Iterable[int]) -> tuple[int, ...]:
    """The budgets, if there are as many agents.

    Args:
        side: tiles along a side of the grid.
        budgets: each k.

    Returns:
        The budgets.

    Raises:
        PolicyBudgetError: one is out of range.
    """
    budgets = tuple(budgets)
    for budget in budgets:
        check_budget(budget, side * side)
    return budgets


def check_grid(side: int, home: Tile) -> None:
    """Refuse a grid whose tours cannot be searched.

    Args:
        side: tiles along a side of the grid.
        home: row and column.

    Raises:
        PolicyBudgetError: the side is not 1 to 5, or home is not on the grid.
    """
    if not 1 <= side <= LARGEST_SIDE:
        raise PolicyBudgetError(
            f"side must be between 1 and {LARGEST_SIDE} (all sets of tiles are looked at), got {side}"
        )
    if len(home) != 2 or not all(0 <= place < side for place in home):
        given = ",".join(map(str, home))
        raise PolicyBudgetError(f"home must be a row and a column from 0 to {side - 1}, such as 0,0, got {given}")


def search(side: int = 5, home: Tile = (4, 2)) -> Search:
    """Step 1: the lengths of all shortest tours, in seconds and 300 MB for 25 tiles.

    Args:
        side: tiles along a side of the grid, 1 to 5.
        home: row and column.

    Returns:
        The lengths, and what is needed to find the tours themselves.

    Raises:
        PolicyBudgetError: the side is not 1 to 5, or home is not on the grid.
    """
    check_grid(side, home)
    tiles, beside = _grid(side, home)
    everything = 1 << len(tiles)
    lengths = np.full(everything, NEVER, np.uint8)
    if 0 in home or side - 1 in home:
        lengths[0] = 1  # a bump into the wall at home
    reached, now = np.zeros(everything, np.uint32), np.zeros(everything, np.uint32)
    first = [1 << i for i in _bits(int(beside[-1]))]
    now[first] = first
    levels = list[np.ndarray]()
    while lengths[-1] == NEVER:
        sets = np.flatnonzero(now).astype(np.uint32)
        at = now[sets]
        now[sets] = 0
        reached[sets] |= at
        levels.append(np.stack([sets, at]))
        back = sets[(at & beside[-1]) != 0]
        lengths[back] = np.minimum(lengths[back], len(levels) + 1)
        for i in range(len(tiles)):
            bit = np.uint32(1 << i)
            entered = sets[(at & beside[i]) != 0] | bit
            now[entered[(reached[entered] & bit) == 0]] |= bit
    return Search(side, home, tiles, lengths, tuple(levels))


def _grid(side: int, home: Tile) -> tuple[Int[np.ndarray, "t 2"], UInt32[np.ndarray, " t+1"]]:
    """All tiles but home, and of each of them, and last of home, the tiles beside it as bits."""
    places = [(row, column) for row in range(side) for column in range(side) if (row, column) != home]
    number = {place: i for i, place in enumerate(places)}
    beside = [
        sum(1 << number[near] for move in MOVES if (near := (row + move[0], column + move[1])) in number)
        for row, column in [*places, home]
    ]
    return np.array(places, int).reshape(-1, 2), np.array(beside, np.uint32)


def _bits(mask: int) -> list[int]:
    return [i for i in range(mask.bit_length()) if mask >> i & 1]


def maximal(found: Search) -> Int[np.ndarray, " tours"]:
    """Step 2: sets that are not contained in another with a tour as short.

    Args:
        found: the lengths of all tours.

    Returns:
        The sets, a bit per tile but home.
    """
    best = shortest_covering(found)
    kept = (found.lengths == best) & (best < NEVER)
    for i in range(len(found.tiles)):
        pairs = best.reshape(-1, 2, 1 << i)
        kept.reshape(pairs.shape)[:, 0] &= pairs[:, 1] > pairs[:, 0]
    return np.flatnonzero(kept)


def shortest_covering(found: Search) -> UInt8[np.ndarray, " sets"]:
    """The length of the shortest tour that visits at least a set of tiles, for every set.

    Args:
        found: the lengths of all tours.

    Returns:
        (2^t,) lengths; ``NEVER`` if there is no tour.
    """
    best = found.lengths.copy()
    for i in range(len(found.tiles)):
        pairs = best.reshape(-1, 2, 1 << i)
        np.minimum(pairs[:, 0], pairs[:, 1], out=pairs[:, 0])
    return best


def best_tours(found: Search, budgets: Iterable[int]) -> Iterator[Optimum]:
    """Step 3, for several budgets; each is computed when it is asked for.

    Args:
        found: the lengths of all tours.
        budgets: each k, from 1 to the number of tiles.

    Returns:
        The best tours, budget by budget.

    Raises:
        PolicyBudgetError: a budget is out of range.
    """
    budgets = check_budgets(found.side, budgets)
    sets = maximal(found)
    values = worth(found, sets)
    visits = values > 0  # no tour is as long as what it pays
    choices = best_subsets(values, [min(k, len(sets)) for k in budgets], method="exact")
    for budget, choice in zip(budgets, choices, strict=True):
        yield _optimum(found, budget, sets, visits, choice)


def worth(found: Search, sets: Int[np.ndarray, " tours"]) -> Float[np.ndarray, "tours n"]:
    """What tours are worth to the agents.

    Args:
        found: the lengths of all tours.
        sets: of tiles, a bit per tile but home, as :func:`maximal` gives them.

    Returns:
        (tours, n) returns; agents are the tiles by row and column.
    """
    visits = np.ones((len(sets), found.side, found.side), bool)
    visits[:, found.tiles[:, 0], found.tiles[:, 1]] = sets[:, None] >> np.arange(len(found.tiles)) & 1
    return visits.reshape(len(sets), -1) * (REWARD - found.lengths[sets, None])


def _optimum(
    found: Search, budget: int, sets: np.ndarray, visits: Bool[np.ndarray, "tours n"], choice: Selection
) -> Optimum:
    tours = []
    for position, row in enumerate(choice.chosen):
        tiles, serves = (
            tuple((int(i) // found.side, int(i) % found.side) for i in np.flatnonzero(mine))
            for mine in (visits[row], visits[row] & (choice.labels == position))
        )
        length = int(found.lengths[sets[row]])
        tours.append(Tour(length, tiles, serves, walk(found, int(sets[row]))))
    return Optimum(budget, choice.welfare, tuple(sorted(tours, key=lambda tour: (tour.length, tour.tiles))))


def walk(found: Search, tiles: int) -> Int[np.ndarray, "positions 2"]:
    """A shortest tour that visits home and exactly a set of tiles, found backwards through the levels.

    Args:
        found: the lengths of all tours.
        tiles: a set that has a tour, a bit per tile.

    Returns:
        Rows and columns, from home to home.
    """
    _, beside = _grid(found.side, found.home)
    places, near, options = [found.home], int(beside[-1]), [tiles]
    for level in reversed(found.levels[: int(found.lengths[tiles]) - 1]):
        state = next(tiles_so_far for tiles_so_far in options if _positions(level, tiles_so_far) & near)
        last = _bits(_positions(level, state) & near)[0]
        near, options = int(beside[last]), [state, state & ~(1 << last)]  # the tile was visited before, or was not
        places.append((int(found.tiles[last, 0]), int(found.tiles[last, 1])))
    return np.array([*places, found.home][::-1])


def _positions(level: UInt32[np.ndarray, "2 _"], state: int) -> int:
    """Where the walker can be, as bits, when it has visited this set first at this step."""
    sets, at = level
    i = int(np.searchsorted(sets, np.uint32(state)))
    return int(at[i]) if i < len(sets) and sets[i] == state else 0
