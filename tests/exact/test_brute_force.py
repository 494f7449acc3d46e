from __future__ import annotations

import itertools

import numpy as np
import pytest
from finite_rmdps import SEEDS, levers, random_rmdp
from hypothesis import given, settings
from hypothesis import strategies as st

from policybudget.errors import PolicyBudgetError
from policybudget.exact.brute_force import brute_force
from policybudget.exact.tabular import FiniteRMDP


def naive(mdp: FiniteRMDP, budget: int) -> float:
    """Every tuple of deterministic policies; each agent takes the best of them, or its outside option."""
    shape = (mdp.states,) if mdp.horizon is None else (mdp.horizon, mdp.states)
    every = itertools.product(range(mdp.actions), repeat=int(np.prod(shape)))
    returns = [mdp.returns(np.array(policy).reshape(shape)) for policy in every]
    best = -np.inf
    for policies in itertools.combinations_with_replacement(returns, budget):
        utilities = np.maximum(np.max(policies, axis=0), mdp.outside)
        best = max(best, float(utilities @ mdp.agent_weights / mdp.agent_weights.sum()))
    return best


@settings(max_examples=150)
@given(SEEDS, st.sampled_from([(2, None), (3, None), (2, 1), (2, 2)]), st.booleans(), st.integers(1, 3))
def test_no_committee_is_better(seed: int, size: tuple[int, int | None], outside: bool, budget: int) -> None:
    states, horizon = size
    mdp = random_rmdp(seed, states, 2, 2, 3, horizon, outside)
    found = brute_force(mdp, budget)
    assert found.welfare == pytest.approx(naive(mdp, budget), abs=1e-9)
    assert found.returns.shape == (budget, 3) and len(found.policies) == budget
    np.testing.assert_allclose(found.utilities, np.maximum(found.returns.max(axis=0), mdp.outside), atol=1e-9)


FOUR = [[10, 0], [8, 6], [0, 9], [2, 0]]


def test_four_agents_and_two_levers() -> None:
    one, two = (brute_force(levers(FOUR), budget) for budget in (1, 2))
    np.testing.assert_array_equal(one.utilities, [10, 8, 0, 2])
    np.testing.assert_array_equal(two.utilities, [10, 8, 9, 2])
    assert len(set(two.labels)) == 2 and two.history == ()


def test_outside_options_are_left_to_those_who_have_them() -> None:
    outside = [-np.inf, 7.0, -np.inf, 3.0]
    one = brute_force(levers(FOUR, outside=outside), 1)
    np.testing.assert_array_equal(one.utilities, [10, 8, 0, 3])
    np.testing.assert_array_equal(one.labels, [0, 0, 0, -1])
    many = brute_force(levers(FOUR, outside=outside, agent_weights=[1, 1, 2, 1]), 1)
    np.testing.assert_array_equal(many.utilities, [0, 7, 9, 3])
    np.testing.assert_array_equal(many.labels, [0, -1, 0, -1])
    assert many.welfare == (7 + 2 * 9 + 3) / 5
    everybody = brute_force(levers(FOUR, outside=[20.0] * 4), 2)
    np.testing.assert_array_equal(everybody.labels, [-1] * 4)
    assert everybody.welfare == 20.0


def test_more_policies_are_never_worse_and_one_each_is_best() -> None:
    mdp = random_rmdp(11, 5, 3, 3, 7)
    welfare = [brute_force(mdp, budget).welfare for budget in range(1, 8)]
    assert all(more >= less - 1e-12 for less, more in itertools.pairwise(welfare))
    own = [brute_force(FiniteRMDP(mdp.transitions, mdp.features, mdp.weights[:, [i]], mdp.initial, mdp.discount), 1)
           for i in range(7)]  # fmt: skip
    values = np.array([found.welfare for found in own])
    assert welfare[-1] == pytest.approx(values @ mdp.agent_weights / mdp.agent_weights.sum())


def test_a_dozen_agents_and_no_more() -> None:
    wishes = np.eye(4)[np.arange(13) % 4] * 4.0
    assert brute_force(levers(wishes[:12]), 3).welfare == 3.0
    with pytest.raises(PolicyBudgetError) as error:
        brute_force(levers(wishes), 4)
    assert str(error.value) == "brute force solves every group of at most 12 agents, got 13; use restarts"


def test_the_least_utility() -> None:
    wishes = [[10, 0], [0, 10], [0, 8], [5, 5]]
    one, two = (brute_force(levers(wishes), budget, "egalitarian") for budget in (1, 2))
    assert one.welfare == pytest.approx(10 * 8 / 18)
    assert two.welfare == pytest.approx(5.0) == two.utilities.min()
    left = brute_force(levers(wishes[:3], outside=[9.0, -np.inf, -np.inf]), 1, "egalitarian")
    assert left.welfare == pytest.approx(8.0)
    np.testing.assert_array_equal(left.labels, [-1, 0, 0])
