from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from finite_rmdps import SEEDS, levers, random_rmdp
from hypothesis import given, settings
from hypothesis import strategies as st

from policybudget.errors import PolicyBudgetError
from policybudget.exact.brute_force import brute_force
from policybudget.exact.em import Solution, all_assignments, em_from_all_assignments, exact_em, restarts
from policybudget.exact.tabular import FiniteRMDP

EXAMPLES = 1_000
SIZES = st.tuples(st.integers(1, 5), st.integers(1, 3), st.integers(1, 3), st.integers(1, 4), st.integers(1, 3))


def is_settled(mdp: FiniteRMDP, found: Solution) -> None:
    """Nobody would rather be elsewhere, and nobody is below its outside option."""
    scale = 1e-9 * max(1.0, float(np.abs(found.returns).max()))
    best = np.maximum(found.returns.max(axis=0), mdp.outside)
    np.testing.assert_allclose(found.utilities, best, atol=scale)
    left = found.labels == -1
    assert (found.utilities[left] == mdp.outside[left]).all()


def test_exact_em_never_lowers_welfare() -> None:
    """Theorem 2, in a thousand random r-MDPs: discounted or with a horizon, with ties and with outside options."""
    ran = 0

    @settings(max_examples=EXAMPLES, deadline=None)
    @given(SEEDS, SIZES, st.sampled_from([None, None, 1, 3]), st.booleans(), st.booleans())
    def check(
        seed: int, sizes: tuple[int, int, int, int, int], horizon: int | None, outside: bool, coarse: bool
    ) -> None:
        nonlocal ran
        *shape, agents, budget = sizes
        mdp = random_rmdp(seed, *shape, agents, horizon, outside, coarse)
        budget, rng = min(budget, agents), np.random.default_rng(seed)
        labels = rng.integers(budget, size=agents)  # any start, with empty groups, too
        if outside:
            labels = np.where(np.isfinite(mdp.outside) & (rng.random(agents) < 0.3), -1, labels)
        found = exact_em(mdp, budget, labels if seed % 2 else None, seed)
        steps = np.diff(found.history)
        assert (steps >= -1e-9).all(), found.history
        assert found.welfare == pytest.approx(found.history[-1], abs=1e-9)
        assert found.welfare == pytest.approx(found.utilities @ mdp.agent_weights / mdp.agent_weights.sum(), abs=1e-9)
        is_settled(mdp, found)
        ran += 1

    check()
    assert ran >= EXAMPLES


@settings(max_examples=150)
@given(SEEDS, SIZES, st.sampled_from([None, None, 1, 3]), st.booleans(), st.booleans())
def test_nor_where_agents_have_dynamics_of_their_own(
    seed: int, sizes: tuple[int, int, int, int, int], horizon: int | None, outside: bool, coarse: bool
) -> None:
    *shape, agents, budget = sizes
    mdp = random_rmdp(seed, *shape, agents, horizon, outside, coarse, own=True)
    budget = min(budget, agents)
    found = exact_em(mdp, budget, seed=seed)
    assert (np.diff(found.history) >= -1e-9).all(), found.history
    assert found.welfare == pytest.approx(found.history[-1], abs=1e-9)
    is_settled(mdp, found)
    assert found.welfare <= brute_force(mdp, budget).welfare + 1e-9


@settings(max_examples=300)
@given(SEEDS, st.sampled_from([None, 2]), st.booleans(), st.integers(1, 3), st.integers(1, 4), st.booleans())
def test_the_best_of_all_starts_is_the_global_optimum(
    seed: int, horizon: int | None, outside: bool, budget: int, agents: int, own: bool
) -> None:
    mdp = random_rmdp(seed, 3, 2, 2, agents, horizon, outside, own=own)
    budget = min(budget, agents)
    found, best = em_from_all_assignments(mdp, budget), brute_force(mdp, budget)
    assert found.welfare == pytest.approx(best.welfare, abs=1e-9)
    is_settled(mdp, found)


@settings(max_examples=25)
@given(SEEDS, st.sampled_from([None, 2]), st.booleans())
def test_egalitarian_em_never_lowers_the_least_utility(seed: int, horizon: int | None, outside: bool) -> None:
    mdp = random_rmdp(seed, 3, 2, 2, 4, horizon, outside)
    found = exact_em(mdp, 2, seed=seed, objective="egalitarian")
    assert (np.diff(found.history) >= -1e-9).all()
    assert found.welfare == found.utilities.min()
    assert found.welfare <= brute_force(mdp, 2, "egalitarian").welfare + 1e-6


@settings(max_examples=10)
@given(SEEDS)
def test_the_best_of_all_starts_is_the_egalitarian_optimum(seed: int) -> None:
    mdp = random_rmdp(seed, 3, 2, 2, 3, outside=True)
    found, best = (f(mdp, 2, objective="egalitarian") for f in (em_from_all_assignments, brute_force))
    assert found.welfare == pytest.approx(best.welfare, abs=1e-6)


# Lever A or lever B. Agent 3 cares little for either and has something of its own that is worth 3.
FOUR = [[10, 0], [8, 6], [0, 9], [2, 0]]
ONE_OPTION = [-np.inf, -np.inf, -np.inf, 3.0]


def test_an_outside_option_is_taken_where_it_is_better() -> None:
    found = exact_em(levers(FOUR, outside=ONE_OPTION), 1)
    np.testing.assert_array_equal(found.labels, [0, 0, 0, -1])
    np.testing.assert_array_equal(found.utilities, [10, 8, 0, 3])
    assert found.welfare == 21 / 4
    assert exact_em(levers(FOUR), 1).welfare == 20 / 4


def test_who_takes_the_outside_option_pulls_no_policy() -> None:
    wishes, outside = [[4, 0], [0, 3], [0, 3]], [-np.inf, 5.0, -np.inf]
    found = exact_em(levers(wishes, outside=outside), 1, assignment=[0, 0, 0])
    np.testing.assert_array_equal(found.labels, [0, -1, 0])  # lever B at first, for two wanted it
    np.testing.assert_array_equal(found.utilities, [4, 5, 0])
    np.testing.assert_allclose(found.history, [6 / 3, 8 / 3, 9 / 3, 9 / 3])


def test_an_option_that_ties_changes_nothing() -> None:
    mdp = levers([[4, 0], [0, 3]], outside=[4.0, -np.inf])
    np.testing.assert_array_equal(exact_em(mdp, 2, assignment=[0, 1]).labels, [0, 1])
    np.testing.assert_array_equal(exact_em(mdp, 2, assignment=[-1, 1]).labels, [-1, 1])


def test_a_crowd_counts_as_many() -> None:
    wishes = [[4, 0], [0, 3]]
    np.testing.assert_array_equal(exact_em(levers(wishes), 1).utilities, [4, 0])
    found = exact_em(levers(wishes, agent_weights=[1, 2]), 1)
    np.testing.assert_array_equal(found.utilities, [0, 3])
    assert found.welfare == 2 * 3 / 3


def test_a_local_optimum_and_the_way_out() -> None:
    wishes = [[10, 9, 0], [9, 10, 0], [0, 0, 1]]
    stuck = exact_em(levers(wishes), 2, assignment=[0, 1, 1])
    assert stuck.welfare == 20 / 3
    np.testing.assert_array_equal(exact_em(levers(wishes), 2, assignment=[0, 0, 1]).utilities, [10, 9, 1])
    wishes = [[10, 9, 0], [9, 10, 0], [0, 0, 4]]
    worths = {exact_em(levers(wishes), 2, seed=seed).welfare for seed in range(10)}
    assert worths == {20 / 3, 23 / 3}
    assert restarts(levers(wishes), 2, 10).welfare == 23 / 3


def test_an_empty_group_keeps_its_policy() -> None:
    found = exact_em(levers([[0, 4], [0, 3]]), 2, assignment=[1, 1])
    np.testing.assert_array_equal(found.labels, [1, 1])
    np.testing.assert_array_equal(found.policies[0], [[0, 0]])
    np.testing.assert_array_equal(found.returns, [[0, 0], [4, 3]])


def test_egalitarian_levers() -> None:
    mdp = levers([[10, 0], [0, 10], [0, 8]])
    found = exact_em(mdp, 1, objective="egalitarian")
    assert found.welfare == pytest.approx(10 * 8 / 18)
    assert exact_em(mdp, 2, assignment=[0, 1, 1], objective="egalitarian").welfare == pytest.approx(8.0)


def test_the_same_seed_the_same_solution() -> None:
    mdp = random_rmdp(5, 5, 3, 3, 6)
    one, other = (restarts(mdp, 3, 4, seed=2) for _ in range(2))
    np.testing.assert_array_equal(one.labels, other.labels)
    assert one.welfare == other.welfare >= exact_em(mdp, 3, seed=np.random.default_rng(2)).welfare


def test_all_assignments_of_three_agents() -> None:
    divisions = [[0, 0, 0], [0, 0, 1], [0, 1, 0], [0, 1, 1], [0, 1, 2]]
    assert list(all_assignments(levers([[1], [1], [1]]), 3)) == divisions
    assert list(all_assignments(levers([[1], [1], [1]]), 2)) == divisions[:4]
    options = list(all_assignments(levers([[1], [1]], outside=[0.0, -np.inf]), 2))
    assert options == [[-1, 0], [0, 0], [0, 1]]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"budget": 0}, "budget must be between 1 and the number of agents (2), got 0"),
        ({"budget": 3}, "budget must be between 1 and the number of agents (2), got 3"),
        ({"assignment": [0]}, "assignment must be a label for each of the 2 agents, got int64 of shape (1,)"),
        (
            {"assignment": np.array([0.0, 1.0])},
            "assignment must be a label for each of the 2 agents, got float64 of shape (2,)",
        ),
        (
            {"assignment": [0, 2]},
            "assignment must have labels from 0 to 1, or -1 for the outside option, got [0, 2]",
        ),
        ({"assignment": [0, -1]}, "agent 1 has no outside option, got label -1; give it a policy"),
        ({"objective": "nash"}, "objective must be one of utilitarian, egalitarian, got 'nash'"),
    ],
)
def test_bad_arguments(arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(PolicyBudgetError) as error:
        exact_em(levers([[1, 0], [0, 1]]), **{"budget": 2} | arguments)
    assert str(error.value) == message


def test_too_few_and_too_many_starts() -> None:
    with pytest.raises(PolicyBudgetError, match="starts must be at least 1, got 0"):
        restarts(levers([[1], [1]]), 1, 0)
    with pytest.raises(PolicyBudgetError, match=r"at most 20000 of them, got about .* \(20 agents, budget 3\)"):
        em_from_all_assignments(levers([[1]] * 20), 3)
