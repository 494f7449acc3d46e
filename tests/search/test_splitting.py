"""Splitting: idle policies become copies of those that have more agents than they can serve well."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from trainings import train
from worlds_with_known_answers import QUICK, wishes

from policybudget.assignment.em import EM
from policybudget.assignment.end_to_end import EndToEnd
from policybudget.assignment.fixed import RandomGroups
from policybudget.assignment.returns import MovingAverage
from policybudget.assignment.rule import AssignmentState, one_hot
from policybudget.errors import PolicyBudgetError
from policybudget.objective import Objective
from policybudget.rollouts import compiled
from policybudget.search.phases import Plan
from policybudget.search.search import Standing
from policybudget.search.splitting import HOLD, Splitting, plan_splits
from policybudget.training.events import Event
from policybudget.training.state import Task, TrainState, begin, changed, make_task
from policybudget.welfare import parse

TABLE = np.array([[9.0, 0, 0, 0, 0, 0], [0, 8, 7, 0, 0, 0], [2.0, 0, 0, 0, 0, 0]])
LABELS = np.array([0, 1, 1, 1, 1, 2])


def test_an_idle_policy_becomes_a_copy_and_takes_those_whom_the_original_serves_well() -> None:
    # 0 serves user 0; 1 serves users 1 and 2 well, and has 3, 4 and 5 whom nobody serves; 2 is no better than 0
    source, labels = plan_splits(Objective(), TABLE, LABELS)
    np.testing.assert_array_equal(source, [0, 1, 1])
    np.testing.assert_array_equal(labels, [0, 2, 2, 1, 1, 0])  # user 5 goes to the first of equals


def test_nobody_is_idle() -> None:
    source, labels = plan_splits(Objective(), np.diag([5.0, 5.0, 5.0]), np.arange(3))
    np.testing.assert_array_equal(source, np.arange(3))
    np.testing.assert_array_equal(labels, np.arange(3))


def test_at_most_two_at_once_and_none_is_both_copied_and_a_copy() -> None:
    returns = np.zeros((6, 12))
    returns[0, :6] = 5.0
    source, _ = plan_splits(Objective(), returns, np.zeros(12, int))
    moved = np.flatnonzero(source != np.arange(6))
    assert 1 <= len(moved) <= 2 and not set(moved) & set(source[moved])


# policy 0 serves agents 0 to 3, policy 1 only agent 4 and policy 2 only agent 5; agent 5 is a little better off with 2
FEW = np.array([[8.0, 8, 0, 0, 0, 0], [0, 0, 0, 0, 8, 7], [0, 0, 0, 0, 0, 8.0]])
WITH = np.array([0, 0, 0, 0, 1, 2])


@pytest.mark.parametrize(
    ("objective", "idle"),
    [
        (Objective(), 2),  # policy 2 would be missed by 1 of 32 / 3
        (Objective(agent_weights=jnp.array([1.0, 1, 1, 1, 1, 8])), None),  # but agent 5 stands for 8 people
        (Objective(agent_weights=jnp.array([1.0, 1, 1, 1, 1, 50])), 1),  # or for 50: agent 4 hardly counts beside them
        (Objective(agent_weights=jnp.array([1.0, 1, 1, 1, 1, 2])), 2),
        (Objective(outside=jnp.array([-jnp.inf, -jnp.inf, -jnp.inf, -jnp.inf, 7.9, -jnp.inf])), 1),  # 4 can go outside
    ],
)
def test_weights_and_options_outside_decide_who_is_idle(objective: Objective, idle: int | None) -> None:
    source, _ = plan_splits(objective, FEW, WITH)
    copies = np.flatnonzero(source != np.arange(3)).tolist()
    assert copies[:1] == ([] if idle is None else [idle])


def test_agent_weights_decide_who_is_split() -> None:
    # policy 3 is idle; 0 and 1 have two agents each whom they serve badly
    returns = np.array(
        [[9.0, 9, 1, 1, 0, 0, 0, 0, 0], [0, 0, 0, 0, 9, 9, 0, 0, 0], [0, 0, 0, 0, 0, 0, 0, 0, 9], [0] * 9]
    )
    labels = np.array([0, 0, 0, 0, 1, 1, 1, 1, 2])
    assert plan_splits(Objective(), returns, labels)[0].tolist() == [0, 1, 2, 1], "those of 1 are worst off"
    heavy = Objective(agent_weights=jnp.array([1.0, 1, 9, 9, 1, 1, 1, 1, 1]))
    assert plan_splits(heavy, returns, labels)[0].tolist() == [0, 1, 2, 0], "those of 0 are many more people"


def test_the_welfare_function_decides_who_is_idle() -> None:
    # without policy 1 the mean falls by 0.05 of 9.1, but the worst off gets 0.2 in place of 0.4
    returns = np.array([[12.0, 12.0, 0.0, 0.2], [0.0, 0.0, 0.0, 0.4], [0.0, 0.0, 12.0, 0.2]])
    labels = np.array([0, 0, 2, 1])
    mean = plan_splits(Objective(), returns, labels)[0]
    worst = plan_splits(Objective(parse("egalitarian")), returns, labels)[0]
    np.testing.assert_array_equal(mean, [0, 0, 2])
    np.testing.assert_array_equal(worst, [0, 1, 2])


def started(rule: EM, budget: int = 3) -> tuple[Task, TrainState]:
    """A task of 100 iterations, and its state at the start."""
    problem = wishes([0, 1, 2, 3, 4, 5], budget)
    (phase,) = Splitting().phases(Plan(rule, QUICK, budget, 6, 100 * QUICK.batch))
    task = make_task(problem, phase, 0.05, False)
    ongoing = compiled.start(problem.world, (budget, QUICK.copies), jax.random.key(0))  # type: ignore[arg-type]
    return task, begin(task, one_hot(jnp.asarray(LABELS), budget), ongoing, 0, jax.random.key(1))


def standing(task: Task, state: TrainState, iteration: int) -> Standing:
    return Standing(task.objective, task.rewards, state.assignment, iteration, task.iterations)


def known(state: TrainState, kept: Any = 0.0) -> TrainState:
    """With TABLE in the table of returns; users are paid 10 for a feature."""
    table = MovingAverage(jnp.asarray(TABLE, jnp.float32) / 10, jnp.broadcast_to(jnp.asarray(kept), (3, 1)))
    held = state.assignment.held
    return replace(state, assignment=AssignmentState(state.assignment.assignment, table, held))


def test_the_copy_acts_as_its_source_and_the_assignment_is_held() -> None:
    task, state = started(EM(warm_start=3))
    state, search = replace(known(state), iteration=jnp.asarray(20, jnp.int32)), Splitting(split_every=10)
    change = search.change(standing(task, state, 20))
    assert change is not None and change.hold == HOLD
    after = changed(state, change)
    seen = jnp.ones((3, 4, 1))
    before_out, after_out = state.learned.actor(seen).out, after.learned.actor(seen).out
    np.testing.assert_array_equal(after_out, np.asarray(before_out)[[0, 1, 1]])
    np.testing.assert_array_equal(after.learned.critic(seen), np.asarray(state.learned.critic(seen))[[0, 1, 1]])
    copied = after.assignment.table.estimate(task.rewards).value
    np.testing.assert_allclose(copied, TABLE[[0, 1, 1]], rtol=1e-6)
    np.testing.assert_array_equal(np.argmax(after.assignment.assignment, axis=0), [0, 2, 2, 1, 1, 0])
    assert int(after.assignment.held) == 20 + HOLD
    assert search.change(standing(task, after, 30)) is None, "too recent"
    assert search.change(standing(task, known(state), 40)) is not None


def test_nothing_splits_while_something_is_unknown() -> None:
    task, state = started(EM())
    assert Splitting().change(standing(task, known(state), 20)) is not None
    assert Splitting().change(standing(task, known(state, jnp.array([[0.0], [0.0], [1.0]])), 20)) is None


@pytest.mark.parametrize(("iteration", "looks"), [(3, False), (10, True), (15, False), (70, True), (80, False)])
def test_when_to_look(iteration: int, looks: bool) -> None:
    task, state = started(EM())
    change = Splitting(split_every=10).change(standing(task, known(state), iteration))
    assert (change is not None) is looks


def test_policies_split_in_a_training() -> None:
    # 8 users who want 4 levers; whoever begins with which, all levers are found in the end
    held: list[int] = []
    result = train(
        wishes([0, 1, 2, 3, 0, 1, 2, 3], 4), EM(warm_start=2), search=Splitting(split_every=5), learner=QUICK,
        transitions=100 * QUICK.batch, listeners=[lambda event: held.append(holds(event))],
    )  # fmt: skip
    assert result.welfare == pytest.approx(10.0) and result.search == "splitting"
    assert held[0] == 2


def holds(event: Event) -> int:
    return int(event.snapshot.state.assignment.held)


@pytest.mark.parametrize(
    ("rule", "how"),
    [(RandomGroups(), "algorithm random reassigns never"), (EndToEnd(), "end-to-end reassigns by gradient")],
)
def test_rules_that_do_not_move_agents_greedily_are_refused(rule: Any, how: str) -> None:
    with pytest.raises(PolicyBudgetError, match=f"{how}; use --search plain"):
        train(wishes([0, 1], 2), rule, search="splitting", transitions=64)


def test_out_of_range() -> None:
    with pytest.raises(PolicyBudgetError, match="split_every must be at least 1, got 0"):
        Splitting(split_every=0)
