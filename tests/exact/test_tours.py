from __future__ import annotations

import itertools
from functools import cache

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from policybudget.errors import PolicyBudgetError
from policybudget.exact.tours import (
    NEVER,
    Optimum,
    Search,
    Tile,
    best_tours,
    maximal,
    optimum,
    search,
    shortest_covering,
    walk,
)
from policybudget.worlds.grid.resource_gathering import MOVES, ResourceGathering


def plain_search(side: int, home: Tile) -> dict[frozenset[Tile], int]:
    """Shortest tours by the rules of the world, with a dictionary: bumps and all."""
    lengths: dict[frozenset[Tile], int] = {}
    now, seen, time = {(home, frozenset[Tile]())}, set(), 0
    while now:
        time, reached = time + 1, set()
        for (row, column), visited in now:
            for down, right in MOVES:
                at = (min(max(row + down, 0), side - 1), min(max(column + right, 0), side - 1))
                if at == home:
                    lengths.setdefault(visited | {home}, time)
                elif (state := (at, visited | {at})) not in seen:
                    seen.add(state)
                    reached.add(state)
        now = reached
    return lengths


def tiles_of(found: Search, code: int) -> frozenset[Tile]:
    members = [(int(row), int(column)) for i, (row, column) in enumerate(found.tiles) if code >> i & 1]
    return frozenset([*members, found.home])


@cache
def searched(side: int, home: Tile) -> Search:
    return search(side, home)


GRIDS = [(1, (0, 0)), (2, (1, 0)), *((3, home) for home in itertools.product(range(3), repeat=2))]


@pytest.mark.parametrize(("side", "home"), [*GRIDS, (4, (0, 1)), (4, (2, 1))])
def test_lengths_equal_those_of_a_plain_search(side: int, home: Tile) -> None:
    found, plain = searched(side, home), plain_search(side, home)
    everything = plain[tiles_of(found, len(found.lengths) - 1)]
    assert found.lengths[-1] == everything
    told = {tiles_of(found, int(code)): int(found.lengths[code]) for code in np.flatnonzero(found.lengths != NEVER)}
    assert told == {tiles: length for tiles, length in plain.items() if length <= everything}


@pytest.mark.parametrize(("side", "home"), [*GRIDS, (4, (0, 1))])
def test_maximal_sets_equal_their_definition(side: int, home: Tile) -> None:
    found = searched(side, home)
    plain = plain_search(side, home)
    groups = {tiles_of(found, int(code)) for code in maximal(found)}
    some = list(plain)[:: max(1, len(plain) // 400)]  # of thousands, every so many, and all that are said to be maximal
    for tiles in {*some, *groups}:
        contained = any(tiles < other and length <= plain[tiles] for other, length in plain.items())
        assert (tiles in groups) == (not contained)


def by_division(side: int, home: Tile) -> list[float]:
    """Welfare at k = 1, 2, ... by dividing the tiles into k groups, each with its best tour: 3^n steps."""
    plain, tiles = plain_search(side, home), list(itertools.product(range(side), repeat=2))
    everything = 1 << len(tiles)
    members = np.arange(everything)[:, None] >> np.arange(len(tiles)) & 1
    pays = np.array([[(100 - length) * (tile in visited) for tile in tiles] for visited, length in plain.items()])
    worth = (members @ pays.T).max(axis=1)
    best, results = worth, [worth[-1] / len(tiles)]
    for _ in range(len(tiles) - 1):
        divided = best.copy()
        for group in range(everything):
            part = group
            while part:
                divided[group] = max(divided[group], worth[part] + best[group ^ part])
                part = (part - 1) & group
        best = divided
        results.append(best[-1] / len(tiles))
    return results


@pytest.mark.parametrize(("side", "home"), [(2, (1, 0)), (3, (0, 0)), (3, (1, 0)), (3, (1, 1))])
def test_the_optimum_equals_the_best_division_of_the_tiles(side: int, home: Tile) -> None:
    expected = by_division(side, home)
    found = optimum(side, home, range(1, side * side + 1))
    np.testing.assert_allclose([one.welfare for one in found], expected, atol=1e-9)


def two_groups(found: Search) -> float:
    """Welfare at k = 2: one tour serves a set of the other tiles, another the rest, the shorter home."""
    covering = shortest_covering(found).astype(np.int16)
    served = np.zeros(len(covering), np.int16)
    for i in range(len(found.tiles)):
        served.reshape(-1, 2, 1 << i)[:, 1] += 1
    rest, left = covering[::-1], served[::-1]
    paid = served * (100 - covering) + left * (100 - rest) + (100 - np.minimum(covering, rest))
    return float(paid[covering < NEVER].max()) / (len(found.tiles) + 1)


def one_group(found: Search) -> float:
    """Welfare at k = 1: the best of all tours."""
    visited = np.bitwise_count(np.arange(len(found.lengths), dtype=np.uint32)).astype(np.int16) + 1
    paid = visited * (100 - found.lengths.astype(np.int16))
    return float(paid[found.lengths < NEVER].max()) / (len(found.tiles) + 1)


def own_tours(side: int, home: Tile) -> float:
    """Welfare at k = n: there and back, and for home a bump into the wall if there is one, else a step out."""
    there = [2 * (abs(row - home[0]) + abs(column - home[1])) for row in range(side) for column in range(side)]
    at_home = 1 if 0 in home or side - 1 in home else 2
    return 100 - (sum(there) + at_home) / side**2


@pytest.mark.parametrize(("side", "home"), [(4, (0, 1)), (4, (2, 1)), (5, (2, 2)), (5, (0, 1))])
def test_the_optimum_equals_other_exact_methods(side: int, home: Tile) -> None:
    found = search(side, home)
    one, two, all_ = best_tours(found, [1, 2, side * side])
    assert one.welfare == pytest.approx(one_group(found), abs=1e-9)
    assert two.welfare == pytest.approx(two_groups(found), abs=1e-9)
    assert all_.welfare == pytest.approx(own_tours(side, home), abs=1e-9)


@pytest.fixture(scope="module")
def known() -> dict[int, Optimum]:
    budgets = (1, 2, 3, 5, 10, 25)
    return dict(zip(budgets, optimum(budgets=budgets), strict=True))


def test_the_papers_world(known: dict[int, Optimum]) -> None:
    expected = {1: 74.00, 2: 86.00, 3: 89.28, 5: 91.04, 10: 92.32, 25: 93.56}
    assert {k: round(best.welfare, 9) for k, best in known.items()} == expected
    lengths = {k: [tour.length for tour in best.tours] for k, best in known.items()}
    assert (lengths[1], lengths[2], lengths[3]) == ([26], [14, 14], [8, 12, 12])  # from five on, optima differ
    assert len(lengths[25]) == 25 and lengths[25][0] == 1


def played(path: np.ndarray) -> np.ndarray:
    """What the world pays the 25 agents for a walk."""
    world, step = ResourceGathering(), jax.jit(ResourceGathering().step)
    state, _ = world.reset(jax.random.key(0))
    for i, move in enumerate(np.diff(path, axis=0)):
        action = MOVES.index(tuple(move)) if move.any() else 1  # a bump into the wall below home
        done = step(state, jnp.asarray(action), jax.random.key(0))
        assert bool(done.terminated) == (i == len(path) - 2)
        np.testing.assert_array_equal(done.state.position, path[i + 1])
        state = done.state
    return np.asarray(done.outcome)


@pytest.mark.parametrize("budget", [1, 3, 25])
def test_tours_earn_in_the_world_what_is_said(budget: int, known: dict[int, Optimum]) -> None:
    best = known[budget]
    paid = np.array([played(tour.walk) for tour in best.tours])
    assert paid.max(axis=0).mean() == pytest.approx(best.welfare)
    for tour, pay in zip(best.tours, paid, strict=True):
        assert len(tour.walk) == tour.length + 1
        assert {divmod(int(i), 5) for i in np.flatnonzero(pay)} == set(tour.tiles)
        assert all(pay[5 * row + column] == paid[:, 5 * row + column].max() for row, column in tour.serves)
    assert sorted(tile for tour in best.tours for tile in tour.serves) == list(itertools.product(range(5), repeat=2))


def test_walks_of_all_sets() -> None:
    found = searched(3, (1, 1))
    for code in np.flatnonzero(found.lengths != NEVER):
        path = walk(found, int(code))
        assert len(path) == found.lengths[code] + 1
        assert (np.abs(np.diff(path, axis=0)).sum(axis=1) == 1).all()
        assert {tuple(tile) for tile in path.tolist()} == tiles_of(found, int(code))
        assert [tuple(tile) == (1, 1) for tile in path.tolist()].count(True) == 2


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"side": 0}, r"side must be between 1 and 5 \(all sets of tiles are looked at\), got 0"),
        ({"side": 6}, "side must be between 1 and 5"),
        ({"home": (5, 0)}, "home must be a row and a column from 0 to 4, such as 0,0, got 5,0"),
        ({"home": (0, -1)}, "got 0,-1"),
        ({"budgets": [0]}, r"budget must be between 1 and the number of agents \(25\), got 0"),
        ({"budgets": [3, 26]}, r"budget must be between 1 and the number of agents \(25\), got 26"),
    ],
)
def test_arguments_that_do_not_fit(arguments: dict[str, object], message: str) -> None:
    with pytest.raises(PolicyBudgetError, match=message):
        optimum(**arguments)  # type: ignore[arg-type]
