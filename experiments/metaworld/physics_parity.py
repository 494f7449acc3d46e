"""``env.step`` of the package beside ours, task by task: states, observations, rewards and successes, bit for bit.

``python -m experiments.metaworld.physics_parity [--goals 4] [--steps 500] [--tasks push ...]`` plays each goal with the
package's scripted policy plus noise, with stretches of random actions in between, in fresh environments of the package
and in ours, all goals of a task in one batch. It prints per task the largest difference of MuJoCo's state, of
observations, of rewards relative to the package's, and how many successes differ.
"""

from __future__ import annotations

import argparse
from typing import Any

import mujoco
import numpy as np
from metaworld.policies import ENV_POLICY_MAP

from policybudget.worlds.metaworld.names import VERSION, tasks
from policybudget.worlds.metaworld.package import environment
from policybudget.worlds.metaworld.physics import TaskPhysics
from policybudget.worlds.metaworld.starts import Starts

STATE = mujoco.mjtState.mjSTATE_INTEGRATION
STRETCH = 40
"""Steps between changes from the scripted policy to random actions, and back."""


def package_env(starts: Starts, goal: int) -> tuple[Any, np.ndarray]:
    """A fresh environment of the package at a goal of ours, as its benchmarks set one, and its first observation."""
    env = environment(starts.task)
    env._freeze_rand_vec, env._last_rand_vec = True, starts.vector(goal)
    return env, env.reset()[0]


def state_of(env: Any) -> np.ndarray:
    """Of MuJoCo, in a row."""
    row = np.empty(mujoco.mj_stateSize(env.model, STATE))
    mujoco.mj_getState(env.model, env.data, row, STATE)
    return row


def differences(task: str, goals: int, steps: int, threads: int = 2) -> np.ndarray:
    """Largest difference of states, observations and rewards (relative), and the number of successes that differ."""
    starts, rng = Starts(task), np.random.default_rng(0)
    ours, rows = TaskPhysics(starts, goals, threads), np.arange(goals)
    first = [ours.begin(row, row) for row in range(goals)]
    envs, seen = zip(*(package_env(starts, goal) for goal in range(goals)), strict=True)
    scripted = ENV_POLICY_MAP[task + VERSION]()
    found = np.array([0.0, np.abs(np.stack(first) - np.stack(seen)).max(), 0.0, 0.0])
    for step in range(steps):
        wild = rng.uniform(-1.0, 1.0, (goals, 4))
        led = np.stack([scripted.get_action(one) for one in seen]) + rng.normal(0.0, 0.1, (goals, 4))
        actions = np.where((step // STRETCH + rows[:, None]) % 3 == 2, wild, led)
        moment = ours.step(rows, actions)
        after = [env.step(action) for env, action in zip(envs, actions, strict=True)]
        seen, paid, _, _, told = zip(*after, strict=True)
        theirs = np.array(paid, np.float64)
        states = np.abs(ours.state - np.stack([state_of(env) for env in envs])).max()
        rewards = (np.abs(moment.reward - theirs) / np.maximum(np.abs(theirs), np.finfo(float).tiny)).max()
        apart = sum(bool(info["success"]) != ok for info, ok in zip(told, moment.success, strict=True))
        found = np.maximum(found, [states, np.abs(moment.observation - np.stack(seen)).max(), rewards, 0.0])
        found[3] += apart
    return found


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--goals", type=int, default=4, help="episodes per task (default 4)")
    parser.add_argument("--steps", type=int, default=500, help="of each episode (default 500)")
    parser.add_argument("--tasks", nargs="+", default=list(tasks()), help="names of tasks (default all 50)")
    chosen = parser.parse_args()
    print(f"MuJoCo {mujoco.__version__}, NumPy {np.__version__}, {chosen.goals} x {chosen.steps} steps a task\n")
    print("| task | state | observation | reward, relative | successes that differ |")
    print("| --- | ---: | ---: | ---: | ---: |")
    largest = np.zeros(4)
    for task in chosen.tasks:
        found = differences(task, chosen.goals, chosen.steps)
        print(f"| {task} | {found[0]:.1e} | {found[1]:.1e} | {found[2]:.1e} | {found[3]:.0f} |", flush=True)
        largest = np.maximum(largest, found)
    print(f"| largest | {largest[0]:.1e} | {largest[1]:.1e} | {largest[2]:.1e} | {largest[3]:.0f} |")


if __name__ == "__main__":
    main()
