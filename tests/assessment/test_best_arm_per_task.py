from __future__ import annotations

import json

import numpy as np
import pytest
from runs_by_hand import constant
from worlds_with_known_answers import Levers

from policybudget.assessment.best_arm_per_task import NO_POLICY, Choices, select_each
from policybudget.assessment.episodes import Tape, play_tasks
from policybudget.errors import PolicyBudgetError
from policybudget.population import Population

LEVERS = Levers(3)
POLICIES = constant(LEVERS, [[5.0, 0, 0], [0, 5.0, 0]])
TASKS = Population.from_weights([[8.0, 0, 0], [0, 9, 0], [0, 0, 9], [7, 6.5, 0]])


def chosen(**how: object) -> Choices:
    return select_each(Tape(LEVERS, TASKS, POLICIES, 0), 0.0, 10.0, **how)


def test_every_reason_by_hand() -> None:
    """Wanted are the first lever, the second, one that nobody pulls, and two that are nearly alike."""
    ended = chosen(beta=1.0, floor=5.0)
    assert [choice.reason for choice in ended.choices] == [
        "certain", "certain", "no policy is good enough", "within beta",
    ]  # fmt: skip
    assert ended.serves.tolist() == [0, 1, NO_POLICY, 0]
    assert ended.reasons() == {
        "certain": 2, "within beta": 1, "episodes spent": 0, "no policy is good enough": 1,
    }  # fmt: skip
    assert ended.floor() == {"reached": 3, "by no policy": 1, "undecided": 0}
    record = json.loads(json.dumps(ended.as_record(play_tasks(LEVERS, TASKS, POLICIES, 2, 0))))
    assert record["returns"]["mean"] == pytest.approx((8 + 9 + 7) / 3) and record["returns"]["worst"] == 7.0
    used = [choice.episodes for choice in ended.choices]
    assert record["episodes"] == {"mean": np.mean(used), "most": max(used)} and len(record["tasks"]) == 4
    assert used[3] > used[0]  # what is alike takes longer


def test_spent_and_nobody_at_all() -> None:
    spent = chosen(episodes=4, method="sequential-halving")
    assert spent.reasons()["episodes spent"] == 4 and spent.episodes.tolist() == [4] * 4
    assert "floor" not in spent.as_record(play_tasks(LEVERS, TASKS, POLICIES, 2, 0))
    nobody = chosen(beta=1.0, floor=9.5)
    assert nobody.serves.tolist() == [NO_POLICY] * 4
    assert nobody.as_record(play_tasks(LEVERS, TASKS, POLICIES, 2, 0))["returns"] is None


def test_winners_are_judged_by_the_episodes_that_are_given() -> None:
    ended, others = chosen(beta=1.0, floor=5.0), np.arange(2 * 4 * 3, dtype=float).reshape(2, 4, 3)
    np.testing.assert_array_equal(ended.means(others), [1.0, 16.0, 10.0])


def test_returns_out_of_range_are_refused() -> None:
    with pytest.raises(PolicyBudgetError, match=r"returns must lie in \[0, 5\], got 8"):
        select_each(Tape(LEVERS, TASKS, POLICIES, 0), 0.0, 5.0, beta=1.0)
