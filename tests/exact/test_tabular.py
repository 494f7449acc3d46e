from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from finite_rmdps import SEEDS, levers, random_rmdp
from hypothesis import given
from hypothesis import strategies as st

from policybudget.errors import PolicyBudgetError
from policybudget.exact.tabular import FiniteRMDP, Policy

GOOD: dict[str, Any] = {
    "transitions": [[[0.5, 0.5], [1.0, 0.0]], [[0.0, 1.0], [0.0, 1.0]]],
    "features": [[[1.0], [2.0]], [[0.0], [0.0]]],
    "weights": [[1.0, -3.0, 2.0]],
    "initial": [1.0, 0.0],
    "discount": 0.9,
}


def step_by_step(mdp: FiniteRMDP, policy: Policy, steps: int) -> np.ndarray:
    """Feature returns by pushing the distribution of states forward, action by action; no solver, no einsum."""
    where, total = mdp.initial.copy(), np.zeros(mdp.features.shape[2])
    for time in range(steps):
        plan = policy if policy.ndim == 1 + (policy.dtype.kind == "f") else policy[time]
        after = np.zeros(mdp.states)
        for state in range(mdp.states):
            for action in range(mdp.actions):
                chance = plan[state, action] if plan.dtype.kind == "f" else float(plan[state] == action)
                total += mdp.discount**time * where[state] * chance * mdp.features[state, action]
                after += where[state] * chance * mdp.transitions[state, action]
        where = after
    return total


def test_a_loop_that_breaks_with_probability_a_half() -> None:
    mdp = FiniteRMDP(**GOOD)
    np.testing.assert_allclose(mdp.feature_values(np.array([0, 0])), [[1 / (1 - 0.9 * 0.5)], [0.0]])
    np.testing.assert_allclose(mdp.feature_values(np.array([1, 0])), [[2 / (1 - 0.9)], [0.0]])
    np.testing.assert_allclose(mdp.returns(np.array([1, 0])), [20.0, -60.0, 40.0])
    mixed = np.array([[0.5, 0.5], [0.5, 0.5]])
    np.testing.assert_allclose(mdp.feature_returns(mixed), [1.5 / (1 - 0.9 * 0.75)])


def test_the_same_loop_with_a_horizon() -> None:
    mdp = FiniteRMDP(**GOOD | {"discount": 1.0, "horizon": 3})
    np.testing.assert_allclose(mdp.feature_returns(np.array([0, 0])), [1 + 0.5 + 0.25])
    changing = np.array([[1, 0], [0, 0], [1, 0]])
    np.testing.assert_allclose(mdp.feature_returns(changing), [2 + 1 + 0.5 * 2])
    np.testing.assert_allclose(mdp.feature_returns(np.eye(2)[changing]), [2 + 1 + 0.5 * 2])


@given(SEEDS, st.sampled_from([None, 1, 4]), st.booleans(), st.booleans())
def test_returns_are_what_stepping_through_gives(
    seed: int, horizon: int | None, stochastic: bool, stationary: bool
) -> None:
    mdp, rng = random_rmdp(seed, 4, 3, 2, 3, horizon), np.random.default_rng(seed)
    lead = (4,) if stationary or horizon is None else (horizon, 4)
    policy = rng.dirichlet(np.ones(3), lead) if stochastic else rng.integers(3, size=lead)
    steps = horizon or 2_500
    expected = step_by_step(mdp, policy, steps if mdp.discount == 0.99 else min(steps, 400))
    np.testing.assert_allclose(mdp.feature_returns(policy), expected, atol=1e-8)
    np.testing.assert_allclose(mdp.returns(policy), expected @ mdp.weights, atol=1e-7)


@given(SEEDS, st.sampled_from([None, 1, 4]), st.booleans(), st.booleans())
def test_each_agent_lives_in_its_own_dynamics(seed: int, horizon: int | None, stochastic: bool, changing: bool) -> None:
    mdp, rng = random_rmdp(seed, 4, 3, 2, 3, horizon, own=True), np.random.default_rng(seed)
    lead = (horizon, 4) if changing and horizon else (4,)
    policy = rng.dirichlet(np.ones(3), lead) if stochastic else rng.integers(3, size=lead)
    apart = [mdp.alone(agent) for agent in range(3)]
    np.testing.assert_array_equal(apart[2].transitions, mdp.transitions[2])
    np.testing.assert_allclose(mdp.feature_returns(policy), [one.feature_returns(policy) for one in apart], atol=1e-12)
    np.testing.assert_allclose(mdp.returns(policy), [one.returns(policy)[0] for one in apart], atol=1e-12)


def test_the_problem_of_own_dynamics() -> None:
    mdp = random_rmdp(1, 3, 2, 2, 4, horizon=5, own=True)
    problem = mdp.problem(2)
    assert problem.world.own_dynamics and problem.world.time_limit == 5
    np.testing.assert_array_equal(problem.population.rewards.dynamics, [[0], [1], [2], [3]])
    np.testing.assert_allclose(problem.world.cumulative, np.cumsum(mdp.transitions, axis=-1), atol=1e-6)


def test_defaults() -> None:
    mdp = FiniteRMDP(**GOOD)
    assert (mdp.states, mdp.actions, mdp.agents) == (2, 2, 3)
    assert mdp.names == ("agent 0", "agent 1", "agent 2")
    np.testing.assert_array_equal(mdp.agent_weights, [1.0, 1.0, 1.0])
    np.testing.assert_array_equal(mdp.outside, [-np.inf] * 3)
    assert mdp.weights.dtype == np.float64 and not mdp.weights.flags.writeable


def test_a_mixture_counts_people() -> None:
    mdp = FiniteRMDP(**GOOD | {"agent_weights": [1, 2, 5]})
    np.testing.assert_array_equal(mdp.mixture([0, 2]), [1 + 5 * 2])
    np.testing.assert_array_equal(mdp.mixture([1]), [-6.0])


NAN, INF = float("nan"), float("inf")
OUTSIDE = "outside options must be finite, or -inf for none, got {} for agent 1"


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"weights": [[1.0], [2.0]]}, r"weights must have shape (m, n) = (1, n) with at least one agent, got (2, 1)"),
        ({"weights": [1.0]}, r"weights must have shape (m, n) = (1, n) with at least one agent, got (1,)"),
        ({"weights": np.zeros((1, 0))}, r"weights must have shape (m, n) = (1, n) with at least one agent, got (1, 0)"),
        ({"weights": [[1.0, NAN, 0.0]]}, "weights must be finite, got nan for feature 0, agent 1"),
        ({"weights": "many"}, "weights must be an array (1, n) of numbers, got str"),
        ({"discount": -0.1}, "discount must be from 0 to 1, got -0.1"),
        ({"discount": 1.1}, "discount must be from 0 to 1, got 1.1"),
        ({"discount": NAN}, "discount must be from 0 to 1, got nan"),
        ({"discount": 1.0}, "discount must be below 1 without a horizon, got 1.0; lower it or set horizon"),
        ({"horizon": 0}, "horizon must be a whole number of at least 1, got 0"),
        ({"horizon": 2.5}, "horizon must be a whole number of at least 1, got 2.5"),
        ({"names": ("one",)}, "names must be as many as the agents (3), got 1"),
        ({"agent_weights": [1.0, 2.0]}, "agent_weights must have shape (n,) = (3,), got (2,)"),
        ({"agent_weights": [1.0, 0.0, 1.0]}, "agent_weights must be positive, got 0.0 for agent 1"),
        ({"agent_weights": [1.0, INF, 1.0]}, "agent_weights must be finite, got inf for agent 1"),
        (
            {"transitions": [GOOD["transitions"]] * 2},
            "transitions must be one table, or one for each of the 3 agents, got 2 of them",
        ),
        ({"outside": [0.0]}, "outside must have shape (n,) = (3,), got (1,)"),
        ({"outside": [0.0, NAN, 0.0]}, OUTSIDE.format("nan")),
        ({"outside": [0.0, INF, 0.0]}, OUTSIDE.format("inf")),
        ({"initial": [0.5, 0.4]}, "initial must sum to 1 over the states, got 0.9"),
    ],
)
def test_bad_arrays(change: dict[str, Any], message: str) -> None:
    with pytest.raises(PolicyBudgetError) as error:
        FiniteRMDP(**GOOD | change)
    assert str(error.value) == message


@pytest.mark.parametrize(
    ("policy", "message"),
    [
        ([0, 0, 0], "a policy must be actions or probabilities of shape (2,), got int64 of shape (3,)"),
        ([[0, 0]], "a policy must be actions or probabilities of shape (2,), got int64 of shape (1, 2)"),
        ([[0.0, 1.0]], "a policy must be actions or probabilities of shape (2, 2), got float64 of shape (1, 2)"),
        ([True, False], "a policy must be actions or probabilities of shape (2,), got bool of shape (2,)"),
        ([0, 2], "a policy's actions must be from 0 to 1, got 0 to 2"),
        ([-1, 1], "a policy's actions must be from 0 to 1, got -1 to 1"),
        (
            [[0.5, 0.4], [0.0, 1.0]],
            "a policy's probabilities must not be negative and must sum to 1 in every state",
        ),
        (
            [[1.5, -0.5], [0.0, 1.0]],
            "a policy's probabilities must not be negative and must sum to 1 in every state",
        ),
    ],
)
def test_bad_policies(policy: Any, message: str) -> None:
    with pytest.raises(PolicyBudgetError) as error:
        FiniteRMDP(**GOOD).returns(np.array(policy))
    assert str(error.value) == message


def test_a_policy_for_another_horizon() -> None:
    mdp = FiniteRMDP(**GOOD | {"horizon": 3})
    with pytest.raises(PolicyBudgetError, match=r"of shape \(2,\) or \(3, 2\), got int64 of shape \(2, 2\)"):
        mdp.returns(np.zeros((2, 2), int))


def test_the_problem_of_a_horizon() -> None:
    problem = levers([[1, 0], [0, 1], [3, 2]], names=("a", "b", "c")).problem(2)
    assert problem.world.time_limit == 1 and problem.budget == 2
    assert problem.population.names == ("a", "b", "c")
    np.testing.assert_array_equal(problem.population.rewards.weights, [[1, 0, 3], [0, 1, 2]])


@pytest.mark.parametrize(("discount", "limit"), [(0.0, 1), (0.5, 20), (0.9, 132), (0.99, 1375)])
def test_the_problem_of_a_discount_leaves_a_millionth_out(discount: float, limit: int) -> None:
    assert FiniteRMDP(**GOOD | {"discount": discount}).problem(1).world.time_limit == limit
    assert discount**limit <= 1e-6 and (limit == 1 or discount ** (limit - 1) > 1e-6)
    assert FiniteRMDP(**GOOD).problem(1, time_limit=7).world.time_limit == 7


def test_the_problem_knows_people_and_options() -> None:
    population = FiniteRMDP(**GOOD | {"agent_weights": [1, 1, 2], "outside": [0.0, -INF, -INF]}).problem(1).population
    assert population.agent_weights is not None and population.agent_weights.tolist() == [1, 1, 2]
    assert population.outside is not None and population.outside.tolist() == [0.0, -INF, -INF]
    population = FiniteRMDP(**GOOD).problem(1).population
    assert population.agent_weights is None and population.outside is None


@pytest.mark.parametrize(
    ("change", "arguments", "message"),
    [
        ({}, (4,), "budget must be between 1 and the number of agents (3), got 4"),
        ({}, (1, 0), "time_limit must be at least 1, got 0"),
        ({"horizon": 5}, (1, 4), "time_limit must be the horizon (5), got 4; leave it out"),
    ],
)
def test_problems_that_cannot_be_made(change: dict[str, Any], arguments: tuple[int, ...], message: str) -> None:
    with pytest.raises(PolicyBudgetError) as error:
        FiniteRMDP(**GOOD | change).problem(*arguments)
    assert str(error.value).startswith(message)
