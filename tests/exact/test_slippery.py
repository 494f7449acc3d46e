"""The optimum of a grid that slips: without slips it is that of tours, with them one agent is worked out by hand."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from policybudget import exact
from policybudget.errors import PolicyBudgetError
from policybudget.exact import slippery, tours
from policybudget.worlds.grid.names import resource_world


def test_without_slips_it_is_the_optimum_of_tours() -> None:
    world = resource_world("resource-gathering:side=3")
    values = slippery.of_groups(world)
    known = tours.optimum(3, world.home, range(1, 10))
    for budget, found in enumerate(known, 1):
        groups = slippery.best_partition(values, 9, budget)
        total = sum(values[sum(1 << i for i in group)] for group in groups)
        assert total / 9 == pytest.approx(found.welfare)
        assert sorted(i for group in groups for i in group) == list(range(9))


def test_a_single_agent_at_home_by_hand() -> None:
    """On a 2 x 2 grid two of four directions bump at home, which pays 99; else the way home is sought, tile by tile.

    Next to home: one direction leads home, two bump, one leads to the far corner; from there, two lead next to home.
    """
    world, p = resource_world("resource-gathering:slip=0.4,side=2"), 0.4
    near = far = 0.0
    for time in range(world.limit, 1, -1):
        home = 100.0 - time
        near, far = (
            (1 - p + p / 4) * home + p / 4 * (2 * near + far),
            (1 - p) * max(near, far) + p / 4 * (2 * near + 2 * far),
        )
    expected = (1 - p / 2) * 99.0 + p / 2 * near
    values = slippery.of_groups(world)
    assert values[1 << (world.home[0] * 2 + world.home[1])] == pytest.approx(expected)


def test_more_slips_are_worth_less() -> None:
    found = [exact.optimum(f"resource-gathering:slip={slip},side=2", [1, 2]).welfare for slip in (0.05, 0.2, 0.6)]
    assert all(a > b for one, other in itertools.pairwise(found) for a, b in zip(one, other, strict=True))
    assert all(one[1] >= one[0] for one in found)


@given(st.integers(0, 2**32 - 1), st.integers(1, 4))
def test_partitions_by_brute_force(seed: int, budget: int) -> None:
    values = np.random.default_rng(seed).random(1 << 4)
    values[0] = 0.0
    best = max(
        sum(values[sum(1 << i for i in range(4) if labels[i] == j)] for j in range(budget))
        for labels in itertools.product(range(budget), repeat=4)
    )
    groups = slippery.best_partition(values, 4, budget)
    assert sum(values[sum(1 << i for i in group)] for group in groups) == pytest.approx(best)


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("slip=2", "slip of --world resource-gathering must be from 0 to 0.9, got 2"),
        ("slip=x", "slip of --world resource-gathering must be a number, got 'x'"),
        ("side=9", "side of --world resource-gathering must be from 2 to 5, got 9"),
        ("side=3,side=4", "says twice what side should be"),
        ("slide=3", "options of --world resource-gathering are slip=NUMBER, side=NUMBER, got 'slide=3'"),
    ],
)
def test_names_that_are_none(name: str, says: str) -> None:
    with pytest.raises(PolicyBudgetError, match=says):
        resource_world(f"resource-gathering:{name}")


def test_a_name_is_that_of_its_world() -> None:
    for name in ("", ":slip=0.1", ":side=3", ":slip=0.25,side=4"):
        assert resource_world(f"resource-gathering{name}").name == f"resource-gathering{name}"


def test_large_grids_are_refused() -> None:
    with pytest.raises(
        PolicyBudgetError, match="known up to a side of 3, got resource-gathering:slip=0.1; give side=3"
    ):
        exact.optimum("resource-gathering:slip=0.1", [1])
