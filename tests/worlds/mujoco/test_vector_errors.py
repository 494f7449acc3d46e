"""What MujocoVectorEnv refuses, and in which words."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from policybudget.errors import PolicyBudgetError, WorldError
from policybudget.worlds.mujoco.task import MujocoTask, PositionsAndVelocities
from policybudget.worlds.mujoco.tasks import TASKS, hopper, velocity_task
from policybudget.worlds.mujoco.vector import MujocoVectorEnv

HOPPER = velocity_task("hopper")
NEEDED = 'MuJoCo\'s worlds need mujoco: pip install "policybudget[mujoco]"'


def started(num_envs: int = 3, **given: Any) -> MujocoVectorEnv:
    pytest.importorskip("mujoco")
    env = MujocoVectorEnv(HOPPER, num_envs, **given)
    env.reset(seed=0)
    return env


def test_missing_mujoco_is_said_on_construction(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "mujoco", None)
    with pytest.raises(PolicyBudgetError) as error:
        MujocoVectorEnv(HOPPER, 1)
    assert str(error.value) == NEEDED


def test_importing_the_module_does_not_import_mujoco() -> None:
    code = "import sys, policybudget.worlds.mujoco.vector; sys.exit('mujoco' in sys.modules)"
    paths = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    subprocess.run([sys.executable, "-c", code], check=True, env=paths)


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_actions_must_be_finite(bad: float) -> None:
    env = started()
    env.step(np.zeros((3, 3)))
    actions = np.zeros((3, 3))
    actions[1, 2] = bad
    message = rf"task hopper: the action of environment 1 in step 2 .*not finite: .*{bad}"
    with pytest.raises(WorldError, match=message):
        env.step(actions)


def test_the_action_of_a_world_that_is_being_reset_is_not_looked_at() -> None:
    env = MujocoVectorEnv(replace(HOPPER, time_limit=1), 2)
    env.reset(seed=0)
    env.step(np.zeros((2, 3)))
    observation, reward, terminated, truncated, info = env.step(np.full((2, 3), np.nan))
    assert np.isfinite(observation).all() and reward.tolist() == [0, 0]
    assert not (terminated | truncated).any()
    assert info["x_velocity"].tolist() == [0, 0] and not info["_x_velocity"].any()
    assert np.isfinite(env.step(np.zeros((2, 3)))[0]).all()


@pytest.mark.parametrize("bad", [np.nan, 1e12])
@pytest.mark.parametrize("mode", ["NextStep", "SameStep"])
def test_diverged_physics_is_named(bad: float, mode: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)  # MuJoCo writes a log file on a divergence
    env = started(autoreset_mode=mode)
    env.step(np.zeros((3, 3)))
    good, state = env.get_state(), env.get_state()
    state["physics"][2, 1 + 6] = bad  # after time and 6 positions: the first velocity
    env.set_state(state)
    with pytest.raises(WorldError, match=r"task hopper: .*environment 2 diverged in step 2 of its"):
        env.step(np.zeros((3, 3)))
    env.reset(options={"reset_mask": np.array([False, False, True])})
    assert np.isfinite(env.step(np.zeros((3, 3)))[0]).all()
    env.set_state(state)
    with pytest.raises(WorldError):
        env.step(np.zeros((3, 3)))
    env.set_state(good)
    assert np.isfinite(env.step(np.zeros((3, 3)))[0]).all()


def test_tasks_that_cannot_be_measured_or_observed() -> None:
    pytest.importorskip("mujoco")
    with pytest.raises(WorldError, match=r"task hopper: main_body must be None with by_mass_centre, got 1"):
        replace(HOPPER, by_mass_centre=True, main_body=1)
    with pytest.raises(WorldError, match="task hopper: MjData has no field 'mood' to observe"):
        MujocoVectorEnv(replace(HOPPER, observe_fields=(("mood", 0),)), 1)


def test_building_leaves_no_log_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("mujoco")
    monkeypatch.chdir(tmp_path)
    for name in TASKS:
        MujocoVectorEnv(velocity_task(name), 1).close()
    assert list(tmp_path.iterdir()) == []


def test_order_and_shape_of_calls() -> None:
    pytest.importorskip("mujoco")
    env = MujocoVectorEnv(HOPPER, 3)
    with pytest.raises(WorldError, match="reset environment 0 before its first step"):
        env.step(np.zeros((3, 3)))
    with pytest.raises(WorldError, match="reset environment 0"):
        env.get_state()
    env.reset(options={"reset_mask": np.array([True, False, True])})
    with pytest.raises(WorldError, match="reset environment 1"):
        env.step(np.zeros((3, 3)))
    env.reset()
    with pytest.raises(WorldError, match=re.escape("shape (3, 3), got (3, 2)")):
        env.step(np.zeros((3, 2)))
    with pytest.raises(WorldError, match="one seed for each of 3 worlds, got 2"):
        env.reset(seed=[1, 2])
    for mask in ([True] * 3, np.zeros(3, np.bool_), np.ones(2, np.bool_), np.ones(3)):
        with pytest.raises(WorldError, match=re.escape("array of bool of shape (3,)")):
            env.reset(options={"reset_mask": mask})
    env.close()
    env.close()
    with pytest.raises(WorldError, match="was closed"):
        env.step(np.zeros((3, 3)))


def test_a_state_that_does_not_fit_changes_nothing() -> None:
    env = started()
    before = env.get_state()
    with pytest.raises(WorldError, match="lacks elapsed, x"):
        env.set_state({k: v for k, v in before.items() if k not in ("x", "elapsed")})
    with pytest.raises(WorldError, match=re.escape("got float64 (2, 43)")):
        env.set_state({**before, "physics": np.zeros((2, 43))})
    with pytest.raises(WorldError, match=re.escape("observation in the saved state must be float32")):
        env.set_state({**before, "observation": np.zeros((3, 11))})
    for key, array in env.get_state().items():
        np.testing.assert_array_equal(array, before[key])


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"model": "no/such.xml"}, "there is no model 'no/such.xml'"),
        ({"model": "gymnasium:unicorn.xml"}, "there is no model 'gymnasium:unicorn.xml'"),
        ({"model": "<mujoco><nonsense/></mujoco>"}, "MuJoCo rejects its model: .*nonsense"),
        ({"main_body": "head"}, "its model has no body 'head'"),
        ({"observe": lambda qpos, qvel: qpos[:, 0]}, re.escape("(2, o) for 2 environments")),
        ({"healthy": lambda qpos, qvel: qpos[:, 0]}, re.escape("bool of shape (2,), got float64")),
    ],
)
def test_tasks_that_do_not_fit_their_model(given: dict[str, Any], message: str) -> None:
    pytest.importorskip("mujoco")
    with pytest.raises(WorldError, match=message):
        MujocoVectorEnv(replace(HOPPER, **given), 2)


def test_numbers_out_of_range() -> None:
    observe = PositionsAndVelocities()
    with pytest.raises(WorldError, match="task x: frame_skip must be at least 1, got 0"):
        MujocoTask("x", "<mujoco/>", 0, observe)
    with pytest.raises(WorldError, match="time_limit must be at least 1, or None, got 0"):
        hopper(time_limit=0)
    with pytest.raises(WorldError, match="position_noise must be finite and not negative, got -1"):
        hopper(reset_noise=-1)
    with pytest.raises(WorldError, match="healthy_reward must be finite, got nan"):
        hopper(healthy_reward=float("nan"))
    with pytest.raises(WorldError, match="num_envs must be at least 1, got 0"):
        MujocoVectorEnv(HOPPER, 0)
    with pytest.raises(WorldError, match="num_threads must not be negative, got -1"):
        MujocoVectorEnv(HOPPER, 1, num_threads=-1)
