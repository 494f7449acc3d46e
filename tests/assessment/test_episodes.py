"""Episodes that all tasks share, and episodes of a task's own."""

from __future__ import annotations

import numpy as np
import pytest
from runs_by_hand import constant
from worlds_with_known_answers import Levers

from policybudget.assessment import episodes
from policybudget.assessment.certificate import Exact, certify
from policybudget.assessment.episodes import Tape, play_alone, play_tasks
from policybudget.population import Population
from policybudget.worlds.finite.world import FiniteWorld

LEVERS, PULLS = Levers(3), [[5.0, 0, 0], [0, 0, 5.0]]
WISHES = Population.from_weights([[1.0, 0, 0], [0, 1, 0], [0, 0, 2], [3, 0, 1]])
CHANCES = np.zeros((4, 2, 4))
CHANCES[0, :, 1:] = [[0.5, 0.0, 0.5], [0.0, 1.0, 0.0]]
CHANCES[[1, 2, 3], :, 3] = 1.0
PAID = np.zeros((4, 2, 1))
PAID[1], PAID[2] = 1.0, 0.25
COIN = FiniteWorld(CHANCES, PAID, [1, 0, 0, 0], time_limit=3)
"""The first action tosses a fair coin for 1, the second takes 0.25."""
TOSS, TAKE = [5.0, 0.0], [0.0, 5.0]


def alike(tasks: int) -> Population:
    return Population.from_weights(np.ones((tasks, 1)))


def test_all_policies_in_all_tasks_by_hand() -> None:
    returns = play_tasks(LEVERS, WISHES, constant(LEVERS, PULLS), 3, 0)
    expected = np.array([[1.0, 0, 0, 3], [0, 0, 2, 1]])
    np.testing.assert_array_equal(returns, np.repeat(expected[:, :, None], 3, axis=2))


def test_the_own_policies_by_hand(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(episodes, "TOGETHER", 4)  # in several parts, over the border between two tasks
    returns = play_alone(LEVERS, WISHES, constant(LEVERS, PULLS), np.array([0, 0, 1, 0]), 3, 0)
    np.testing.assert_array_equal(returns, np.repeat([[1.0], [0], [2], [3]], 3, axis=1))


def test_shared_episodes_are_shared_and_own_ones_are_not() -> None:
    tasks, who = alike(50), constant(COIN, [TOSS, TAKE])
    shared = play_tasks(COIN, tasks, who, 40, 3)
    assert (shared == shared[:, :1]).all() and (shared[1] == 0.25).all() and set(np.unique(shared[0])) == {0.0, 1.0}
    own = play_alone(COIN, tasks, who, np.zeros(50, int), 40, 3)
    assert len(np.unique(own, axis=0)) == 50
    assert own.mean() == pytest.approx(0.5, abs=4 * 0.5 / np.sqrt(2000))
    np.testing.assert_array_equal(own, play_alone(COIN, tasks, who, np.zeros(50, int), 40, 3))
    for other in (
        play_alone(COIN, tasks, who, np.zeros(50, int), 40, 4),
        play_alone(COIN, tasks, who, np.zeros(50, int), 40, 3, 1),
    ):
        assert (other != own).any(axis=1).all()


def test_a_certificate_needs_own_episodes() -> None:
    """Tasks that just miss the bar are counted together or not at all if they share their episodes: no coins."""
    tasks, who, first = alike(40), constant(COIN, [TOSS]), np.zeros(40, int)

    def counted(returns: np.ndarray) -> int:
        return certify(returns, Exact(np.full(40, 0.5 + 1e-9)), low=0.0, high=1.0, task_alpha=0.4).counted

    assert {counted(play_tasks(COIN, tasks, who, 30, seed)[0]) for seed in range(40)} == {0, 40}
    assert max(counted(play_alone(COIN, tasks, who, first, 30, seed)) for seed in range(40)) < 25


def test_a_tape_is_the_same_whoever_reads_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(episodes, "BLOCK", 8)
    tasks, who = Population.from_weights([[1.0], [2.0]]), constant(COIN, [TOSS, TOSS, TAKE])
    one, other = Tape(COIN, tasks, who, 5), Tape(COIN, tasks, who, 5)
    both = one.player(0)(np.array([0, 1]), 20)
    assert [len(returns) for returns in one.returns] == [24, 24, 0]  # nobody asked for the third
    play = other.player(1)
    parts = [play(np.array([1]), 3), play(np.array([0, 1]), 7), play(np.array([1]), 10), play(np.array([0]), 13)]
    np.testing.assert_array_equal(np.concatenate([parts[0], parts[1][1:], parts[2]], axis=1), 2 * both[1:])
    np.testing.assert_array_equal(np.concatenate([parts[1][:1], parts[3]], axis=1), 2 * both[:1])
    assert (both[0] != both[1]).any() and 0.3 < both.mean() < 0.7
    np.testing.assert_array_equal(one.player(1)(np.array([2]), 2), [[0.5, 0.5]])
