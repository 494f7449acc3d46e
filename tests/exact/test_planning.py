from __future__ import annotations

import itertools

import numpy as np
import pytest
from finite_rmdps import SEEDS, levers, random_rmdp
from hypothesis import given, settings
from hypothesis import strategies as st

from policybudget.errors import PolicyBudgetError
from policybudget.exact.planning import (
    backward_induction,
    best_policy,
    best_returns,
    linear_programme,
    policy_iteration,
)
from policybudget.exact.tabular import FiniteRMDP

HORIZONS = st.sampled_from([None, 1, 3])


@settings(max_examples=200)
@given(SEEDS, HORIZONS, st.booleans())
def test_dynamic_and_linear_programming_agree(seed: int, horizon: int | None, coarse: bool) -> None:
    mdp = random_rmdp(seed, 5, 3, 3, 2, horizon, coarse=coarse)
    mixture = mdp.mixture([0, 1])
    best = mdp.feature_returns(best_policy(mdp, mixture)) @ mixture
    least, policy = linear_programme(mdp, mixture[:, None])
    assert best == pytest.approx(least, abs=1e-6)
    assert mdp.feature_returns(policy) @ mixture == pytest.approx(best, abs=1e-6)


@given(SEEDS, HORIZONS)
def test_no_deterministic_policy_is_better(seed: int, horizon: int | None) -> None:
    mdp = random_rmdp(seed, 3 if horizon is None else 2, 2, 2, 1, horizon)
    shape = (3,) if horizon is None else (horizon, 2)
    every = (np.array(p).reshape(shape) for p in itertools.product(range(2), repeat=int(np.prod(shape))))
    best = best_policy(mdp, mdp.mixture([0]))
    assert mdp.returns(best)[0] == pytest.approx(max(mdp.returns(policy)[0] for policy in every), abs=1e-10)


@given(SEEDS, HORIZONS)
def test_best_returns_are_those_of_each_agents_own_policy(seed: int, horizon: int | None) -> None:
    mdp = random_rmdp(seed, 4, 3, 2, 3, horizon)
    alone = [mdp.returns(best_policy(mdp, mdp.weights[:, agent]))[agent] for agent in range(3)]
    np.testing.assert_allclose(best_returns(mdp), alone, rtol=1e-9, atol=1e-9)


def test_best_returns_by_hand() -> None:
    """One pull each: the dearer lever, nothing for who wants nothing, the lesser evil for who hates both."""
    np.testing.assert_allclose(best_returns(levers([[1, 3], [2, 6], [0, 0], [-2, -5]])), [3.0, 6.0, 0.0, -2.0])


def test_policies_of_a_horizon_may_change() -> None:
    transitions = np.array([[[1.0, 0.0], [0.0, 1.0]], [[0.0, 1.0], [0.0, 1.0]]])
    features = np.array([[[1.0], [1.5]], [[0.0], [0.0]]])  # stay for 1, or take 1.5 once and be done
    mdp = FiniteRMDP(transitions, features, [[1.0]], [1.0, 0.0], horizon=3)
    policy = backward_induction(mdp, np.array([1.0]))
    np.testing.assert_array_equal(policy[:, 0], [0, 0, 1])
    np.testing.assert_allclose(mdp.returns(policy), [3.5])


@pytest.mark.parametrize("horizon", [None, 2])
def test_ties_keep_the_earlier_action(horizon: int | None) -> None:
    mdp = FiniteRMDP(np.full((2, 3, 2), 0.5), np.ones((2, 3, 1)), [[1.0]], [0.5, 0.5], 0.9, horizon)
    start = np.array([2, 1]) if horizon is None else np.array([[2, 1], [0, 1]])
    np.testing.assert_array_equal(best_policy(mdp, np.array([1.0]), start), start)


@pytest.mark.parametrize("scale", [1e-9, 1.0, 1e9])
def test_any_unit_and_discounts_close_to_one_end(scale: float) -> None:
    mdp = random_rmdp(3, 30, 4, 2, 1)
    mdp = FiniteRMDP(mdp.transitions, mdp.features * scale, mdp.weights, mdp.initial, discount=0.999999)
    best = mdp.returns(policy_iteration(mdp, mdp.mixture([0])))[0]
    rewards, gain = mdp.features @ mdp.weights[:, 0], -np.inf
    values = np.zeros(30)
    for _ in range(3_000):  # relative value iteration finds the mean reward per step of the best policy
        fresh = (rewards + mdp.transitions @ values).max(axis=1)
        gain, values = fresh[0] - values[0], fresh - fresh[0]
    assert best * 1e-6 == pytest.approx(gain, rel=1e-3)


def test_the_least_of_two_opposed_agents_is_best_served_by_chance() -> None:
    mdp = levers([[10, 0], [0, 5]])
    least, policy = linear_programme(mdp, mdp.weights)
    assert least == pytest.approx(10 / 3)
    np.testing.assert_allclose(policy[0, 0], [1 / 3, 2 / 3])
    np.testing.assert_allclose(mdp.returns(policy), [10 / 3, 10 / 3])


def test_the_wrong_solver() -> None:
    with pytest.raises(PolicyBudgetError, match="policy iteration is for an infinite horizon, got 1; use best_policy"):
        policy_iteration(levers([[1, 0]]), np.ones(2))
    with pytest.raises(PolicyBudgetError, match="backward induction needs a horizon; set one, or use best_policy"):
        backward_induction(random_rmdp(0, 2, 2, 1, 1), np.ones(1))
