from __future__ import annotations

import jax.numpy as jnp
import numpy as np
import pytest

from policybudget.errors import PolicyBudgetError
from policybudget.population import Population


def test_identity_weights_are_not_stored() -> None:
    population = Population.from_features(["a", "b"])
    assert population.size == 2 and population.num_features == 2 and population.rewards.weights is None
    features = jnp.array([3.0, 4.0])
    np.testing.assert_array_equal(population.rewards.agents(features), [3.0, 4.0])
    alpha = jnp.array([[1.0, 0.5], [0.0, 0.5]])
    np.testing.assert_array_equal(population.rewards.mixture(alpha), alpha)


def test_linear_rewards_and_mixture_by_hand() -> None:
    population = Population.from_weights([[1.0, 0.0, 2.0], [0.0, 3.0, -1.0]])
    assert population.names == ("agent 0", "agent 1") and population.num_features == 3
    np.testing.assert_array_equal(population.rewards.agents(jnp.array([5.0, 7.0, 11.0])), [27.0, 10.0])
    alpha = jnp.array([[1.0, 0.5], [0.0, 0.5]])
    np.testing.assert_array_equal(population.rewards.mixture(alpha), [[1.0, 1.5, 1.5], [0.0, 1.5, -0.5]])


@pytest.mark.parametrize(
    ("weights", "names", "message"),
    [
        ([1.0, 2.0], None, r"weights must be a table \(agents, features\), got an array of shape \(2,\)"),
        (np.zeros((0, 2)), None, r"got an array of shape \(0, 2\)"),
        ([[1.0, 2.0], [np.nan, 0.0]], None, r"weights must be finite, got \[nan, 0.0\] for agent 1"),
        ([[1.0], [np.inf]], None, "for agent 1"),
        ([[1.0], [2.0]], ["only one"], r"names must be as many as the agents \(2\), got 1"),
    ],
)
def test_bad_weights(weights: object, names: list[str] | None, message: str) -> None:
    with pytest.raises(PolicyBudgetError, match=message):
        Population.from_weights(weights, names)
