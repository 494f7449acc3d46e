"""MujocoVectorEnv against Gymnasium's own v5 tasks, and a mass on a rail."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from policybudget.errors import WorldError
from policybudget.worlds.mujoco.task import HealthyRange, MujocoTask, PositionsAndVelocities
from policybudget.worlds.mujoco.tasks import TASKS, humanoid, velocity_task
from policybudget.worlds.mujoco.vector import MujocoVectorEnv

mujoco = pytest.importorskip("mujoco")
pytest.importorskip("imageio")
gymnasium = pytest.importorskip("gymnasium")
AutoresetMode = gymnasium.vector.AutoresetMode

GYMNASIUM = {
    "half-cheetah": ("HalfCheetah-v5", {}),
    "ant": (
        "Ant-v5",
        {
            "contact_cost_weight": 0.0,
            "healthy_z_range": (0.4, 1.0),
            "include_cfrc_ext_in_observation": False,
        },
    ),
    "hopper": ("Hopper-v5", {}),
    "walker2d": ("Walker2d-v5", {}),
    "humanoid": ("Humanoid-v5", {}),
}
V5 = {**TASKS, "humanoid": humanoid}
FORMS = [(name, form) for name in TASKS for form in ("velocity", "v5")] + [("humanoid", "v5")]

RAIL = """
<mujoco><option timestep="0.01" gravity="0 0 0"/><worldbody><body name="cart">
<joint name="x" type="slide" axis="1 0 0"/><geom size="0.1" mass="2"/></body></worldbody>
<actuator><motor joint="x" ctrllimited="true" ctrlrange="-3 3"/></actuator></mujoco>
"""


def pair(name: str, form: str, **given: Any) -> tuple[MujocoTask, dict[str, Any]]:
    """A task of ours, and the arguments of ``gymnasium.make`` that mean the same."""
    task = velocity_task(name) if form == "velocity" else V5[name]()
    env_id, options = GYMNASIUM[name]
    options = {**options, "ctrl_cost_weight": 0.0} if form == "velocity" else {}
    return replace(task, **given), {"id": env_id, "max_episode_steps": task.time_limit, **options}


def actions_for(env: Any, steps: int, seed: int = 0) -> np.ndarray:
    size = (steps, env.num_envs, env.single_action_space.shape[0])
    return np.random.default_rng(seed).uniform(-1.2, 1.2, size)


def put(env: MujocoVectorEnv, qpos: np.ndarray, qvel: np.ndarray) -> None:
    """Start the only copy at a state of choice."""
    physics = env._open_physics()
    physics.reset(np.array([True]), qpos[None], qvel[None])
    env._place[:] = physics.place


@pytest.mark.parametrize(("name", "form"), FORMS)
def test_single_steps_agree_with_gymnasium(name: str, form: str) -> None:
    task, made = pair(name, form)
    ours = MujocoVectorEnv(task, 1, num_threads=1, dtype=np.float64)
    theirs = gymnasium.make(**made).unwrapped
    theirs.reset(seed=0)
    ours.reset(seed=0)
    for action in actions_for(ours, 100):
        qpos, qvel = theirs.data.qpos.copy(), theirs.data.qvel.copy()
        mujoco.mj_resetData(theirs.model, theirs.data)
        theirs.set_state(qpos, qvel)
        put(ours, qpos, qvel)
        ours._pending[:] = False
        observation, reward, terminated, _, info = ours.step(action)
        expected, expected_reward, expected_end, _, expected_info = theirs.step(action[0])
        np.testing.assert_allclose(observation[0], expected, rtol=0, atol=1e-9)
        assert reward[0] == pytest.approx(expected_reward, abs=1e-9)
        assert info["x_velocity"][0] == pytest.approx(expected_info["x_velocity"], abs=1e-9)
        assert terminated[0] == expected_end


@pytest.mark.parametrize(("name", "form"), FORMS)
def test_runs_of_50_steps_agree_with_gymnasium(name: str, form: str) -> None:
    task, made = pair(name, form, terminate_when_unhealthy=False)
    if name != "half-cheetah":
        made["terminate_when_unhealthy"] = False
    ours = MujocoVectorEnv(task, 3, dtype=np.float64)
    theirs = [gymnasium.make(**made) for _ in range(3)]
    start, _ = ours.reset(seed=7)
    for i, env in enumerate(theirs):
        np.testing.assert_array_equal(start[i], env.reset(seed=7 + i)[0])
    for actions in actions_for(ours, 50):
        observation, reward, terminated, truncated, info = ours.step(actions)
        assert not (terminated | truncated).any()
        for i, env in enumerate(theirs):
            expected, expected_reward, _, _, expected_info = env.step(actions[i])
            np.testing.assert_allclose(observation[i], expected, rtol=0, atol=1e-6)
            assert reward[i] == pytest.approx(expected_reward, abs=1e-6)
            for key in ("x_velocity", "x_position"):
                assert info[key][i] == pytest.approx(expected_info[key], abs=1e-6)


def assert_infos_agree(ours: dict[str, Any], theirs: dict[str, Any], keys: list[str]) -> None:
    """Wherever Gymnasium gives a value, ours is the same; elsewhere in ``final_info`` it is 0."""
    for key in keys:
        assert (key in ours) or (key not in theirs)
        if key in theirs:
            where = theirs[f"_{key}"]
            assert ours[f"_{key}"][where].all()
            np.testing.assert_allclose(ours[key][where], theirs[key][where], rtol=0, atol=1e-6)


@pytest.mark.parametrize("mode", list(AutoresetMode))
@pytest.mark.parametrize("name", ["hopper", "ant", "half-cheetah"])
def test_autoreset_is_that_of_gymnasium(name: str, mode: Any) -> None:
    task, made = pair(name, "velocity", time_limit=25)
    made["max_episode_steps"] = 25
    theirs = gymnasium.vector.SyncVectorEnv([lambda: gymnasium.make(**made) for _ in range(4)], autoreset_mode=mode)
    ours = MujocoVectorEnv(task, 4, autoreset_mode=mode, dtype=np.float64)
    assert ours.metadata["autoreset_mode"] is mode
    seeds = [3, 1, 4, 15]
    np.testing.assert_array_equal(ours.reset(seed=seeds)[0], theirs.reset(seed=seeds)[0])
    episodes = 0
    for actions in actions_for(ours, 80):
        observation, reward, terminated, truncated, info = ours.step(actions)
        expected = theirs.step(actions)
        np.testing.assert_allclose(observation, expected[0], rtol=0, atol=1e-6)
        np.testing.assert_allclose(reward, expected[1], rtol=0, atol=1e-6)
        np.testing.assert_array_equal(terminated, expected[2])
        np.testing.assert_array_equal(truncated, expected[3])
        assert_infos_agree(info, expected[4], ["x_velocity", "x_position"])
        ended = terminated | truncated
        episodes += ended.tolist().count(True)
        assert ("final_obs" in info) == (mode is AutoresetMode.SAME_STEP and bool(ended.any()))
        if "final_obs" in info:
            np.testing.assert_array_equal(info["_final_obs"], ended)
            np.testing.assert_array_equal(info["_final_info"], ended)
            assert_infos_agree(info["final_info"], expected[4]["final_info"], ["x_velocity", "x_position"])
            for i in range(4):
                assert (info["final_obs"][i] is None) == (not ended[i])
            for i in np.flatnonzero(ended).tolist():
                last = expected[4]["final_obs"][i]
                np.testing.assert_allclose(info["final_obs"][i], last, rtol=0, atol=1e-6)
                # the velocity of the step just made, also where Gymnasium leaves a 0
                assert info["x_velocity"][i] == info["final_info"]["x_velocity"][i] != 0
        if mode is AutoresetMode.DISABLED and ended.any():
            with pytest.raises(WorldError, match="have ended"):
                ours.step(actions)
            again = ours.reset(options={"reset_mask": ended})
            expected_again = theirs.reset(options={"reset_mask": ended.copy()})
            np.testing.assert_allclose(again[0], expected_again[0], rtol=0, atol=1e-6)
            assert_infos_agree(again[1], expected_again[1], ["x_position"])
    assert episodes >= 8
    theirs.close()


def test_velocity_form_is_the_one_we_train_on() -> None:
    sizes = {"half-cheetah": (17, 6), "ant": (27, 8), "hopper": (11, 3), "walker2d": (17, 6)}
    for name, (observed, acted) in sizes.items():
        task = velocity_task(name)
        assert (task.control_cost_weight, task.contact_cost_weight) == (0, 0)
        assert task.time_limit == 1000
        assert (task.healthy is None) == (name == "half-cheetah")
        env = MujocoVectorEnv(task, 2)
        assert env.single_observation_space.shape == (observed,)
        assert env.observation_space.shape == (2, observed)
        assert env.single_action_space.shape == (acted,)
        assert env.action_space.shape == (2, acted)
        env.action_space.seed(0)
        observation, _ = env.reset(seed=0)
        assert observation.dtype == np.float32 and observation in env.observation_space
        observation, reward, *_, info = env.step(env.action_space.sample())
        assert observation in env.observation_space
        assert reward.dtype == info["x_velocity"].dtype == np.float64
    healthy = velocity_task("ant").healthy
    assert isinstance(healthy, HealthyRange) and healthy.z == (0.4, 1.0)
    with pytest.raises(WorldError, match="choose one of half-cheetah"):
        velocity_task("cheetah")


def rail(**given: Any) -> MujocoTask:
    observe = PositionsAndVelocities(skip=0)
    return replace(MujocoTask("rail", RAIL, 4, observe, control_cost_weight=0.5), **given)


def test_a_mass_on_a_rail_moves_as_newton_says() -> None:
    """2 kg under 3 N, clipped from 5: v = 1.5 t; semi-implicit Euler, 4 substeps of 0.01 s."""
    env = MujocoVectorEnv(rail(time_limit=3), 2, dtype=np.float64)
    env.reset(seed=0)
    x = 0.0
    for step in range(1, 4):
        observation, reward, terminated, truncated, info = env.step(np.array([[5.0], [0.0]]))
        x_before, substeps = x, 4 * step
        x = 1.5 * 0.01**2 * substeps * (substeps + 1) / 2
        np.testing.assert_allclose(observation, [[x, 0.06 * step], [0.0, 0.0]], atol=1e-12)
        np.testing.assert_allclose(info["x_velocity"], [(x - x_before) / 0.04, 0], atol=1e-12)
        np.testing.assert_allclose(reward, [(x - x_before) / 0.04 - 0.5 * 25, 0], atol=1e-12)
        assert not terminated.any() and truncated.tolist() == [step == 3] * 2


def test_own_model_from_a_file_ends_when_unhealthy(tmp_path: Path) -> None:
    path = tmp_path / "rail.xml"
    path.write_text(RAIL)
    near = HealthyRange(z_index=0, z=(-0.01, 0.01))
    task = rail(model=str(path), healthy=near, healthy_reward=2.0, main_body="cart")
    env = MujocoVectorEnv(task, 2, autoreset_mode="SameStep")
    env.reset(seed=0)
    ends: list[list[bool]] = []
    velocities: list[float] = []
    for _ in range(5):
        _, reward, terminated, _, info = env.step(np.array([[3.0], [0.0]]))
        ends.append(terminated.tolist())
        assert reward[1] == 2.0
        up = 2.0 * (not terminated[0])
        assert reward[0] == pytest.approx(info["x_velocity"][0] - 4.5 + up, abs=1e-12)
        velocities.append(info["x_velocity"][0])
    # x after 4, 8, 12 substeps: 0.0015, 0.0054, 0.0117 m. With Euler, xpos lags one substep:
    # 0.0009, 0.0042, 0.0099 m. The fourth step starts afresh.
    np.testing.assert_allclose(velocities[:4], [0.0225, 0.0825, 0.1425, 0.0225], atol=1e-12)
    assert ends == [[False, False], [False, False], [True, False], [False, False], [False, False]]
