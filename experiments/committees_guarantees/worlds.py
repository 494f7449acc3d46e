"""Tasks whose answers are known: what policies pay, and populations of tasks to certify."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

Random = np.random.Generator


@dataclass(frozen=True)
class Bandit:
    """One new task.

    Attributes:
        means: (k,) true worth of each policy.
        draw: ``draw(random, means (j,), number)`` gives returns (j, number) in [0, 1] with these means.
        floor: what is asked of a policy; None: nothing.
    """

    means: tuple[float, ...]
    draw: Callable[[Random, np.ndarray, int], np.ndarray]
    floor: float | None = None


def coins(random: Random, means: np.ndarray, number: int) -> np.ndarray:
    """Success or failure."""
    return (random.random((len(means), number)) < means[:, None]).astype(float)


def betas(random: Random, means: np.ndarray, number: int) -> np.ndarray:
    """Standard deviation about 0.1."""
    return random.beta(20 * means[:, None], 20 * (1 - means[:, None]), (len(means), number))


def gaussians(random: Random, means: np.ndarray, number: int) -> np.ndarray:
    """Standard deviation 0.05, ten of which fit in [0, 1] on either side of the middle; cut off there."""
    return np.clip(random.normal(means[:, None], 0.05, (len(means), number)), 0.0, 1.0)


def constants(random: Random, means: np.ndarray, number: int) -> np.ndarray:
    """Every episode is the same."""
    return np.repeat(means[:, None], number, axis=1)


BANDITS = {  # beta is 0.1
    "coins, large gaps": Bandit((0.1, 0.2, 0.2, 0.3, 0.9), coins),
    "coins, small gaps": Bandit((0.5, 0.55, 0.6, 0.65, 0.75), coins),
    "coins, hardest": Bandit((0.5, 0.5, 0.5, 0.5, 0.601), coins),  # every other policy is just too bad
    "coins, rare success": Bandit((0.01, 0.01, 0.02, 0.02, 0.1), coins),
    "beta": Bandit((0.5, 0.5, 0.5, 0.6, 0.71), betas),
    "gaussian, small gap": Bandit((0.5, 0.5, 0.5, 0.5, 0.601), gaussians),
    "gaussian, 20 policies": Bandit((*np.linspace(0.3, 0.6, 19), 0.7), gaussians),
    "deterministic": Bandit((0.2, 0.4, 0.5, 0.5, 0.601), constants),
    "none is good enough": Bandit((0.3, 0.4, 0.5, 0.6, 0.65), betas, floor=0.75),
}


@dataclass(frozen=True)
class Tasks:
    """A distribution of tasks, each with a worth that is known to the judge of the judge only. Returns lie in [0, 1].

    Attributes:
        tasks: N, held out.
        episodes: per task.
        draw: ``draw(random, tasks, episodes)`` gives the returns, V* of each task, and the returns of a reference.
        covered: p, the true share of tasks that are covered.
        epsilon: ε.
        estimated: V* is known through the reference's returns only.
    """

    tasks: int
    episodes: int
    draw: Callable[[Random, int, int], tuple[np.ndarray, np.ndarray, np.ndarray]]
    covered: float
    epsilon: float = 0.1
    estimated: bool = False


def border(share: float, worth: float) -> Callable[[Random, int, int], tuple[np.ndarray, np.ndarray, np.ndarray]]:
    """A share of the tasks is served perfectly; in all others success falls short of the bar by a hair."""

    def draw(random: Random, tasks: int, episodes: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        perfect = random.random(tasks) < share
        worths = np.where(perfect, 1.0, worth - 1e-9)
        best = np.full(tasks, worth + 0.1)  # the bar is ``worth``, at epsilon 0.1
        return coins(random, worths, episodes), best, np.repeat(best[:, None], episodes, axis=1)

    return draw


def smooth(random: Random, tasks: int, episodes: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """What a policy lacks is Beta(1, 9), so ε = 0.2 covers 1 - 0.8 ** 9 of the tasks; returns are spread by 0.1."""
    lacks = random.beta(1, 9, tasks)
    best = np.full(tasks, 0.9)
    worths = np.maximum(best - lacks, 0.01)
    return betas(random, worths, episodes), best, betas(random, best, episodes)


SMOOTH = 1 - 0.8**9
POPULATIONS = {
    "at the border": Tasks(100, 50, border(0.7, 0.8), 0.7),
    "at the border, 10 episodes": Tasks(100, 10, border(0.7, 0.6), 0.7),
    "at the border, 20 tasks": Tasks(20, 50, border(0.7, 0.8), 0.7),
    "at the border, 1000 tasks": Tasks(1000, 50, border(0.7, 0.8), 0.7),
    "skewed: rare failures": Tasks(100, 30, border(0.5, 0.86), 0.5),
    "skewed: rare successes": Tasks(100, 100, border(0.5, 0.02), 0.5),
    "nothing is covered": Tasks(100, 50, border(0.0, 0.8), 0.0),
    "spread": Tasks(100, 50, smooth, SMOOTH, 0.2),
    "spread, 200 episodes": Tasks(100, 200, smooth, SMOOTH, 0.2),
    "spread, reference": Tasks(100, 50, smooth, SMOOTH, 0.2, estimated=True),
}
