"""Populations from functions of the transition, and from target values."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from policybudget.errors import PolicyBudgetError
from policybudget.population import Experience, Population

SEEN = Experience(jnp.ones((4, 3, 2)), jnp.zeros((4, 3, 1)), jnp.arange(24.0).reshape(4, 3, 2), 2 * jnp.ones((4, 3, 2)))


def moved(seen: Any) -> Any:
    library = np if isinstance(seen.outcome, np.ndarray) else jnp
    return library.stack([seen.outcome[..., 0], (seen.next_observation - seen.observation).sum(-1)], axis=-1)


@pytest.mark.parametrize("numpy", [False, True])
def test_functions_in_jax_and_in_numpy_give_the_same(numpy: bool) -> None:
    features = Population.from_function(moved, ["first", "moving"], numpy=numpy).rewards.features
    expected = np.stack([np.arange(0, 24, 2).reshape(4, 3), np.full((4, 3), 2.0)], axis=-1)
    np.testing.assert_array_equal(jax.jit(features)(SEEN), expected)
    np.testing.assert_array_equal(jax.lax.map(features, SEEN), expected)
    np.testing.assert_array_equal(jax.vmap(features)(SEEN), expected)


@pytest.mark.parametrize("numpy", [False, True])
def test_functions_of_another_shape(numpy: bool) -> None:
    features = Population.from_function(lambda seen: seen.outcome, ["a", "b", "c"], numpy=numpy).rewards.features
    message = r"the reward function must give an array of shape \(4, 3, 3\), agents on the last axis, got \(4, 3, 2\)"
    with pytest.raises((PolicyBudgetError, jax.errors.JaxRuntimeError), match=message):
        jax.block_until_ready(features(SEEN))


def test_numpy_functions_that_are_not_finite() -> None:
    def log(seen: Any) -> Any:
        return np.where(np.arange(2) == 1, np.inf, seen.outcome)

    features = Population.from_function(log, ["a", "b"], numpy=True).rewards.features
    with pytest.raises(jax.errors.JaxRuntimeError, match="gave agent 1 a reward that is not finite"):
        jax.block_until_ready(features(SEEN))


def test_wider_targets_pay_further_from_them_and_no_more_on_them() -> None:
    rewards = Population.from_targets([0.0, 4.0], half_width=2.0, scale=10.0).rewards
    seen = SEEN._replace(outcome=jnp.array([[0.0], [1.0], [3.0]]))
    np.testing.assert_allclose(rewards.agents(rewards.features(seen)), [[10, 0], [5, 0], [0, 5]])
    wide, own = rewards.widened()
    features = wide.at(jnp.asarray(4.0)).features(seen)
    np.testing.assert_allclose(wide.agents(features), [[10, 5], [8.75, 6.25], [6.25, 8.75]])
    np.testing.assert_allclose(own.agents(features), rewards.features(seen))
    np.testing.assert_allclose(wide.agents(wide.features(seen)), rewards.features(seen), err_msg="as wide as their own")


def test_many_agents_are_widened_without_a_table_of_pairs() -> None:
    wide, own = Population.from_targets(np.arange(200_000.0), half_width=1.0).rewards.widened()
    alpha = jnp.ones((1, 200_000))
    for rewards, first in ((wide, True), (own, False)):
        mixture = rewards.mixture(alpha)
        assert mixture.shape == (1, 400_000) and bool(mixture[0, 0]) is first and bool(mixture[0, -1]) is not first
        np.testing.assert_array_equal(rewards.agents(mixture), alpha)


@pytest.mark.parametrize(
    "population",
    [Population.from_weights([[1.0, 0.0]]), Population.from_targets([1.0], 1.0, dynamics=np.zeros((1, 1)))],
)
def test_only_targets_in_a_shared_dynamics_are_widened(population: Population) -> None:
    with pytest.raises(PolicyBudgetError, match="only rewards around targets .* can be widened; use --widen 1"):
        population.rewards.widened()


@pytest.mark.parametrize(
    ("targets", "width", "message"),
    [
        ([], 1.0, r"targets must be a list of finite numbers, got an array of shape \(0,\)"),
        ([[1.0]], 1.0, r"got an array of shape \(1, 1\)"),
        ([1.0, np.nan], 1.0, "targets must be a list of finite numbers"),
        ([1.0], 0.0, "half_width must be positive, got 0.0"),
        ([1.0], np.nan, "half_width must be positive, got nan"),
    ],
)
def test_bad_targets(targets: Any, width: float, message: str) -> None:
    with pytest.raises(PolicyBudgetError, match=message):
        Population.from_targets(targets, width)
