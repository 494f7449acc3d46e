"""MujocoVectorEnv resumed from ``get_state`` goes on bit for bit; seeds alone decide a run."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from gymnasium.vector import AutoresetMode
from hypothesis import given
from hypothesis import strategies as st

from policybudget.worlds.mujoco.tasks import ant, velocity_task
from policybudget.worlds.mujoco.vector import MujocoVectorEnv
from policybudget.worlds.mujoco.vector_support import generator_from_words, generator_words

pytest.importorskip("mujoco")


def actions_for(env: MujocoVectorEnv, steps: int) -> np.ndarray:
    size = (steps, *(env.action_space.shape or ()))
    return np.random.default_rng(0).uniform(-1.2, 1.2, size)


RESUME = """
import sys
import numpy as np
from policybudget.worlds.mujoco.tasks import ant, velocity_task
from policybudget.worlds.mujoco.vector import MujocoVectorEnv
env = MujocoVectorEnv(velocity_task(sys.argv[1]), 5, num_threads=1)
env.set_state(dict(np.load(sys.argv[2], allow_pickle=False)))
for actions in np.load(sys.argv[3]):
    last = env.step(actions)
np.savez(sys.argv[4], *last[:4], last[4]["x_velocity"], **env.get_state())
"""


@pytest.mark.parametrize("name", ["hopper", "ant"])
def test_resumed_in_another_process_is_bit_identical(name: str, tmp_path: Path) -> None:
    env = MujocoVectorEnv(velocity_task(name), 5, num_threads=2)
    env.reset(seed=11)
    actions = actions_for(env, 120)
    pending = 0
    for action in actions[:60]:
        _, _, terminated, _, _ = env.step(action)
        pending += int(terminated.sum())
    np.savez(tmp_path / "state.npz", allow_pickle=False, **env.get_state())
    np.save(tmp_path / "actions.npy", actions[60:])
    files = [str(tmp_path / file) for file in ("state.npz", "actions.npy", "end.npz")]
    subprocess.run(
        [sys.executable, "-c", RESUME, name, *files],
        check=True,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
    )
    for action in actions[60:]:
        last = env.step(action)
    resumed = np.load(files[2])
    for i, expected in enumerate((*last[:4], last[4]["x_velocity"])):
        np.testing.assert_array_equal(resumed[f"arr_{i}"], expected)
    for key, expected in env.get_state().items():
        np.testing.assert_array_equal(resumed[key], expected)
    assert name != "hopper" or pending > 3


def stepped(env: MujocoVectorEnv, action: np.ndarray) -> list[np.ndarray]:
    """One step, after the reset that DISABLED leaves to the caller."""
    pending = env.get_state()["pending"]
    given = []
    if env.metadata["autoreset_mode"] is AutoresetMode.DISABLED and pending.any():
        given.append(env.reset(options={"reset_mask": pending})[0])
    return [*given, *env.step(action)[:4]]


@pytest.mark.parametrize("mode", list(AutoresetMode))
@pytest.mark.parametrize("steps_before", [8, 9, 10])
def test_resumed_in_a_fresh_object_is_bit_identical(mode: Any, steps_before: int) -> None:
    """With contact forces observed; saved just before, at and after the end of an episode."""
    task = replace(ant(), time_limit=9)
    env = MujocoVectorEnv(task, 3, autoreset_mode=mode)
    env.reset(seed=5)
    actions = actions_for(env, 30)
    for action in actions[:steps_before]:
        stepped(env, action)
    fresh = MujocoVectorEnv(task, 3, autoreset_mode=mode, num_threads=1)
    fresh.set_state(env.get_state())
    for action in actions[steps_before:]:
        for expected, got in zip(stepped(env, action), stepped(fresh, action), strict=True):
            np.testing.assert_array_equal(got, expected)


def test_threads_and_neighbours_change_nothing_and_seeds_do() -> None:
    runs = []
    for num_envs, threads, seed in ((6, 1, 0), (6, 2, 0), (3, 2, 0), (6, 2, 1)):
        env = MujocoVectorEnv(velocity_task("hopper"), num_envs, num_threads=threads)
        env.reset(seed=seed)
        actions = actions_for(MujocoVectorEnv(velocity_task("hopper"), 6), 60)
        runs.append(np.stack([env.step(action[:num_envs])[0][:3] for action in actions]))
    np.testing.assert_array_equal(runs[0], runs[1])
    np.testing.assert_array_equal(runs[0], runs[2])
    assert not np.array_equal(runs[0], runs[3])


def test_reset_without_a_seed_goes_on_with_the_generators() -> None:
    env, other = (MujocoVectorEnv(velocity_task("hopper"), 2) for _ in range(2))
    first, second = env.reset(seed=4)[0], env.reset()[0]
    assert not np.array_equal(first, second)
    other.reset(seed=4)
    np.testing.assert_array_equal(other.reset()[0], second)
    np.testing.assert_array_equal(env.reset(seed=4)[0], first)


@given(seed=st.integers(0, 2**64), draws=st.integers(0, 5))
def test_generators_survive_as_words(seed: int, draws: int) -> None:
    generator = np.random.Generator(np.random.PCG64(seed))
    generator.integers(0, 9, draws, dtype=np.int32)
    copy = generator_from_words(generator_words(generator))
    expected = generator.integers(0, 2**31, 3, dtype=np.int32)
    np.testing.assert_array_equal(copy.integers(0, 2**31, 3, dtype=np.int32), expected)
    assert copy.standard_normal() == generator.standard_normal()
