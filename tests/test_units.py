"""Actions in the environment's units are those that training's copies of it get, to the bit."""

from __future__ import annotations

import json

import gymnasium
import numpy as np
import pytest
from gymnasium import spaces as gym_spaces

from policybudget.errors import PolicyBudgetError
from policybudget.policies.architecture import Architecture
from policybudget.units import Units
from policybudget.worlds import world_from
from policybudget.worlds.grid.resource_gathering import ResourceGathering
from policybudget.worlds.gym.world import GymnasiumWorld

INF = np.inf
SPACES = {
    "two bounds": gym_spaces.Box(np.array([-2.0, 0.0]), np.array([2.0, 5.0]), dtype=np.float64),
    "one bound": gym_spaces.Box(np.float32([0.5, -INF]), np.float32([INF, 3.0])),
    "no bound": gym_spaces.Box(-INF, INF, (2,), np.float32),
    "huge bound": gym_spaces.Box(np.float32(-3.4e38), np.float32(3.4e38), (2,), np.float32),
    "whole numbers": gym_spaces.Box(-3, 4, (2,), np.int64),
    "a matrix": gym_spaces.Box(-1.5, 0.5, (2, 2), np.float32),
    "choice": gym_spaces.Discrete(4),
    "choice from 5": gym_spaces.Discrete(4, start=5),
    "choices": gym_spaces.MultiDiscrete([2, 3]),
    "choices from": gym_spaces.MultiDiscrete([2, 3], start=[1, -1]),
    "bits": gym_spaces.MultiBinary((2, 2)),
}


class Still(gymnasium.Env[np.ndarray, object]):
    """Nothing happens."""

    observation_space = gym_spaces.Box(-1.0, 1.0, (3,), np.float32)

    def __init__(self, space: gym_spaces.Space[object]) -> None:
        self.action_space = space


def world(space: gym_spaces.Space[object]) -> GymnasiumWorld:
    return world_from(lambda number: gymnasium.vector.SyncVectorEnv([lambda: Still(space)] * number), "still")


def by_formula(units: Units, actions: np.ndarray) -> np.ndarray:
    """What a reader of the manifest computes from its numbers."""
    record = units.record()
    if units.kind != "box":
        return actions.reshape(len(actions), -1) + np.array(record["start"] or [0])
    low, high = (np.array([missing if x is None else x for x in record[side]])
                 for side, missing in (("low", -INF), ("high", INF)))  # fmt: skip
    stretched = np.clip(np.array(record["offset"]) + np.array(record["scale"]) * np.float64(actions), low, high)
    return np.round(stretched) if "round" in record["formula"] else stretched


@pytest.mark.parametrize("name", SPACES)
def test_as_the_manifest_says(name: str) -> None:
    space, rng = SPACES[name], np.random.default_rng(0)
    units = world(space).units
    assert Units.from_record(json.loads(json.dumps(units.record()))) == units
    if units.kind == "box":
        actions = (2.0 * rng.standard_normal((50, *units.sizes))).astype(np.float32)
    else:
        actions = np.stack([rng.integers(n, size=50) for n in units.sizes], axis=1).astype(np.int32)
        actions = actions[:, 0] if units.kind == "discrete" else actions
    got = units(actions)
    assert got.dtype == space.dtype and got.shape == (50, *space.shape)
    np.testing.assert_array_equal(got, by_formula(units, actions).reshape(got.shape).astype(space.dtype))
    assert all(space.contains(action) for action in got)


def test_known_values() -> None:
    units = world(SPACES["two bounds"]).units
    np.testing.assert_array_equal(units(np.array([[0.5, -1.0], [3.0, 0.0]])), [[1.0, 0.0], [2.0, 2.5]])
    record = units.record()
    assert (record["offset"], record["scale"]) == ([0.0, 2.5], [2.0, 2.5])
    assert world(SPACES["choice from 5"]).units(np.array([0, 3])).tolist() == [5, 8]


def test_a_world_in_jax_takes_actions_as_they_are() -> None:
    units = ResourceGathering().units
    assert units == Units("discrete", (4,))
    assert units(np.array([3, 1])).tolist() == [3, 1]


def test_shapes_of_arrays() -> None:
    shapes = Architecture(7, Units("box", (2,), (0.0,) * 2, (1.0,) * 2), (8, 5), "biases").shapes(3)
    assert shapes == {
        "actor.network.layers.0.weight": (7, 8), "actor.network.layers.0.bias": (3, 1, 8),
        "actor.network.layers.1.weight": (8, 5), "actor.network.layers.1.bias": (5,),
        "actor.network.layers.2.weight": (3, 5, 2), "actor.network.layers.2.bias": (3, 1, 2),
        "actor.log_std": (3, 1, 2),
        "normaliser.count": (), "normaliser.mean": (7,), "normaliser.squares": (7,),
    }  # fmt: skip


@pytest.mark.parametrize(
    ("name", "change", "line"),
    [
        ("two bounds", {"low": []}, "2 bounds"),
        ("two bounds", {"low": [3.0, 0.0]}, "no bound above the other"),
        ("two bounds", {"sizes": [2, 2]}, "one size"),
        ("a matrix", {"shape": [2, 3]}, "a shape of 4 numbers"),
        ("whole numbers", {"dtype": "uint8"}, "numbers of type uint8"),
        ("choice", {"shape": [2]}, "a shape of 1 numbers"),
        ("choice from 5", {"start": [5, 5]}, "a first choice for each of 1"),
        ("choices", {"start": [127, 0], "dtype": "int8"}, "numbers of type int8"),
        ("bits", {"shape": [2**50] * 30}, "a shape of 4 numbers"),
    ],
)
def test_records_whose_parts_do_not_go_together(name: str, change: dict, line: str) -> None:
    record = world(SPACES[name]).units.record() | change
    with pytest.raises(PolicyBudgetError, match=f"actions of kind {record['kind']} need {line}"):
        Units.from_record(record)
