"""Success of the package's scripted policies in our world, task by task: ``python -m experiments.metaworld.scripted``.

Every task is played at as many of its 50 goals as ``--goals`` says (10). A success counts at any step of an episode.
It prints successes per task, and their share over all episodes with a 95 % interval (Clopper-Pearson).
"""

from __future__ import annotations

import argparse
import warnings

import mujoco
import numpy as np
from metaworld.policies import ENV_POLICY_MAP
from scipy.stats import beta

from policybudget.worlds.metaworld.copies import PERFECT, STEPS, MetaworldCopies
from policybudget.worlds.metaworld.names import VERSION, tasks


def successes(chosen: list[str], goals: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """(tasks, goals) whether each episode succeeded, and returns from 0 to 100."""
    copies = MetaworldCopies(tuple(chosen), len(chosen) * goals, threads=2)
    whom = np.repeat(np.arange(len(chosen)), goals)
    scripted = [ENV_POLICY_MAP[chosen[task] + VERSION]() for task in whom]
    seen, total = copies.reset(seed, whom), np.zeros((len(whom), 2))
    for _ in range(STEPS):
        actions = [policy.get_action(one.astype(np.float64)) for policy, one in zip(scripted, seen, strict=True)]
        after = copies.step(np.clip(actions, -1.0, 1.0))
        seen, total = after.observation, total + after.outcome
    copies.close()
    paid = total.reshape(len(chosen), goals, 2)
    return paid[..., 1] >= PERFECT / 2, paid[..., 0]


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--goals", type=int, default=10, help="episodes per task (default 10)")
    parser.add_argument("--seed", type=int, default=0, help="of the choice of goals (default 0)")
    parser.add_argument("--tasks", nargs="+", default=list(tasks()), help="names of tasks (default all 50)")
    asked = parser.parse_args()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # scripted policies remark that actions are clipped
        done, paid = successes(asked.tasks, asked.goals, asked.seed)
    print(f"MuJoCo {mujoco.__version__}\n\n| task | successes of {asked.goals} | mean return of 100 |")
    print("| --- | ---: | ---: |")
    for task, solved, returns in zip(asked.tasks, done, paid, strict=True):
        print(f"| {task} | {solved.sum()} | {returns.mean():.1f} |")
    count, number = int(done.sum()), done.size
    low = beta.ppf(0.025, count, number - count + 1) if count else 0.0
    high = beta.ppf(0.975, count + 1, number - count) if count < number else 1.0
    print(f"\n{count} of {number} episodes succeed: {count / number:.1%} (95 % interval {low:.1%} to {high:.1%})")


if __name__ == "__main__":
    main()
