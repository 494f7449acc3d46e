"""Splitting a group with an idle policy."""

from __future__ import annotations

from dataclasses import replace

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from worlds_with_known_answers import QUICK, wishes

from policybudget.assignment.em import EM
from policybudget.assignment.rule import AssignmentState, one_hot
from policybudget.errors import PolicyBudgetError
from policybudget.learning import rollout
from policybudget.training import splits
from policybudget.training.state import Task, TrainState, begin, make_task


def test_an_idle_policy_copies_the_pioneer_and_takes_its_settlers() -> None:
    # 0 serves user 0; 1 serves users 1 and 2 well, and has 3, 4 and 5 whom nobody serves; 2 is no better than 0
    returns = np.array([[9.0, 0, 0, 0, 0, 0], [0, 8, 7, 0, 0, 0], [2.0, 0, 0, 0, 0, 0]])
    source, labels = splits.plan(returns, np.array([0, 1, 1, 1, 1, 2]))
    np.testing.assert_array_equal(source, [0, 1, 1])
    np.testing.assert_array_equal(labels, [0, 2, 2, 1, 1, 0])  # user 5 goes to the first of equals


def test_nobody_is_idle() -> None:
    returns = np.diag([5.0, 5.0, 5.0])
    source, labels = splits.plan(returns, np.arange(3))
    np.testing.assert_array_equal(source, np.arange(3))
    np.testing.assert_array_equal(labels, np.arange(3))


def test_at_most_two_at_once_and_nobody_splits_and_copies() -> None:
    returns = np.zeros((6, 12))
    returns[0, :6] = 5.0
    source, _ = splits.plan(returns, np.zeros(12, int))
    moved = np.flatnonzero(source != np.arange(6))
    assert 1 <= len(moved) <= 2 and not set(moved) & set(source[moved])


def started(rule: EM, budget: int = 3) -> tuple[Task, TrainState]:
    problem = wishes([0, 1, 2, 3, 4, 5], budget)
    task = make_task(problem, rule, QUICK, budget, 100)
    ongoing = rollout.start(problem.world, budget, QUICK.copies, jax.random.key(0))  # type: ignore[arg-type]
    return task, begin(task, one_hot(jnp.array([0, 1, 1, 1, 1, 2]), budget), ongoing, jax.random.key(1))


def test_the_copy_acts_as_its_source_and_the_assignment_is_held() -> None:
    task, state = started(EM(warm_start=3, split_every=10))
    table = jnp.array([[9.0, 0, 0, 0, 0, 0], [0, 8, 7, 0, 0, 0], [2.0, 0, 0, 0, 0, 0]]) / 10
    known = AssignmentState(state.assignment.assignment, table, jnp.zeros(3))
    state = replace(state, assignment=known, iteration=jnp.asarray(20, jnp.int32))
    after = splits.split(task, state)
    seen = jnp.ones((3, 4, 1))
    before_out, after_out = state.learned.actor(seen).out, after.learned.actor(seen).out
    np.testing.assert_array_equal(after_out, np.asarray(before_out)[[0, 1, 1]])
    np.testing.assert_array_equal(after.learned.critic(seen), np.asarray(state.learned.critic(seen))[[0, 1, 1]])
    np.testing.assert_array_equal(after.assignment.table, table[jnp.array([0, 1, 1])])
    np.testing.assert_array_equal(np.argmax(after.assignment.assignment, axis=0), [0, 2, 2, 1, 1, 0])
    assert int(after.assignment.held) == 20 + splits.HOLD
    assert splits.split(task, after) is after  # too recent
    held = task.rule.update(task.rewards, task.objective, after.assignment, None, jnp.asarray(25), jax.random.key(0))
    np.testing.assert_array_equal(held, after.assignment.assignment)
    free = task.rule.update(task.rewards, task.objective, after.assignment, None, jnp.asarray(40), jax.random.key(0))
    assert (np.asarray(free) != np.asarray(held)).any()


@pytest.mark.parametrize(("iteration", "due"), [(3, False), (10, True), (15, False), (80, False)])
def test_when_to_look(iteration: int, due: bool) -> None:
    task, _ = started(EM(warm_start=5, split_every=10))
    assert splits.due(task, iteration) is due
    assert not splits.due(replace(task, rule=EM()), iteration)


def test_out_of_range() -> None:
    with pytest.raises(PolicyBudgetError, match="split_every must be 0 or more"):
        EM(split_every=-1)
