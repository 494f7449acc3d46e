"""Placing: the best k of the outcomes that were met, and a policy sent to each."""

from __future__ import annotations

from itertools import combinations
from pathlib import Path

import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from trainings import bits, stopped_and_not, train
from worlds_with_known_answers import QUICK, wishes

from policybudget.assignment.em import EM
from policybudget.assignment.end_to_end import EndToEnd
from policybudget.errors import PolicyBudgetError
from policybudget.objective import Objective
from policybudget.search.phases import Plan
from policybudget.search.placing import MET, Placing, place
from policybudget.training.train import Training


@pytest.mark.parametrize(("first", "name"), [(None, "5 policies"), (1, "1 policy"), (3, "3 policies")])
def test_as_many_transitions_in_all_however_many_policies_learn_first(first: int | None, name: str) -> None:
    phases = Placing(place_from=first).phases(Plan(EM(), QUICK, 5, 20, 10_000 * QUICK.batch))
    assert [phase.name for phase in phases] == [name, "5 placed (1)", "5 placed (2)", "5 placed (3)"]
    assert [phase.budget for phase in phases] == [first or 5, 5, 5, 5]
    everything, spent = 5 * 10_000 * QUICK.batch, [phase.total for phase in phases]
    assert 0.999 * everything < sum(spent) <= everything
    np.testing.assert_allclose(spent, np.array([0.2, 0.2, 0.2, 0.4]) * everything, rtol=0.001)


def test_policies_are_placed_where_two_groups_are_paid_and_copied_from_whoever_pays_them_most() -> None:
    # one step of three outcomes; held, 0 and 2 are worth 9 to two users each, 1 is worth 5 to the two in the middle
    met = np.array([[9.0, 9, 0, 0, 0], [0, 5, 5, 0, 0], [0, 0, 9, 9, 0]])
    returns = np.array([[1.0, 1, 0, 0, 0], [0, 0, 0, 0, 7], [0, 2, 0, 2, 0]])
    source, labels = place(Objective(), met, returns, 2)
    assert source.tolist() == [0, 2]
    assert labels[:4].tolist() == [0, 0, 1, 1]
    source, _ = place(Objective(), met, returns[:1], 2)
    assert source.tolist() == [0, 0], "one policy becomes two"


def test_who_is_paid_by_no_outcome_is_with_the_policy_from_which_it_has_most() -> None:
    met = np.array([[9.0, 0, 0], [0, 9, 0]])
    source, labels = place(Objective(), met, np.array([[1.0, 0, 3], [0, 1, 5]]), 2)
    assert (source.tolist(), labels.tolist()) == ([0, 1], [0, 1, 1])


def test_who_has_more_outside_than_any_outcome_stays_there() -> None:
    outside = Objective(outside=jnp.array([-jnp.inf, 20.0]))
    _, labels = place(outside, np.array([[9.0, 9], [8, 10]]), np.zeros((1, 2)), 1)
    assert labels.tolist() == [0, 1]


def test_policies_that_are_worth_more_than_where_they_could_be_sent_stay() -> None:
    met = np.array([[9.0, 9, 0, 0], [0, 0, 9, 9]])
    source, labels = place(Objective(), met, np.array([[0.0, 0, 9.5, 9], [1, 0, 0, 0]]), 2)
    assert (source.tolist(), labels.tolist()) == ([0, 1], [1, 1, 0, 0]), "0 stays, 1 goes where it has something"
    source, labels = place(Objective(), met, np.array([[0.0, 0, 9.5, 9], [0, 0, 1, 0]]), 2)
    assert (source.tolist(), labels.tolist()) == ([0, 0], [1, 1, 0, 0]), "1 was in the way of 0"
    source, _ = place(Objective(), met, np.array([[10.0, 10, 0, 0], [0, 0, 10, 10]]), 2)
    assert source.tolist() == [0, 1], "nobody goes"


@given(st.integers(1, 3), st.integers(1, 3), st.integers(4, 6), st.integers(0, 2**31))
def test_no_other_policies_and_outcomes_are_worth_more(budget: int, there: int, agents: int, seed: int) -> None:
    random, there = np.random.default_rng(seed), min(there, budget)
    met, returns = random.uniform(0, 10, (8, agents)), random.uniform(0, 10, (there, agents))
    source, labels = place(Objective(), met, returns, budget)
    rows = np.concatenate([returns, met])
    best = max(combinations(range(len(rows)), budget), key=lambda chosen: rows[list(chosen)].max(axis=0).sum())
    of_best = np.array(best)[rows[list(best)].argmax(axis=0)]
    assert all(np.ptp(labels[of_best == row]) == 0 for row in set(of_best)), "the same groups"
    for row in best:
        if row < there:
            assert source[row] == row and set(labels[of_best == row]) <= {row}, "who stays has its agents"
    for policy in set(labels):
        group = labels == policy
        if not (policy in best and policy < there):
            assert returns[source[policy], group].sum() == returns[:, group].sum(axis=1).max()


@pytest.mark.parametrize("first", [None, 1])
def test_all_levers_are_found(first: int | None) -> None:
    problem = wishes([0, 1, 2, 3, 0, 1, 2, 3], 4)
    search = Placing(split_every=5, place_hold=20, place_from=first)
    options = {"search": search, "learner": QUICK, "transitions": 100 * QUICK.batch}
    first_time, again = (train(problem, EM(warm_start=2), **options) for _ in range(2))  # type: ignore[arg-type]
    assert first_time.welfare == pytest.approx(10.0) and first_time.search == "placing"
    assert bits(first_time) == bits(again)


def test_a_stopped_training_ends_as_it_would_have_ended(tmp_path: Path) -> None:
    problem, search = wishes([0, 1, 2, 0, 1, 2], 3), Placing(split_every=5, place_hold=5)
    training = Training.of(problem, EM(), search=search, learner=QUICK, transitions=40 * QUICK.batch, seed=5)
    before_and_after_placing = [(0, training.phases[0].iterations), (1, 2), (3, 1)]
    stopped, whole = stopped_and_not(tmp_path, training, before_and_after_placing)
    assert bits(whole) == bits(stopped)


def test_refused() -> None:
    with pytest.raises(PolicyBudgetError, match="end-to-end reassigns by gradient; use --search plain"):
        train(wishes([0, 1], 2), EndToEnd(), search="placing", transitions=64)
    with pytest.raises(PolicyBudgetError, match=r"place_from must be at most the budget \(2\), got 3"):
        train(wishes([0, 1], 2), EM(), search=Placing(place_from=3), transitions=64)
    with pytest.raises(PolicyBudgetError, match=f"chooses among {MET} transitions, got a budget of {MET + 1}"):
        train(wishes([0] * (MET + 1), MET + 1), EM(), search="placing", transitions=64)
    wrongs = {"place_after": 0.0, "place_hold": -1, "place_from": 0, "placings": 0, "split_every": 0}
    with pytest.raises(PolicyBudgetError, match="place_after x placings must be between 0 and 1, got 0.5 x 2"):
        Placing(place_after=0.5, placings=2)
    for name, value in wrongs.items():
        with pytest.raises(PolicyBudgetError, match=f"{name}.* must be"):
            Placing(**{name: value})  # type: ignore[arg-type]
