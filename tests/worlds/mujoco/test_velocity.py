from __future__ import annotations

from pathlib import Path

import jax.numpy as jnp
import numpy as np
import pytest

from policybudget.errors import PolicyBudgetError
from policybudget.population import Experience, Population
from policybudget.worlds import registry
from policybudget.worlds.mujoco.velocity import BOUNDS, velocity_population

SIZES = {"half-cheetah": (17, 6), "ant": (27, 8), "hopper": (11, 3), "walker2d": (17, 6)}


@pytest.mark.parametrize("task", BOUNDS)
def test_worlds_by_name(task: str) -> None:
    world, population = registry.make(f"{task}-velocity", agents=7, population_seed=3)
    assert (world.name, world.time_limit, world.outcome_size) == (f"{task}-velocity", 1000, 1)
    assert (world.observation_size, world.actions.size) == SIZES[task]
    assert population.size == population.num_features == 7 and population.return_scale == 100.0


@pytest.mark.parametrize("task", BOUNDS)
def test_targets_are_uniform_and_depend_on_the_seed_alone(task: str) -> None:
    population = velocity_population(task, 4000, 1)
    assert population.parameters is not None and population.parameter_names == ("target velocity (m/s)",)
    targets = population.parameters[:, 0]
    assert targets.min() >= 0.0 and targets.max() <= BOUNDS[task]
    np.testing.assert_allclose(np.quantile(targets, [0.25, 0.5, 0.75]) / BOUNDS[task], [0.25, 0.5, 0.75], atol=0.03)
    again, other = velocity_population(task, 4000, 1), velocity_population(task, 4000, 2)
    assert population.names == again.names and len(set(population.names)) == 4000
    np.testing.assert_array_equal(targets, again.parameters[:, 0])  # type: ignore[index]
    assert abs(targets - other.parameters[:, 0]).max() > 0.1  # type: ignore[index]


def test_targets_of_a_file(tmp_path: Path) -> None:
    users = tmp_path / "users.csv"
    users.write_text("name,speed,weight\nslow,0.5,1\nfast,2.25,3\n")
    _, population = registry.make("hopper-velocity", population=str(users))
    assert population.names == ("slow", "fast") and population.parameters is not None
    np.testing.assert_array_equal(population.parameters[:, 0], [0.5, 2.25])
    np.testing.assert_array_equal(population.agent_weights, [1, 3])
    tent = population.rewards.features
    np.testing.assert_array_equal(tent.targets, [0.5, 2.25])  # type: ignore[attr-defined]
    assert float(tent.half_width) == 0.125  # type: ignore[attr-defined]
    users.write_text("name,direction\nslow,0.5\n")
    with pytest.raises(PolicyBudgetError, match="must have a column speed"):
        registry.make("hopper-velocity", population=str(users))


def test_the_tent() -> None:
    population = velocity_population("half-cheetah", 3, 0)
    features = Population.from_targets([0.0, 2.0, 4.0], half_width=0.2, scale=0.1).rewards.features
    velocity = jnp.array([[2.0], [2.05], [1.9], [2.2], [-0.1], [9.0]])
    blank = jnp.zeros((6, 1))
    paid = features(Experience(blank, blank, velocity, blank))
    expected = [[0, 0.1, 0], [0, 0.075, 0], [0, 0.05, 0], [0, 0, 0], [0.05, 0, 0], [0, 0, 0]]
    np.testing.assert_allclose(paid, expected, atol=1e-6)
    tent = population.rewards.features
    np.testing.assert_allclose([tent.half_width, tent.scale], [0.2, 0.1], rtol=1e-6)  # type: ignore[attr-defined]
    perfect = tent(Experience(blank[:1], blank[:1], tent.targets[None, :1], blank[:1]))  # type: ignore[attr-defined]
    assert 1000 * float(perfect[0, 0]) == pytest.approx(100.0)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"name": "hopper-velocity", "agents": 0}, "agents must be at least 1, got 0"),
        ({"name": "resource-gathering", "population": "users.csv"}, "draws its own population"),
        ({"name": "gym:CartPole-v1", "agents": 3, "population": "users.csv"}, "leave --agents out"),
        ({"name": "gym:CartPole-v1"}, "gym:CartPole-v1 needs --population users.csv"),
    ],
)
def test_options_that_do_not_fit(options: dict[str, object], message: str) -> None:
    with pytest.raises(PolicyBudgetError, match=message):
        registry.make(**options)  # type: ignore[arg-type]
