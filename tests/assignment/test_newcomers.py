"""Policies that join others learn for those who lack least, and serve nobody who has more already."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import policybudget as pb
from policybudget.assignment.newcomers import Newcomers
from policybudget.assignment.returns import Returns
from policybudget.assignment.rule import Known
from policybudget.objective import Objective
from policybudget.population import Population


def known(value: list[list[float]]) -> Returns:
    array = jnp.asarray(value, jnp.float32)
    return Returns(array, jnp.ones(array.shape, bool))


def update(rule: Newcomers, options: list[float], value: list[list[float]]) -> list[list[float]]:
    returns = known(value)
    first = jnp.ones(returns.value.shape) / len(value)
    objective = Objective(outside=jnp.asarray(options, jnp.float32))
    return np.asarray(rule.update(objective, returns, first, None, jax.random.key(0))).tolist()


def test_those_who_lack_least_are_served_before_anybody_gains() -> None:
    assert update(Newcomers(1 / 3), [0.5, 2.0, 3.0], [[0.3, 0.6, 1.0]]) == [[1, 0, 0]]
    assert update(Newcomers(2 / 3), [0.5, 2.0, 3.0], [[0.3, 0.6, 1.0]]) == [[1, 1, 0]]


def test_all_who_gain_are_served() -> None:
    assert update(Newcomers(1 / 3), [0.5, 2.0, 3.0], [[0.6, 2.5, 1.0]]) == [[1, 1, 0]]


def test_each_goes_to_the_better_of_two() -> None:
    assert update(Newcomers(0.5), [0.0, 0.0, 9.0, 9.0], [[1, 2, 0, 0], [2, 1, 0, 0]]) == [[0, 1, 0, 0], [1, 0, 0, 0]]


def test_an_empty_policy_is_given_who_lacks_least() -> None:
    assert update(Newcomers(1 / 3), [5.0, 1.0, 9.0], [[4, 0.5, 0], [0, 0, 0.4]]) == [[0, 1, 0], [1, 0, 0]]


@given(st.integers(0, 10**6), st.floats(0.01, 1.0))
def test_nobody_ends_with_less_than_it_had(seed: int, share: float) -> None:
    rng = np.random.default_rng(seed)
    value, options = rng.normal(size=(2, 6)).astype(np.float32), rng.normal(size=6).astype(np.float32)
    objective = Objective(outside=jnp.asarray(options))
    alpha = Newcomers(share).finalise(objective, jnp.zeros((2, 6)), jnp.asarray(value))
    gets = np.asarray(objective.utilities(alpha, jnp.asarray(value)))
    assert np.all(gets >= options - 1e-6)
    np.testing.assert_allclose(gets, np.maximum(options, value.max(axis=0)), rtol=1e-6)


def test_it_conforms() -> None:
    users = Population.from_weights(np.random.default_rng(0).normal(size=(7, 4)))
    assert {finding.level for finding in pb.check_rule(Newcomers(1 / 2), users)} == {"ok"}


def test_it_begins_round_robin() -> None:
    rewards = Population.from_weights(np.eye(3)).rewards
    first = Newcomers().start(Known(rewards, 2, 3), jax.random.key(0))
    assert first.tolist() == [[1, 0, 1], [0, 1, 0]]
    assert Newcomers().share == pytest.approx(0.5)
