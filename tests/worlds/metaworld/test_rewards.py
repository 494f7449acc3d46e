"""The package is the known answer: rewards in play, and of scenes at random, are those that it gives."""

from __future__ import annotations

import numpy as np
import pytest
from experiments.metaworld.package import play
from experiments.metaworld.reward_parity import differences
from experiments.metaworld.without_physics import paid, payer, scenes
from metaworld.env_dict import ALL_V3_ENVIRONMENTS

from policybudget.worlds.metaworld.rewards import JOINTS, PARTS, POINTS, REWARDS, Paid, Scene, touch_matters

DRAWN = scenes(200, seed=0)


def same(ours: Paid, theirs: Paid) -> None:
    assert ours.reward.dtype == np.float64 and ours.success.dtype == bool
    assert ours.reward.shape == ours.success.shape == theirs.reward.shape
    assert differences(ours, theirs).max() <= 1e-9
    np.testing.assert_array_equal(ours.success, theirs.success)


def test_every_task_of_the_package_has_a_reward() -> None:
    assert set(REWARDS) == set(ALL_V3_ENVIRONMENTS) and len(REWARDS) == 50
    assert {*POINTS, *JOINTS, *PARTS} <= set(REWARDS)


@pytest.mark.parametrize("task", sorted(REWARDS))
def test_rewards_in_play(task: str) -> None:
    visited = play(task, episodes=2, steps=60)
    same(REWARDS[task](visited.scene), visited.paid)
    assert len(np.unique(visited.paid.reward)) > 30


@pytest.mark.parametrize("task", sorted(REWARDS))
def test_rewards_of_scenes_at_random(task: str) -> None:
    theirs = paid(payer(task), task, DRAWN)
    same(REWARDS[task](DRAWN), theirs)
    assert theirs.success.any() and not theirs.success.all()
    assert 0 <= theirs.reward.min() < 2 and 4 < theirs.reward.max() <= 10 + 1e-12


@pytest.mark.parametrize("task", sorted(REWARDS))
def test_what_a_task_does_not_need_may_be_unknown(task: str) -> None:
    unread = {"points": POINTS, "joint": JOINTS, "start_part": PARTS}
    blank = {name: np.full_like(getattr(DRAWN, name), np.nan) for name, tasks in unread.items() if task not in tasks}
    whole, some = REWARDS[task](DRAWN), REWARDS[task](DRAWN._replace(**blank))
    np.testing.assert_array_equal(whole.reward, some.reward)
    np.testing.assert_array_equal(whole.success, some.success)


@pytest.mark.parametrize("task", sorted(REWARDS))
def test_a_row_is_paid_as_if_it_were_alone(task: str) -> None:
    before = Scene._make(field.copy() for field in DRAWN)
    together = REWARDS[task](DRAWN)
    for row in (0, 77, 199):
        alone = REWARDS[task](Scene._make(field[row : row + 1] for field in DRAWN))
        assert (alone.reward[0], alone.success[0]) == (together.reward[row], together.success[row])
    for field, kept in zip(DRAWN, before, strict=True):
        np.testing.assert_array_equal(field, kept)


def test_touch_matters_only_where_a_stick_is_up_and_the_container_there() -> None:
    pay = REWARDS["stick-push-v3"]
    felt, unfelt = (pay(DRAWN._replace(touching=np.full(200, touch))) for touch in (True, False))
    np.testing.assert_array_equal(felt.success, touch_matters(DRAWN))
    np.testing.assert_array_equal(felt.reward, unfelt.reward)
    assert felt.success.any() and not felt.success.all() and not unfelt.success.any()


def test_actions_beyond_their_bounds_are_paid_as_those_on_them() -> None:
    beyond, on = (DRAWN._replace(action=np.clip(3 * DRAWN.action, -bound, bound)) for bound in (2, 1))
    for pay in REWARDS.values():
        np.testing.assert_array_equal(pay(beyond).reward, pay(on).reward)
