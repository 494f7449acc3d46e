"""Worlds by the ids of Gymnasium and MO-Gymnasium."""

from __future__ import annotations

import numpy as np
import pytest

from policybudget.errors import PolicyBudgetError
from policybudget.worlds.gym.named import world_by_id
from policybudget.worlds.gym.world import NO_LIMIT
from policybudget.worlds.interface import Discrete


def test_vector_rewards_of_mo_gymnasium() -> None:
    world = world_by_id("deep-sea-treasure-v0")
    assert (world.sizes, world.actions, world.time_limit) == ((2, 2), Discrete(4), 100)
    copies = world.copies(2)
    np.testing.assert_array_equal(copies.reset(0), np.zeros((2, 2)))
    step = copies.step(np.array([1, 3]))  # down, right
    np.testing.assert_allclose(step.outcome, [[0.7, -1.0], [0.0, -1.0]], rtol=1e-6)
    assert step.terminated.tolist() == [True, False]
    step = copies.step(np.array([0, 0]))  # one copy is reset
    assert step.valid.tolist() == [False, True] and step.outcome[0].tolist() == [0.0, 0.0]
    np.testing.assert_array_equal(step.observation[0], [0, 0])


@pytest.mark.parametrize(
    ("identifier", "sizes", "limit"),
    [("CartPole-v1", (4, 1), 500), ("fruit-tree-v0", (2, 6), NO_LIMIT), ("mo-reacher-v5", (6, 4), 50)],
)
def test_worlds_by_id(identifier: str, sizes: tuple[int, int], limit: int) -> None:
    world = world_by_id(identifier)
    assert (world.name, world.sizes, world.time_limit) == (f"gym:{identifier}", sizes, limit)


@pytest.mark.parametrize(
    ("identifier", "message"),
    [
        ("Nowhere-v3", r"gym: must be followed by a Gymnasium or MO-Gymnasium id, got 'Nowhere-v3'"),
        ("no_such_module:Cart-v0", r"got 'no_such_module:Cart-v0' \(ModuleNotFoundError: No module named"),
        ("mo-lunar-lander-v3", r"world gym:mo-lunar-lander-v3 could not be made: DependencyNotInstalled: Box2D"),
        ("minecart-rgb-v0", r"has image observations of shape \(480, 480, 3\); only vectors are supported for now"),
    ],
)
def test_worlds_that_cannot_be_made(identifier: str, message: str) -> None:
    with pytest.raises(PolicyBudgetError, match=message) as error:
        world_by_id(identifier)
    assert "\n" not in str(error.value)
