from __future__ import annotations

from pathlib import Path

import jax.numpy as jnp
import numpy as np
import pytest

from policybudget.errors import PolicyBudgetError
from policybudget.population import Experience, Population
from policybudget.worlds import registry
from policybudget.worlds.glucose.parameters import Parameters
from policybudget.worlds.glucose.patients import all_patients
from policybudget.worlds.glucose.population import glucose_population, read_patients
from policybudget.worlds.glucose.world import GlucoseWorld

WORLD = GlucoseWorld()


def returns(population: Population, steps: int, low: float, high: float) -> np.ndarray:
    """(n,) what a day is worth to each agent with these risks all day."""
    n = population.size
    outcome = jnp.zeros((n, 9)).at[:, 0].set(low).at[:, 1].set(high)
    played = Experience(jnp.zeros((n, 12)), jnp.zeros((n, 3)), outcome, jnp.zeros((n, 12)))
    return steps * np.asarray(population.rewards.paid(played, jnp.arange(n)))


def test_all_patients() -> None:
    _, population = registry.make("glucose")
    assert population.names == all_patients().names and population.size == 30
    assert population.dynamics is not None and population.parameters is not None
    assert population.dynamics.shape == (30, len(Parameters._fields)) and population.parameters.shape == (30, 4)
    assert population.dynamics[10, Parameters._fields.index("BW")] == pytest.approx(102.32)
    assert population.parameters[10, 0] == pytest.approx(np.log2(102.32))
    assert population.return_scale == population.highest_return == 100.0


@pytest.mark.parametrize("minutes", [3, 5])
def test_a_day_without_risk_is_worth_100(minutes: int) -> None:
    population = glucose_population(GlucoseWorld(minutes=minutes))
    steps = 1440 // minutes
    for low, high, worth in ((0.0, 0.0, 100.0), (12.0, 0.0, 88.0), (0.0, 30.0, 70.0), (100.0, 0.0, 0.0)):
        np.testing.assert_allclose(returns(population, steps, low, high), np.full(30, worth), atol=1e-4)


def test_some_patients() -> None:
    first, again, other = (glucose_population(WORLD, 20, seed).names for seed in (0, 0, 1))
    assert first == again != other and len(set(first)) == 20 and set(first) < set(all_patients().names)
    with pytest.raises(PolicyBudgetError, match="there are 30 patients, got --agents 31"):
        glucose_population(WORLD, 31)


def test_patients_with_wishes(tmp_path: Path) -> None:
    path = tmp_path / "users.csv"
    path.write_text("patient,high,low,weight\nadult#001,1,2,3\nchild#002,0.5,1,1\nadult#001,1,1,1\n")
    _, population = registry.make("glucose", population=str(path))
    assert population.names == ("adult#001", "child#002", "adult#001 (2)")
    assert population.agent_weights is not None and population.agent_weights.tolist() == [3, 1, 1]
    assert population.parameter_names[-2:] == ("low", "high") and population.parameters is not None
    np.testing.assert_array_equal(population.parameters[:, -2:], [[2, 1], [1, 0.5], [1, 1]])
    np.testing.assert_allclose(returns(population, 288, 20.0, 10.0), [100 - 40 - 10, 100 - 20 - 5, 70], atol=1e-4)
    assert population.dynamics is not None
    np.testing.assert_array_equal(population.dynamics[0], population.dynamics[2])


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("patient\nadult#001\nadult#11\n", r"users.csv, line 3, column patient: there is no patient 'adult#11' \(did"),
        ("patient\nfrog\n", "line 2, column patient: there is no patient 'frog'; patients are adolescent#, adult# and"),
        ("patient,low\nadult#001,-1\n", "line 2, column low: expected a number from 0 on, got '-1'"),
        ("patient,env.g\nadult#001,1\n", "must have a column patient and may have low, high, name, weight, outside"),
        ("name\nme\n", "must have a column patient"),
    ],
)
def test_bad_tables_are_one_line(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "users.csv"
    path.write_text(text)
    with pytest.raises(PolicyBudgetError, match=message) as error:
        read_patients(WORLD, path)
    assert "\n" not in str(error.value)
