from __future__ import annotations

import jax.numpy as jnp
import numpy as np
import pytest

from policybudget.errors import PolicyBudgetError
from policybudget.population import Experience, Population


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


def population(kind: str, **details: object) -> Population:
    if kind == "weights":
        return Population.from_weights([[1.0], [2.0]], ["ann", "bob"], **details)
    if kind == "targets":
        return Population.from_targets([1.0, 2.0], 0.5, names=["ann", "bob"], **details)
    if kind == "function":
        return Population.from_function(lambda seen: seen.outcome, ["ann", "bob"], **details)
    return Population.from_features(["ann", "bob"], **details)


@pytest.mark.parametrize("kind", ["weights", "targets", "function", "features"])
def test_agent_weights_and_outside_options(kind: str) -> None:
    plain = population(kind)
    assert plain.agent_weights is None and plain.outside is None
    given = np.array([3.0, 0.5])
    full = population(kind, agent_weights=given, outside=np.array([-np.inf, -2]))
    given[0] = 99.0  # a population keeps what it was given
    for values, expected in ((full.agent_weights, [3.0, 0.5]), (full.outside, [-np.inf, -2.0])):
        assert values is not None and values.dtype == np.float32
        np.testing.assert_array_equal(values, expected)


@pytest.mark.parametrize(
    ("what", "numbers", "message"),
    [
        ("agent_weights", [1.0], r"must be positive finite numbers, one per agent \(2\), got an array of shape \(1,\)"),
        ("agent_weights", 2.0, r"got an array of shape \(\)"),
        ("agent_weights", [1.0, 0.0], "agent_weights must be positive finite numbers, got 0.0 for bob"),
        ("agent_weights", [-1.0, 1.0], "got -1.0 for ann"),
        ("agent_weights", [1.0, np.nan], "got nan for bob"),
        ("agent_weights", [1.0, 1e60], "got inf for bob"),
        ("agent_weights", [1.0, 1e-60], "got 0.0 for bob"),
        ("agent_weights", ["many", "1"], r"agent_weights must be positive finite numbers, one per agent \(2\)$"),
        ("outside", [[1.0, 2.0]], r"numbers, one per agent \(2\), got an array of shape \(1, 2\)"),
        ("outside", [np.inf, 1.0], r"outside must be finite \(or -inf: no option\) numbers, got inf for ann"),
        ("outside", [1.0, np.nan], "got nan for bob"),
    ],
)
@pytest.mark.parametrize("kind", ["weights", "features"])
def test_bad_numbers_per_agent(kind: str, what: str, numbers: object, message: str) -> None:
    with pytest.raises(PolicyBudgetError, match=message):
        population(kind, **{what: np.array(numbers)})


def test_critics_are_told_what_differs_of_agents_with_their_own_dynamics() -> None:
    own = population("weights", dynamics=np.array([[9.0, 1.0], [9.0, 3.0]]), parameters=np.array([[5.0], [1.0]]))
    assert own.rewards.own and own.table_width == 2 and own.dynamics is not None and own.dynamics.dtype == np.float32
    np.testing.assert_array_equal(own.rewards.task(jnp.array([1, 0])), [[9.0, 3.0], [9.0, 1.0]])
    np.testing.assert_allclose(own.rewards.told, [[-1.0, 1.0], [1.0, -1.0]])  # standardised; what is alike says nothing
    nothing = population("weights", dynamics=np.zeros((2, 0)))
    assert nothing.rewards.told is not None and nothing.rewards.told.shape == (2, 0)
    shared = population("weights")
    assert not shared.rewards.own and shared.rewards.task(jnp.array([0])) is None


def test_a_transition_pays_the_agent_that_it_was_played_for() -> None:
    outcome = jnp.array([[2.0, 3.0]] * 3)
    blank = jnp.zeros((3, 1))
    seen, whom = Experience(blank, jnp.zeros(3, int), outcome, blank), jnp.array([0, 1, 1])
    linear = Population.from_weights([[1.0, 0.0], [10.0, 100.0]], dynamics=np.zeros((2, 0)))
    np.testing.assert_array_equal(linear.rewards.paid(seen, whom), [2.0, 320.0, 320.0])
    each = Population.from_features(["ann", "bob"], dynamics=np.zeros((2, 0)))
    np.testing.assert_array_equal(each.rewards.paid(seen, whom), [2.0, 3.0, 3.0])


@pytest.mark.parametrize(
    ("dynamics", "shape"), [([1.0, 2.0], r"\(2,\)"), ([[1.0]], r"\(1, 1\)"), ([[1.0], [np.nan]], r"\(2, 1\)")]
)
def test_bad_dynamics(dynamics: object, shape: str) -> None:
    message = rf"dynamics must be a row of finite numbers per agent \(2\), got an array of shape {shape}"
    with pytest.raises(PolicyBudgetError, match=message):
        population("weights", dynamics=np.array(dynamics))
