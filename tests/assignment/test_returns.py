from __future__ import annotations

import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from policybudget.assignment.rule import AssignmentState, even_labels, one_hot
from policybudget.learning.rollout import Episodes
from policybudget.population import Population

MIXING = 0.05


def finished(returns: list[float]) -> Episodes:
    """Episodes of one policy with these returns, in this order."""
    count = len(returns)
    recent = sum(MIXING * (1 - MIXING) ** (count - 1 - index) * value for index, value in enumerate(returns))
    return Episodes(
        jnp.array([float(count)]),
        jnp.array([[float(sum(returns))]]),
        jnp.array([[float(recent)]]),
        jnp.array([(1 - MIXING) ** count]),
    )


def fresh() -> AssignmentState:
    return AssignmentState(jnp.ones((1, 1)), jnp.zeros((1, 1)), jnp.ones(1))


REWARDS = Population.from_features(["a"]).rewards


@given(st.lists(st.lists(st.floats(-100, 100, width=32), max_size=5), min_size=1, max_size=4))
def test_eq_10_over_batches_of_several_episodes(batches: list[list[float]]) -> None:
    state, table = fresh(), 0.0
    for batch in batches:
        state = state.observe(finished(batch))
        for value in batch:
            table = (1 - MIXING) * table + MIXING * value
    episodes = sum(len(batch) for batch in batches)
    np.testing.assert_allclose(state.table[0, 0], table, rtol=1e-4, atol=1e-4)
    debiased = table / (1 - (1 - MIXING) ** episodes) if episodes else 0.0
    np.testing.assert_allclose(state.returns(REWARDS)[0, 0], debiased, rtol=1e-3, atol=1e-2)


@pytest.mark.parametrize("episodes", [1, 2, 50])
def test_a_constant_return_is_the_estimate_from_the_first_episode_on(episodes: int) -> None:
    state = fresh().observe(finished([74.0] * episodes))
    np.testing.assert_allclose(state.returns(REWARDS)[0, 0], 74.0, rtol=1e-5)


def test_two_episodes_by_hand() -> None:
    state = fresh().observe(finished([10.0, 30.0]))
    np.testing.assert_allclose(state.table[0, 0], 0.05 * 30 + 0.95 * 0.05 * 10, rtol=1e-6)
    np.testing.assert_allclose(state.returns(REWARDS)[0, 0], (0.05 * 30 + 0.0475 * 10) / 0.0975, rtol=1e-5)


def test_no_episode_no_return() -> None:
    np.testing.assert_array_equal(fresh().observe(finished([])).returns(REWARDS), [[0.0]])


def test_returns_of_linear_users_are_feature_returns_times_weights() -> None:
    rewards = Population.from_weights([[1.0, 0.0], [0.0, 2.0], [1.0, -1.0]]).rewards
    state = AssignmentState(jnp.ones((2, 3)) / 2, jnp.array([[1.0, 2.0], [3.0, 4.0]]), jnp.array([0.5, 0.75]))
    features = np.array([[2.0, 4.0], [12.0, 16.0]])
    expected = [[f[0], 2 * f[1], f[0] - f[1]] for f in features]
    np.testing.assert_allclose(state.returns(rewards), expected, rtol=1e-6)


def test_one_hot_has_the_policy_first() -> None:
    np.testing.assert_array_equal(one_hot(jnp.array([1, 0, 1]), 3), [[0, 1, 0], [1, 0, 1], [0, 0, 0]])


@pytest.mark.parametrize(("agents", "budget"), [(25, 3), (5, 5), (7, 1)])
def test_round_robin_leaves_nobody_empty(agents: int, budget: int) -> None:
    sizes = np.bincount(np.asarray(even_labels(agents, budget)), minlength=budget)
    assert sizes.sum() == agents and sizes.max() - sizes.min() <= 1 and sizes.min() >= 1
