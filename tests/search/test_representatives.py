"""Representatives: policies learn for an agent each, take over what others do better, and serve groups then."""

from __future__ import annotations

from dataclasses import replace
from itertools import combinations
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from trainings import bits, stopped_and_not, train
from worlds_with_known_answers import QUICK, Aim, wishes

from policybudget.assignment.em import EM
from policybudget.assignment.end_to_end import EndToEnd
from policybudget.assignment.returns import MovingAverage
from policybudget.assignment.rule import AssignmentState
from policybudget.errors import PolicyBudgetError
from policybudget.objective import Objective
from policybudget.policies.stacked import make_actor
from policybudget.population import Population
from policybudget.problem import RepresentedMDP
from policybudget.search.phases import Plan
from policybudget.search.representatives import CANDIDATES, Representatives, representatives, who_does_better
from policybudget.search.search import Standing
from policybudget.training.train import Training


def people(targets: list[float], half_width: float = 1.0) -> Population:
    return Population.from_targets(targets, half_width=half_width, scale=10.0, return_scale=10.0)


def test_representatives_are_those_whose_targets_are_worth_most_to_all() -> None:
    rewards = people([0.0, 5.0, 0.5, 9.0, 1.0, 5.2]).rewards
    assert representatives(Objective(), rewards, 1, 1).tolist() == [2], "worth 20 to three"
    assert representatives(Objective(), rewards, 3, 1).tolist()[1:] == [2, 3]
    counting = Objective(agent_weights=jnp.array([1.0, 1, 1, 1000, 1, 1]))
    assert representatives(counting, rewards, 1, 1).tolist() == [3], "whose weight is large"
    elsewhere = Objective(outside=jnp.array([10.0, 0, 10, 0, 10, 0]))
    assert set(representatives(elsewhere, rewards, 1, 1).tolist()) <= {1, 5}, "the others have as much outside"
    some = Objective(outside=jnp.array([0.0, 100, 0, 12, 0, 100]))
    assert 3 not in representatives(some, rewards, 2, 1), "who has more outside than of a step"
    assert representatives(some, rewards, 2, 4).tolist() == [2, 3], "but not more than of four"


@given(st.integers(1, 3), st.integers(3, 7), st.integers(0, 2**31))
def test_no_other_targets_are_worth_more(budget: int, agents: int, seed: int) -> None:
    targets = np.random.default_rng(seed).uniform(0, 4, agents)
    found = representatives(Objective(), people(list(targets)).rewards, budget, 1)
    worth = 10 * (1 - np.minimum(1, abs(targets[:, None] - targets)))
    best = max(worth[list(chosen)].max(axis=0).sum() for chosen in combinations(range(agents), budget))
    assert len(set(found)) == budget
    np.testing.assert_allclose(worth[found].max(axis=0).sum(), best, rtol=1e-5)


def test_of_many_agents_some_are_candidates() -> None:
    targets = np.random.default_rng(0).permutation(np.arange(50_000) / 10_000)
    found = representatives(Objective(), people(list(targets), 0.1).rewards, 2, 1)
    assert len(set(found)) == 2 and CANDIDATES < 50_000
    assert (np.abs(targets[found] - 2.5) < 2.41).all(), "not at the ends, where half of what is paid is lost"


def test_who_does_clearly_better_is_copied() -> None:
    agents = np.array([0, 1, 3])
    returns = np.array([[5.0, 0, 9, 0], [0, 5.0, 0, 5.4], [0, 5.4, 9, 5.0]])
    assert who_does_better(returns, agents).tolist() == [0, 1, 2], "a tenth is not clear"
    returns[1, 3] = 5.6
    assert who_does_better(returns, agents).tolist() == [0, 1, 1]
    assert who_does_better(np.zeros((3, 4)), agents).tolist() == [0, 1, 2], "nobody pays anything"


def stands(iteration: int, returns: list[list[float]], known: float = 0.0, held: int = 80) -> Standing:
    """After an iteration of 100, policies 0 and 1 for agents 0 and 2, of three; α is held for so many."""
    alpha = jnp.array([[1.0, 0, 0], [0, 0, 1.0]])
    average = jnp.asarray(returns, jnp.float32)
    table = MovingAverage(average * (1 - known), jnp.full((2, 1), known))
    rewards = Population.from_weights(np.eye(3)).rewards
    return Standing(Objective(), rewards, AssignmentState(alpha, table, jnp.asarray(held, jnp.int32)), iteration, 100)


def test_copies_are_made_now_and_then_while_policies_learn_for_one_agent_and_groups_are_held_as_before() -> None:
    search, better = Representatives(), [[2.0, 0, 3], [1, 9, 1]]
    change = search.change(stands(40, better))
    assert change is not None and change.source.tolist() == [0, 0] and change.assignment is None
    assert 40 + change.hold == 80
    for iteration in (41, 80, 100):
        assert search.change(stands(iteration, better)) is None
    assert search.change(stands(40, [[2.0, 0, 1], [1, 9, 1]])) is None, "everyone does its own best"
    assert search.change(stands(40, better, known=1.0)) is None, "nothing is known yet"
    assert search.change(stands(40, better, held=30)) is None, "groups have begun"
    assert search.change(stands(40, better, held=0)) is None, "policies of a pool have groups from the start"
    assert Representatives(copy_every=7).change(stands(42, better)) is not None


def test_one_phase_whose_groups_begin_late() -> None:
    (phase,) = Representatives().phases(Plan(EM(), QUICK, 5, 20, 1000 * QUICK.batch))
    assert (phase.name, phase.budget, phase.iterations, phase.hold) == ("em", 5, 1000, 800)
    (whole,) = Representatives(alone=1.0).phases(Plan(EM(), QUICK, 5, 20, 10 * QUICK.batch))
    assert whole.hold == whole.iterations == 10


def test_it_begins_with_a_representative_each_and_nobody_else() -> None:
    problem = RepresentedMDP(Aim(), people([-1.0, -1.1, -3.0]), 2)
    training = Training.of(problem, search=Representatives(), learner=QUICK, transitions=640)
    actor = make_actor(jax.random.key(1), 2, 1, problem.world.actions, (8,), "separate", 0.0)
    proposal = Representatives().first_policies(problem, training.plan, actor, jax.random.key(0))
    assert proposal.actor is actor
    assert proposal.assignment.sum() == 2 and proposal.assignment[1].tolist() == [0, 0, 1]


def test_without_targets_any_agents_are_representatives() -> None:
    problem = wishes([0, 1, 2, 3, 0, 1], 4)
    training = Training.of(problem, search=Representatives(), learner=QUICK, transitions=640)
    actor = make_actor(jax.random.key(1), 4, 1, problem.world.actions, (8,), "separate", 0.0)
    drawn = set()
    for seed in range(20):
        alpha = Representatives().first_policies(problem, training.plan, actor, jax.random.key(seed)).assignment
        assert alpha.shape == (4, 6) and (alpha.sum(axis=1) == 1).all() and (alpha.sum(axis=0) <= 1).all()
        drawn |= set(np.flatnonzero(alpha.sum(axis=0)).tolist())
    assert drawn == set(range(6))


def test_every_wish_has_a_policy_where_each_learns_for_one_agent() -> None:
    served = train(wishes(range(4), 4), search=Representatives(), learner=QUICK, transitions=60 * QUICK.batch)
    assert sorted(served.assignment.argmax(axis=0).tolist()) == [0, 1, 2, 3]
    assert served.welfare == pytest.approx(10.0)


def test_two_far_targets_are_met_where_shots_begin_far_from_both() -> None:
    # a shot at x pays by -(x + 1)^2; from -1 (x = 0), one group wants 0 (x = -1), the other -3.5 (x = 0.87)
    users = people([-0.02, -0.02, -0.03, -3.5, -3.5, -3.52], half_width=0.1)
    problem = RepresentedMDP(Aim(), users, 2)
    learner = replace(QUICK, log_std=-2.0, widen=40.0, widen_until=0.8)
    first = train(problem, EM(), search=Representatives(), learner=learner, transitions=150 * QUICK.batch)
    assert first.search == "representatives"
    labels = first.assignment.argmax(axis=0)
    assert (labels == labels[0]).tolist() == [True, True, True, False, False, False]
    assert first.welfare > 5.5  # one group alone is worth 5 at most; the last bits depend on the number of cores


def test_a_stopped_training_ends_as_one_that_was_not(tmp_path: Path) -> None:
    training = Training.of(
        RepresentedMDP(Aim(), people([-0.5, -2.0, -2.2], 0.2), 2),
        search=Representatives(copy_every=2),
        learner=replace(QUICK, widen=10.0),
        transitions=20 * QUICK.batch,
    )
    stopped, whole = stopped_and_not(tmp_path, training, [(0, 7), (0, 17)])
    assert bits(stopped) == bits(whole)


def test_refused() -> None:
    problem = RepresentedMDP(Aim(), people([-1.0, -2.0]), 2)
    with pytest.raises(PolicyBudgetError, match="end-to-end reassigns by gradient; use --search plain"):
        train(problem, EndToEnd(), search="representatives", transitions=64)
    for alone in (0.0, 1.1):
        with pytest.raises(PolicyBudgetError, match="alone must be above 0 and at most 1"):
            Representatives(alone=alone)
    with pytest.raises(PolicyBudgetError, match="copy_every must be at least 1, got 0"):
        Representatives(copy_every=0)
