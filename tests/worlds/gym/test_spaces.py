from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from gymnasium import spaces

from policybudget.errors import PolicyBudgetError, WorldError
from policybudget.worlds.gym.spaces import as_batch, flat_size, flatten, units_of

NESTED = spaces.Dict({"b": spaces.Tuple((spaces.Discrete(3), spaces.Box(0, 1, (2, 2)))), "a": spaces.MultiBinary(2)})


@pytest.mark.parametrize(
    ("space", "size"),
    [
        (spaces.Box(-1, 1, ()), 1),
        (spaces.Box(-1, 1, (2, 3)), 6),
        (spaces.Box(0, 255, (128,), np.uint8), 128),
        (spaces.Discrete(7), 7),
        (spaces.MultiDiscrete([2, 5]), 7),
        (spaces.MultiBinary((2, 2)), 4),
        (NESTED, 2 + 3 + 4),
    ],
)
def test_flat_sizes_are_those_of_flat_samples(space: Any, size: int) -> None:
    assert flat_size("w", space) == size
    space.seed(0)
    assert flatten(space, as_batch(space, space.sample()), 1).shape == (1, size)


def test_nested_by_hand() -> None:
    batch = {"a": np.array([[1, 0], [0, 1]]), "b": (np.array([2, 0]), np.arange(8.0).reshape(2, 2, 2))}
    expected = [[1, 0, 0, 0, 1, 0, 1, 2, 3], [0, 1, 1, 0, 0, 4, 5, 6, 7]]
    np.testing.assert_array_equal(flatten(NESTED, batch, 2), expected)


@pytest.mark.parametrize(
    ("space", "message"),
    [
        (spaces.Box(0, 255, (8, 8, 3), np.uint8), r"image observations of shape \(8, 8, 3\); only vectors"),
        (spaces.Box(0, 255, (8, 8), np.uint8), r"image observations of shape \(8, 8\)"),
        (spaces.Text(5), "observations of kind Text; supported are Box, Discrete"),
        (spaces.Dict({"x": spaces.Sequence(spaces.Discrete(2))}), "observations of kind Sequence"),
    ],
)
def test_observations_that_are_not_supported(space: Any, message: str) -> None:
    with pytest.raises(PolicyBudgetError, match=f"world w has {message}"):
        flat_size("w", space)


def test_actions_that_are_not_supported() -> None:
    with pytest.raises(
        PolicyBudgetError, match="world w has actions of kind Text; supported are Discrete, MultiDiscrete"
    ):
        units_of("w", spaces.Text(3))


@pytest.mark.parametrize("number", [-1, 3])
def test_numbers_outside_their_space(number: int) -> None:
    with pytest.raises(WorldError, match=f"an observation is number {number} of 3"):
        flatten(spaces.Discrete(3), np.array([0, number]), 2)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_stretched_actions_keep_the_type_and_the_bounds(dtype: Any) -> None:
    box = spaces.Box(dtype(-0.4), dtype(0.4), (3,), dtype)
    actions = units_of("w", box)(np.random.default_rng(0).normal(size=(50, 3)) * 2)
    assert actions.dtype == dtype and all(box.contains(action) for action in actions)
