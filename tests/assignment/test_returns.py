"""The table of returns: eq. 10, and what is unknown."""

from __future__ import annotations

import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from policybudget.assignment.returns import MovingAverage, Returns
from policybudget.population import Population
from policybudget.rollouts.batch import Episodes

MIXING = 0.05


def finished(returns: list[float]) -> Episodes:
    """Episodes of one policy with these returns, in this order."""
    count = len(returns)
    recent = sum(MIXING * (1 - MIXING) ** (count - 1 - index) * value for index, value in enumerate(returns))
    return Episodes(
        jnp.array([[float(count)]]),
        jnp.array([[float(sum(returns))]]),
        jnp.array([[float(recent)]]),
        jnp.array([[(1 - MIXING) ** count]]),
    )


def fresh() -> MovingAverage:
    return MovingAverage.start(1, 1)


REWARDS = Population.from_features(["a"]).rewards


@given(st.lists(st.lists(st.floats(-100, 100, width=32), max_size=5), min_size=1, max_size=4))
def test_eq_10_over_batches_of_several_episodes(batches: list[list[float]]) -> None:
    table, expected = fresh(), 0.0
    for batch in batches:
        table = table.observe(finished(batch))
        for value in batch:
            expected = (1 - MIXING) * expected + MIXING * value
    episodes = sum(len(batch) for batch in batches)
    np.testing.assert_allclose(table.average[0, 0], expected, rtol=1e-4, atol=1e-4)
    debiased = expected / (1 - (1 - MIXING) ** episodes) if episodes else 0.0
    found = table.estimate(REWARDS)
    assert bool(found.known[0, 0]) is (episodes > 0)
    np.testing.assert_allclose(found.value[0, 0], debiased, rtol=1e-3, atol=1e-2)
    np.testing.assert_allclose(found.episodes[0, 0], 1 - (1 - MIXING) ** episodes, rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("episodes", [1, 2, 50])
def test_a_constant_return_is_the_estimate_from_the_first_episode_on(episodes: int) -> None:
    table = fresh().observe(finished([74.0] * episodes))
    np.testing.assert_allclose(table.estimate(REWARDS).value[0, 0], 74.0, rtol=1e-5)


def test_two_episodes_by_hand() -> None:
    table = fresh().observe(finished([10.0, 30.0]))
    np.testing.assert_allclose(table.average[0, 0], 0.05 * 30 + 0.95 * 0.05 * 10, rtol=1e-6)
    np.testing.assert_allclose(table.estimate(REWARDS).value[0, 0], (0.05 * 30 + 0.0475 * 10) / 0.0975, rtol=1e-5)


def test_without_an_episode_nothing_is_known() -> None:
    found = fresh().observe(finished([])).estimate(REWARDS)
    np.testing.assert_array_equal(found.known, [[False]])
    np.testing.assert_array_equal(found.episodes, [[0.0]])
    assert np.isfinite(found.neutral).all()


def test_returns_of_linear_users_are_feature_returns_times_weights() -> None:
    rewards = Population.from_weights([[1.0, 0.0], [0.0, 2.0], [1.0, -1.0]]).rewards
    table = MovingAverage(jnp.array([[1.0, 2.0], [3.0, 4.0]]), jnp.array([[0.5], [0.75]]))
    features = np.array([[2.0, 4.0], [12.0, 16.0]])
    expected = [[f[0], 2 * f[1], f[0] - f[1]] for f in features]
    np.testing.assert_allclose(table.estimate(rewards).value, expected, rtol=1e-6)
    np.testing.assert_allclose(table.estimate(rewards).episodes, [[0.5] * 3, [0.25] * 3], rtol=1e-6)


def test_the_table_of_copies() -> None:
    table = MovingAverage(jnp.array([[1.0], [3.0], [5.0]]), jnp.array([[0.5], [0.75], [1.0]])).of(jnp.array([1, 1, 2]))
    np.testing.assert_array_equal(table.average, [[3.0], [3.0], [5.0]])
    np.testing.assert_array_equal(table.estimate(REWARDS).known, [[True], [True], [False]])


def test_unknown_cells_are_filled_with_what_neither_attracts_nor_repels() -> None:
    # of agent 0 two cells are known, of agent 1 one, of agent 2 none; what stands in unknown cells is never read
    value = jnp.array([[-4.0, -9.0, jnp.nan], [-8.0, jnp.nan, 1e9], [jnp.nan, 0.0, -1e9]])
    episodes = jnp.array([[1.0, 0.3, 0.0], [2.0, 0.0, 0.0], [0.0, 0.0, 0.0]])
    expected = [[-4.0, -9.0, -7.0], [-8.0, -9.0, -7.0], [-6.0, -9.0, -7.0]]
    np.testing.assert_allclose(Returns(value, episodes).neutral, expected, rtol=1e-6)


def test_where_all_is_known_nothing_is_filled_and_where_nothing_is_all_are_alike() -> None:
    value = jnp.array([[-4.0, -9.0], [-8.0, 3.0]])
    np.testing.assert_array_equal(Returns(value, jnp.ones((2, 2))).neutral, value)
    assert len(np.unique(Returns(value, jnp.zeros((2, 2))).neutral)) == 1
