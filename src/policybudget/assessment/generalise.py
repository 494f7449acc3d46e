"""What a committee is worth to tasks that had no part in its training.

Three ways to say who acts for a new task, and what each is worth (Ge et al. 2025, zero-shot and few-shot):

* ``nearest``: whose agents' tasks are nearest on average; needs the task's parameters, and no trial (zero-shot);
* ``few-shot``: who was best in a few episodes of the task; judged by other episodes;
* ``oracle``: who turned out best in the very episode that counts. No rule reaches it, but published tables count so.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Float, Int

from policybudget.assessment.few_shot import oracle, split
from policybudget.assessment.statistics import mean_ci95
from policybudget.learning.sampling import play
from policybudget.policies.committee import Committee
from policybudget.population import Population
from policybudget.worlds.interface import World

RULES = ("nearest", "few-shot", "oracle")


@dataclass(frozen=True)
class Generalisation:
    """Returns of new tasks under each rule.

    Attributes:
        means: per rule, of each task (tasks,).
        nearest: the member nearest to each task (tasks,), and its returns (tasks, episodes).
    """

    means: dict[str, Float[np.ndarray, " tasks"]]
    nearest: tuple[Int[np.ndarray, " tasks"], Float[np.ndarray, "tasks e"]]

    def summary(self) -> dict[str, dict[str, float]]:
        """Per rule, the mean over the tasks, its 95 % interval (the tasks are the sample), and the worst task."""
        return {name: mean_ci95(values) | {"worst": float(values.min())} for name, values in self.means.items()}

    def as_record(self) -> dict[str, Any]:
        """For JSON."""
        return {
            "rules": self.summary(),
            "nearest_member": self.nearest[0].tolist(),
            "returns": {name: values.tolist() for name, values in self.means.items()},
        }


def play_tasks(
    world: World, tasks: Population, committee: Committee, episodes: int, seed: int
) -> Float[np.ndarray, "K tasks e"]:
    """Returns of greedy members in fresh episodes; an episode of a member counts for all tasks."""
    key = jax.random.fold_in(jax.random.key(seed), 0x7A5C)
    played = play(world, tasks.rewards.features, committee, key, episodes, True)
    each = [np.asarray(tasks.rewards.agents(one)) for one in jnp.moveaxis(played.returns, 1, 0)]
    return np.stack(each, axis=-1).astype(np.float64)


def centres(parameters: Float[np.ndarray, "n d"], assignment: Float[np.ndarray, "k n"]) -> Float[np.ndarray, "k d"]:
    """The mean task of those whom each member serves; infinitely far away where it serves nobody."""
    size = assignment.sum(axis=1, keepdims=True)
    mean: np.ndarray = np.where(size > 0, assignment @ parameters / np.maximum(size, 1e-12), np.inf)
    return mean


def generalise(
    returns: Float[np.ndarray, "K tasks e"],
    tasks: Float[np.ndarray, "tasks d"],
    places: Float[np.ndarray, "K d"],
    trials: int,
) -> Generalisation:
    """Judge the three rules.

    Args:
        returns: of every member in every task, from fresh episodes.
        tasks: their parameters.
        places: where members are in the space of tasks (:func:`centres`, or prototypes of a cover).
        trials: episodes of each member by which few-shot chooses, the first ones.

    Raises:
        PolicyBudgetError: no episode would be left to judge by.
    """
    near = np.abs(tasks[None] - places[:, None]).max(axis=2).argmin(axis=0)
    of_nearest = returns[near, np.arange(len(tasks))]
    _, judged = split(returns, trials)
    means = {"nearest": of_nearest.mean(axis=1), "few-shot": judged.mean(axis=1), "oracle": oracle(returns)}
    return Generalisation(means, (near, of_nearest))
