from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from finite_rmdps import SEEDS, random_rmdp
from hypothesis import given
from hypothesis import strategies as st

from policybudget.errors import PolicyBudgetError
from policybudget.exact.brute_force import brute_force
from policybudget.exact.em import exact_em
from policybudget.exact.enumeration import all_policies, all_returns, best_for_group
from policybudget.exact.planning import best_policy, best_returns, linear_programme
from policybudget.exact.tabular import FiniteRMDP
from policybudget.selection.subset import best_subset

HORIZONS = st.sampled_from([None, 1, 3])


def swept(mdp: FiniteRMDP, policy: np.ndarray, agent: int) -> float:
    """A return by plain sweeps, state by state; no solver and no arrays of agents."""
    values = [0.0] * mdp.states
    for _ in range(mdp.horizon or (1 if mdp.discount == 0.0 else int(np.log(1e-13) / np.log(mdp.discount)))):
        values = [
            sum(mdp.features[state, policy[state]] * mdp.weights[:, agent])
            + mdp.discount
            * sum(mdp.transitions[agent, state, policy[state], after] * values[after] for after in range(mdp.states))
            for state in range(mdp.states)
        ]
    return float(sum(mdp.initial[state] * values[state] for state in range(mdp.states)))


def test_all_policies_in_order() -> None:
    found = all_policies(random_rmdp(0, 2, 3, 1, 1, own=True))
    np.testing.assert_array_equal(found, [[0, 0], [0, 1], [0, 2], [1, 0], [1, 1], [1, 2], [2, 0], [2, 1], [2, 2]])


@given(SEEDS, HORIZONS, st.booleans())
def test_the_table_is_what_sweeps_give(seed: int, horizon: int | None, coarse: bool) -> None:
    mdp = random_rmdp(seed, 2, 2, 2, 3, horizon, coarse=coarse, own=True)
    mdp = replace(mdp, discount=min(mdp.discount, 0.9)) if horizon is None else mdp
    expected = [[swept(mdp, policy, agent) for agent in range(3)] for policy in all_policies(mdp)]
    np.testing.assert_allclose(all_returns(mdp), expected, atol=1e-9)
    np.testing.assert_allclose(all_returns(mdp), [mdp.returns(policy) for policy in all_policies(mdp)], atol=1e-9)


@given(SEEDS, st.integers(1, 3))
def test_equal_dynamics_are_shared_dynamics(seed: int, budget: int) -> None:
    shared = random_rmdp(seed, 3, 3, 2, 4)
    own = replace(shared, transitions=np.stack([shared.transitions] * 4))
    group = np.array([0, 2, 3])
    mixture = shared.mixture(group)
    best = shared.feature_returns(best_policy(shared, mixture)) @ mixture
    assert own.returns(best_for_group(own, group))[group] @ own.agent_weights[group] == pytest.approx(best, abs=1e-9)
    np.testing.assert_allclose(all_returns(own), all_returns(shared), atol=1e-9)
    np.testing.assert_allclose(best_returns(own), best_returns(shared), atol=1e-9)
    for solve in (brute_force, exact_em):
        assert solve(own, budget).welfare == pytest.approx(solve(shared, budget).welfare, abs=1e-9)


@given(SEEDS, HORIZONS, st.booleans(), st.integers(1, 3))
def test_brute_force_is_the_exact_choice_of_rows(seed: int, horizon: int | None, outside: bool, budget: int) -> None:
    mdp = random_rmdp(seed, 3, 2, 2, 4, horizon, outside, own=True)
    rows = best_subset(all_returns(mdp), budget, mdp.agent_weights, mdp.outside, "exact")
    assert brute_force(mdp, budget).welfare == pytest.approx(rows.welfare, abs=1e-9)


@given(SEEDS)
def test_a_policy_each_is_everybodys_best(seed: int) -> None:
    mdp = random_rmdp(seed, 3, 3, 2, 3, own=True)
    np.testing.assert_allclose(brute_force(mdp, 3).utilities, best_returns(mdp), atol=1e-9)


def two_hands(prefer: float) -> FiniteRMDP:
    """Two states; the action that reaches the paid one is 1 for agent 0 and 0 for agent 1, in whatever state."""
    right, left = np.zeros((2, 2, 2)), np.zeros((2, 2, 2))
    right[:, 1, 1] = right[:, 0, 0] = left[:, 0, 1] = left[:, 1, 0] = 1.0
    features = np.zeros((2, 2, 1))
    features[1] = 1.0
    return FiniteRMDP(
        np.stack([right, left]), features, [[1.0, 1.0]], [1.0, 0.0], horizon=3, agent_weights=[prefer, 1.0]
    )


def test_bodies_that_differ_need_policies_that_differ() -> None:
    """Both want the same, and alone each is paid in two steps of three. No policy is good for both."""
    np.testing.assert_array_equal(all_returns(two_hands(1.0)), [[0, 2], [0, 1], [1, 0], [2, 0]])
    one, two = (brute_force(two_hands(3.0), budget) for budget in (1, 2))
    np.testing.assert_array_equal(one.utilities, [2, 0])
    np.testing.assert_array_equal(one.policies[0], [1, 1])
    np.testing.assert_array_equal(two.utilities, [2, 2])
    assert (one.welfare, two.welfare) == (6 / 4, 8 / 4)
    np.testing.assert_array_equal(best_returns(two_hands(1.0)), [2, 2])


def test_ties_keep_the_earlier_policy() -> None:
    mdp = two_hands(1.0)
    both = np.array([0, 1])
    np.testing.assert_array_equal(best_for_group(mdp, both), [0, 0])
    np.testing.assert_array_equal(best_for_group(mdp, both, np.array([1, 1])), [1, 1])
    np.testing.assert_array_equal(best_for_group(mdp, both, np.array([0, 1])), [0, 0])


def test_too_many_policies() -> None:
    mdp = random_rmdp(0, 17, 2, 1, 2, own=True)
    with pytest.raises(PolicyBudgetError) as error:
        exact_em(mdp, 1)
    assert str(error.value) == (
        "agents with dynamics of their own are solved by trying at most 100000 policies, got 2^17 = 1.31e+05; "
        "use fewer states or actions"
    )


@pytest.mark.parametrize("horizon", [None, 2])
def test_solvers_for_shared_dynamics_refuse(horizon: int | None) -> None:
    mdp = random_rmdp(0, 3, 2, 1, 2, horizon, own=True)
    what = "policy iteration" if horizon is None else "backward induction"
    rest = "is for dynamics that the agents share, got a table for each of 2; use best_for_group"
    with pytest.raises(PolicyBudgetError, match=f"^{what} {rest}, or alone"):
        best_policy(mdp, np.ones(1))
    with pytest.raises(PolicyBudgetError, match=f"^the linear programme {rest}"):
        linear_programme(mdp, mdp.weights)
    with pytest.raises(PolicyBudgetError, match=f"^the linear programme {rest}"):
        brute_force(mdp, 1, "egalitarian")
