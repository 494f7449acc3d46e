"""A step of ours is a step of the package: MuJoCo's state, observations, rewards and successes, in all 50 tasks."""

from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip("mujoco")
pytest.importorskip("imageio")
pytest.importorskip("metaworld")

from experiments.metaworld.physics_parity import differences

from policybudget.worlds.metaworld.names import tasks
from policybudget.worlds.metaworld.physics import TaskPhysics
from policybudget.worlds.metaworld.starts import GOALS, Starts

pytestmark = pytest.mark.filterwarnings("ignore:Constant:UserWarning")  # the package's scripted policies say so


@pytest.mark.parametrize("task", tasks())
def test_steps_are_the_packages(task: str) -> None:
    state, observation, reward, successes = differences(task, goals=1, steps=8, threads=1)
    assert (state, observation, successes) == (0.0, 0.0, 0.0)
    assert reward < 1e-12


@pytest.fixture(scope="module")
def sweep() -> Starts:
    return Starts("sweep")


def test_a_start_depends_on_its_goal_alone(sweep: Starts) -> None:
    before = sweep[7]
    other = Starts("sweep")
    other[3], other[11]
    for one, two in zip(before, other[7], strict=True):
        np.testing.assert_array_equal(one, two)
    assert not np.array_equal(before.target, sweep[8].target) and GOALS == 50


def test_a_row_neither_sees_the_others_nor_the_number_of_threads(sweep: Starts) -> None:
    alone, among = TaskPhysics(sweep, 1, 1), TaskPhysics(sweep, 3, 2)
    alone.begin(0, 7)
    for row, goal in enumerate((3, 11, 7)):
        among.begin(row, goal)
    actions = np.random.default_rng(0).uniform(-1, 1, (5, 3, 4))
    for step in actions:
        one, three = alone.step(np.array([0]), step[2:]), among.step(np.array([0, 1, 2]), step)
        np.testing.assert_array_equal(one.observation[0], three.observation[2])
    wider, chosen = among.larger(4), np.array([2])
    wider.begin(3, 3)
    after, same = wider.step(chosen, step[2:]), among.step(chosen, step[2:])
    np.testing.assert_array_equal(after.observation, same.observation)
    np.testing.assert_array_equal(wider.state[2], among.state[2])


def test_pads_that_press_on_the_stick_are_seen() -> None:
    """The scripted policy of stick-push takes the stick; our contact is the package's in every step."""
    from experiments.metaworld.physics_parity import package_env
    from metaworld.policies import ENV_POLICY_MAP

    starts = Starts("stick-push")
    ours, (env, seen) = TaskPhysics(starts, 1, 1), package_env(starts, 0)
    ours.begin(0, 0)
    scripted, row, pressed = ENV_POLICY_MAP["stick-push-v3"](), np.array([0]), []
    for _ in range(70):
        action = np.clip(scripted.get_action(seen), -1, 1)
        seen = env.step(action)[0]
        ours.step(row, action[None])
        pressed.append(ours._pressed(0))
        assert pressed[-1] == env.touching_main_object
    assert True in pressed and False in pressed
