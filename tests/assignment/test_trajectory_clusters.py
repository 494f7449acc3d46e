from __future__ import annotations

from dataclasses import replace

import jax
import numpy as np
import pytest
from gymnasium.vector import AutoresetMode
from gymnasium_worlds import Counting, copies_of
from trainings import train
from worlds_with_known_answers import QUICK, wishes

from policybudget.assignment.rule import Known
from policybudget.assignment.trajectory_clusters import TrajectoryClusters
from policybudget.population import Population
from policybudget.problem import RepresentedMDP
from policybudget.search.pretrained import Pretrained
from policybudget.training.events import Event
from policybudget.worlds import world_from


def groups(alpha: np.ndarray) -> set[frozenset[int]]:
    return {frozenset(np.flatnonzero(row).tolist()) for row in alpha if row.any()}


def test_users_who_are_paid_alike_are_grouped() -> None:
    rewards = Population.from_weights([[1, 0], [0, 1], [1, 0.05], [0.05, 1], [-1, -1]]).rewards
    seen = np.random.default_rng(0).normal(size=(50, 2)).astype(np.float32)
    alpha = np.asarray(TrajectoryClusters().start(Known(rewards, 3, 5, seen=seen), jax.random.key(0)))
    assert groups(alpha) == {frozenset({0, 2}), frozenset({1, 3}), frozenset({4})}


def test_fewer_kinds_of_users_than_policies() -> None:
    rewards = Population.from_weights([[1, 0], [1, 0], [0, 1]]).rewards
    alpha = np.asarray(
        TrajectoryClusters().start(Known(rewards, 3, 3, seen=np.eye(2, dtype=np.float32)), jax.random.key(0))
    )
    assert groups(alpha) == {frozenset({0, 1}), frozenset({2})}
    np.testing.assert_array_equal(alpha.sum(axis=0), 1.0)


def test_two_phases_and_a_policy_per_cluster() -> None:
    events: list[Event] = []
    problem = wishes((0, 1, 2, 0, 1, 2), 3)
    iterations = 40
    result = train(
        problem, TrajectoryClusters(), search=Pretrained(universal_steps=200), learner=QUICK,
        transitions=iterations * QUICK.batch, seed=0,
        listeners=[events.append],
    )  # fmt: skip
    assert [event.phase for event in events] == [0] * iterations + [1] * iterations
    assert events[0].phases == ("universal policy", "trajectory-clusters")
    assert events[0].snapshot.state.assignment.assignment.shape == (1, 6)
    total = iterations * QUICK.batch * (1 + 3)
    assert events[-1].transitions == events[-1].of == result.transitions == total
    assert events[iterations - 1].transitions == iterations * QUICK.batch
    assert groups(result.assignment) == {frozenset({0, 3}), frozenset({1, 4}), frozenset({2, 5})}
    assert result.welfare == 10.0


def test_steps_that_are_resets_tell_the_rule_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """After an episode of this world comes a step that only resets; every real step pays 1 at least."""
    world = world_from(copies_of(Counting, AutoresetMode.NEXT_STEP), "counting")
    problem = RepresentedMDP(world, Population.from_weights([[1.0], [2.0]]), 2)
    known: list[Known] = []
    start = TrajectoryClusters.start
    monkeypatch.setattr(TrajectoryClusters, "start", lambda *a: known.append(a[1]) or start(*a))  # type: ignore[func-returns-value]
    learner = replace(QUICK, copies=2, steps=8, minibatch=16, epochs=1)
    train(problem, TrajectoryClusters(), search=Pretrained(universal_steps=30), learner=learner, transitions=16)
    (only,) = known
    assert only.seen is not None and only.seen.shape == (30, 1)
    assert only.seen.min() >= 1.0, "a reset pays 0"
