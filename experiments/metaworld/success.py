"""Success rates of a run in the tasks that it was trained for: ``python -m experiments.metaworld.success RUN``.

Every task is played by the greedy policy that serves it, in fresh episodes (``--episodes``, 20), each with a goal drawn
among the task's 50. Beside it stand actions drawn uniformly at random, in episodes of their own. It prints a row per
task, and the means over tasks with 95 % intervals (Student's t; the tasks are the sample). For held-out tasks use
``policybudget generalise RUN``.
"""

from __future__ import annotations

import argparse
from dataclasses import replace
from pathlib import Path

import jax.numpy as jnp
import numpy as np

from policybudget.assessment.episodes import play_alone
from policybudget.assessment.statistics import mean_ci95
from policybudget.assessment.trained_for import problem_of
from policybudget.problem import RepresentedMDP
from policybudget.runs.result import load
from policybudget.runtime import use_compilation_cache
from policybudget.worlds.metaworld.copies import STEPS
from policybudget.worlds.metaworld.population import SUCCEED


def for_success(problem: RepresentedMDP) -> RepresentedMDP:
    """The same tasks, paid for success alone."""
    population, weights = problem.population, np.array(SUCCEED, np.float32)
    wanted = jnp.asarray(np.tile(weights[:, None], (1, population.size)))
    return replace(problem, population=replace(population, rewards=replace(population.rewards, weights=wanted)))


def at_random(problem: RepresentedMDP, episodes: int, seed: int) -> np.ndarray:
    """(n, episodes) successes, 0 or 100, of actions drawn uniformly."""
    agents = problem.population.size
    copies = problem.world.copies(agents * episodes, problem.population.dynamics)  # type: ignore[attr-defined]
    rng, paid = np.random.default_rng(seed), np.zeros(agents * episodes)
    copies.reset(seed, np.repeat(np.arange(agents), episodes))
    for _ in range(STEPS):
        paid += copies.step(rng.uniform(-1.0, 1.0, (len(paid), 4))).outcome[:, 1]
    copies.close()
    return paid.reshape(agents, episodes)


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("run", type=Path)
    parser.add_argument("--episodes", type=int, default=20, help="per task (default 20)")
    parser.add_argument("--seed", type=int, default=1)
    asked = parser.parse_args()
    use_compilation_cache()
    result = load(asked.run)
    problem = for_success(problem_of(asked.run, result))
    serves = result.assignment.argmax(axis=0)
    trained = play_alone(problem.world, problem.population, result.policies, serves, asked.episodes, asked.seed).mean(
        axis=1
    )
    random = at_random(problem, asked.episodes, asked.seed).mean(axis=1)
    print("| task | policy | success, % | at random, % |\n| --- | ---: | ---: | ---: |")
    for row in zip(problem.population.names, serves, trained, random, strict=True):
        print("| {} | {} | {:.0f} | {:.0f} |".format(*row))
    for name, rates in (("trained", trained), ("at random", random)):
        found = mean_ci95(rates)
        interval = "" if found["ci95"] is None else f" ± {found['ci95']:.1f}"
        print(f"{name}: {found['mean']:.1f} %{interval} over {len(rates)} tasks")


if __name__ == "__main__":
    main()
