"""What a committee is worth to tasks that had no part in its training."""

from __future__ import annotations

import jax.numpy as jnp
import numpy as np
import pytest

from policybudget.assessment.generalise import centres, coordinates, generalise, shared_tasks
from policybudget.errors import PolicyBudgetError
from policybudget.population import Population
from policybudget.runs.prototypes import Prototypes


def test_centres_are_the_mean_tasks_of_those_who_are_served() -> None:
    parameters, alpha = np.array([[0.0], [2.0], [6.0]]), np.array([[1.0, 1, 0], [0, 0, 1], [0, 0, 0]])
    found = centres(parameters, alpha)
    np.testing.assert_array_equal(found.places, [[1.0], [6.0], [np.inf]])
    np.testing.assert_array_equal(found.scale, [1.0])


def test_each_rule_by_hand() -> None:
    # two policies, one task near the second, four episodes; the first is better in the two trials, the second later
    returns = np.array([[[5.0, 5.0, 1.0, 2.0]], [[0.0, 0.0, 8.0, 4.0]]])
    found = generalise(returns, np.array([[1.0]]), Prototypes(np.array([[0.0], [0.9]]), np.ones(1)), trials=2)
    assert {name: float(one[0]) for name, one in found.means.items()} == {
        "nearest": 3.0,
        "few-shot": 1.5,
        "oracle": 5.5,
    }
    assert {name: one.tolist() for name, one in found.serves.items()} == {"nearest": [1], "few-shot": [0]}
    assert found.summary()["oracle"] == {"mean": 5.5, "ci95": None, "worst": 5.5}


def test_the_oracle_is_never_worse_and_noise_flatters_it() -> None:
    returns = np.random.default_rng(0).normal(size=(5, 200, 10))  # all policies alike
    places = Prototypes(np.zeros((5, 1)), np.ones(1))
    found = generalise(returns, np.zeros((200, 1)), places, trials=5).summary()
    assert abs(found["few-shot"]["mean"]) < 0.1 < 1.0 < found["oracle"]["mean"]


def test_coordinates_are_parameters_or_else_weights() -> None:
    weights = [[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]]
    where, names = coordinates(Population.from_weights(weights))
    np.testing.assert_array_equal(where, weights)
    assert names == ("weight 0", "weight 1")
    named = Population.from_weights(weights, parameters=np.zeros((3, 1)), parameter_names=("age",))
    assert coordinates(named)[0].shape == (3, 1) and coordinates(named)[1] == ("age",)
    with pytest.raises(PolicyBudgetError, match="tasks must have parameters, or weights of reward components"):
        coordinates(Population.from_features(["a", "b"]))
    assert isinstance(Population.from_weights(weights).rewards.weights, jnp.ndarray)


def test_shared_tasks() -> None:
    one, other = np.array([[1.0, 2], [3, 4], [5, 6]], np.float32), np.array([[5.0, 6], [2, 1], [1, 2]])
    assert shared_tasks(one, other).tolist() == [0, 2]
    assert shared_tasks(one, other[1:2]).tolist() == []
