"""Rewards in NumPy beside those of the package, task by task.

``python -m experiments.metaworld.reward_parity [--goals 3] [--scenes 2000] [--tasks push-v3 ...]`` computes rewards of

* whole episodes (500 steps) in the package's environments with its scripted policies, some with noise, some with
  stretches of random actions;
* scenes drawn at random, which are on every side of every threshold (``without_physics.py``),

all steps of a task at once with ours. It prints per task: steps of play, how many were solved and how many paid in
full, the same of the scenes, how many rewards have the same bits, the largest difference relative to the package's
reward, and in how many rows success differs. Actions are float64: with float32 the package computes some rewards in
that precision.
"""

from __future__ import annotations

import argparse

import mujoco
import numpy as np
from experiments.metaworld.package import play
from experiments.metaworld.without_physics import paid, payer, scenes

from policybudget.worlds.metaworld.rewards import REWARDS, Paid


def differences(ours: Paid, theirs: Paid) -> np.ndarray:
    """(N) of rewards, relative to theirs; 0 where both are 0."""
    return np.abs(ours.reward - theirs.reward) / np.maximum(np.abs(theirs.reward), np.finfo(np.float64).tiny)


def counts(theirs: Paid) -> str:
    """Rows, solved ones, and those paid in full."""
    return f"{len(theirs.reward)} | {theirs.success.sum()} | {(theirs.reward == 10).sum()}"


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "--goals", type=int, default=3, help="episodes per task (default 3: without, with little and with much noise)"
    )
    parser.add_argument("--scenes", type=int, default=2000, help="scenes per task (default 2000)")
    parser.add_argument("--tasks", nargs="+", default=list(REWARDS), help="names of tasks (default all 50)")
    chosen = parser.parse_args()
    print(f"MuJoCo {mujoco.__version__}, NumPy {np.__version__}\n")
    columns = ("task", *2 * ("rows", "solved", "paid in full"), "same bits", "largest difference", "successes differ")
    print(f"| {' | '.join(columns)} |\n| --- |{' ---: |' * (len(columns) - 1)}")
    drawn, largest, apart = scenes(chosen.scenes, seed=0), 0.0, 0
    for task in sorted(chosen.tasks):
        visited = play(task, chosen.goals, steps=500)
        theirs = (visited.paid, paid(payer(task), task, drawn))
        ours = (REWARDS[task](visited.scene), REWARDS[task](drawn))
        different = np.concatenate([differences(*both) for both in zip(ours, theirs, strict=True)])
        wrong = sum(int((one.success != other.success).sum()) for one, other in zip(ours, theirs, strict=True))
        told = f"{(different == 0).mean():.1%} | {different.max():.1e} | {wrong}"
        print(f"| {task} | {counts(theirs[0])} | {counts(theirs[1])} | {told} |", flush=True)
        largest, apart = max(largest, different.max()), apart + wrong
    print(f"\nLargest relative difference {largest:.1e}; successes that differ: {apart}")


if __name__ == "__main__":
    main()
