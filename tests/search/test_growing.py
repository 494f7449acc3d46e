"""Growing: one policy for all, then policies that split in two until there are k."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from trainings import bits, train
from worlds_with_known_answers import QUICK, wishes

from policybudget.assignment.em import EM
from policybudget.assignment.end_to_end import EndToEnd
from policybudget.errors import PolicyBudgetError
from policybudget.objective import Objective
from policybudget.search.growing import Growing, grow
from policybudget.search.phases import Plan


@pytest.mark.parametrize(
    ("budget", "sizes"),
    [(1, [1]), (2, [1, 2]), (3, [1, 2, 3]), (4, [1, 2, 4]), (5, [1, 2, 4, 5]), (9, [1, 2, 4, 8, 9])],
)
def test_policies_double_until_there_are_k(budget: int, sizes: list[int]) -> None:
    phases = Growing().phases(Plan(EM(), QUICK, budget, 20, 10_000 * QUICK.batch))
    assert [phase.budget for phase in phases] == sizes
    assert phases[0].name == "1 policy" and (len(sizes) == 1 or phases[-1].name == f"{budget} policies")
    spent = [phase.total for phase in phases]
    everything = budget * 10_000 * QUICK.batch
    assert 0.999 * everything < sum(spent) <= everything
    if len(sizes) > 1:
        np.testing.assert_allclose(spent[-1], everything / 2, rtol=0.001)
        np.testing.assert_allclose(spent[:-1], everything / 2 / (len(sizes) - 1), rtol=0.001)


def test_whose_agents_are_worst_off_becomes_two() -> None:
    # 0 serves users 0 and 1 well; 1 serves users 2 and 3 well, and has 4 and 5 whom nobody serves
    returns = np.array([[9.0, 8, 0, 0, 0, 0], [0, 0, 9, 8, 0, 0]])
    source, labels = grow(Objective(), returns, np.array([0, 0, 1, 1, 1, 1]), 3)
    assert source.tolist() == [0, 1, 1]
    assert labels.tolist() == [0, 0, 2, 2, 1, 1], "the copy goes on with those who are served, the original searches"


def test_one_becomes_two_and_each_splits_once_before_any_splits_twice() -> None:
    returns = np.array([[9.0, 8, 7, 6, 0, 0, 0, 0]])
    assert grow(Objective(), returns, np.zeros(8, int), 2)[1].tolist() == [1, 1, 1, 1, 0, 0, 0, 0]
    source, labels = grow(Objective(), np.repeat(returns, 2, 0), np.array([0, 0, 0, 0, 1, 1, 1, 1]), 4)
    assert source.tolist() == [0, 1, 1, 0], "those of 1 are worst off, and it splits first"
    assert labels.tolist() == [3, 3, 0, 0, 2, 1, 1, 1], "nobody is served by 1: its copy begins with one of them"


def test_agents_who_have_more_outside_stay_there() -> None:
    _, labels = grow(Objective(), np.array([[9.0, 8, 0]]), np.array([0, 0, 1]), 3)
    assert labels[2] == 3


@given(st.integers(1, 6), st.integers(0, 6), st.integers(6, 12), st.integers(0, 2**31))
def test_all_that_were_there_stay_and_every_copy_has_a_source(there: int, more: int, agents: int, seed: int) -> None:
    random = np.random.default_rng(seed)
    returns, before = random.uniform(0, 10, (there, agents)), random.integers(0, there, agents)
    source, labels = grow(Objective(), returns, before, there + more)
    assert source[:there].tolist() == list(range(there)) and len(source) == there + more
    assert set(source) <= set(range(there)) and set(labels) <= set(range(there + more))
    np.testing.assert_array_equal(source[labels], before)  # everybody stays with a policy that acts as before


def test_all_levers_are_found() -> None:
    problem = wishes([0, 1, 2, 3, 0, 1, 2, 3], 4)
    options = {"search": Growing(split_every=5), "learner": QUICK, "transitions": 200 * QUICK.batch}
    first, again = (train(problem, EM(warm_start=2), **options) for _ in range(2))  # type: ignore[arg-type]
    assert first.welfare == pytest.approx(10.0) and first.search == "growing"
    assert bits(first) == bits(again)


def test_refused() -> None:
    with pytest.raises(PolicyBudgetError, match="end-to-end reassigns by gradient; use --search plain"):
        train(wishes([0, 1], 2), EndToEnd(), search="growing", transitions=64)
    with pytest.raises(PolicyBudgetError, match="split_every must be at least 1, got 0"):
        Growing(split_every=0)
    for whole in (0.0, 1.5):
        with pytest.raises(PolicyBudgetError, match="whole must be above 0 and at most 1, got"):
            Growing(whole=whole)
