"""What policies are worth to tasks that had no part in their training.

Three ways to say who acts for a new task, and what each is worth (Ge et al. 2025, zero-shot and few-shot):

* ``nearest``: the policy whose place in the space of tasks is nearest; needs the task's parameters and no trial
  (zero-shot);
* ``few-shot``: the policy that was best in a few episodes of the task; judged by other episodes;
* ``oracle``: the policy that turned out best in the very episode that counts. No rule reaches it, but published tables
  count so.

Few-shot with a guarantee is in :mod:`policybudget.assessment.best_arm_per_task`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Float, Int

from policybudget.assessment.few_shot import oracle, split
from policybudget.assessment.statistics import mean_ci95
from policybudget.errors import PolicyBudgetError
from policybudget.population import Population
from policybudget.runs.prototypes import Prototypes


@dataclass(frozen=True)
class Generalisation:
    """Returns of new tasks under each rule.

    Attributes:
        means: per rule, the mean return of each task (tasks,).
        serves: per rule but the oracle, the policy of each task (tasks,).
    """

    means: dict[str, Float[np.ndarray, " tasks"]]
    serves: dict[str, Int[np.ndarray, " tasks"]]

    def summary(self) -> dict[str, dict[str, Any]]:
        """Per rule, the mean over the tasks, its 95 % interval (the tasks are the sample), and the worst task."""
        return {name: summary(values) for name, values in self.means.items()}

    def as_record(self) -> dict[str, Any]:
        """For JSON."""
        return {
            "rules": self.summary(),
            "serves": {name: values.tolist() for name, values in self.serves.items()},
            "returns": {name: values.tolist() for name, values in self.means.items()},
        }


def summary(means: Float[np.ndarray, " tasks"]) -> dict[str, Any]:
    """Mean over tasks, its 95 % interval, and the worst task.

    Args:
        means: (tasks,) mean return of each.

    Returns:
        ``mean``, ``ci95`` (None for a single task) and ``worst``, in units of return.
    """
    return mean_ci95(means) | {"worst": float(means.min())}


def coordinates(population: Population) -> tuple[Float[np.ndarray, "n d"], tuple[str, ...]]:
    """The numbers that describe tasks, and their names: their parameters, or else their weights of the m features.

    Args:
        population: the tasks, as agents.

    Returns:
        (n, d) numbers, and the d names.

    Raises:
        PolicyBudgetError: they have neither.
    """
    if population.parameters is not None:
        return population.parameters, population.parameter_names
    if population.rewards.weights is None:
        raise PolicyBudgetError("tasks must have parameters, or weights of reward components; these have neither")
    weights = np.asarray(population.rewards.weights).T
    return weights, tuple(f"weight {i}" for i in range(weights.shape[1]))


def centres(parameters: Float[np.ndarray, "n d"], assignment: Float[np.ndarray, "k n"]) -> Prototypes:
    """Where policies stand in the space of tasks: at the mean task of the agents that each serves.

    Args:
        parameters: (n, d) of the agents' tasks.
        assignment: (k, n) α.

    Returns:
        The places; infinitely far away for a policy that serves no agent.
    """
    size = assignment.sum(axis=1, keepdims=True, dtype=np.float64)
    mean: np.ndarray = np.where(size > 0, assignment @ parameters / np.maximum(size, 1e-12), np.inf)
    return Prototypes(mean, np.ones(parameters.shape[1]))


def generalise(
    returns: Float[np.ndarray, "k tasks e"],
    tasks: Float[np.ndarray, "tasks d"],
    places: Prototypes,
    trials: int,
) -> Generalisation:
    """Judge the three rules.

    Args:
        returns: (k, tasks, episodes) of every policy in every task, from fresh episodes.
        tasks: (tasks, d) their parameters.
        places: where policies are in the space of tasks: prototypes of a cover, or :func:`centres`.
        trials: episodes of each policy by which few-shot chooses, the first ones.

    Returns:
        Returns and choices of the three rules.

    Raises:
        PolicyBudgetError: no episode would be left to judge by, or the tasks have other parameters than the places.
    """
    near, _ = places.nearest(tasks)
    of_nearest = returns[near, np.arange(len(tasks))]
    chosen, judged = split(returns, trials)
    means = {"nearest": of_nearest.mean(axis=1), "few-shot": judged.mean(axis=1), "oracle": oracle(returns)}
    return Generalisation(means, {"nearest": near, "few-shot": chosen})


def shared_tasks(one: Float[np.ndarray, "n d"], other: Float[np.ndarray, "m d"]) -> Int[np.ndarray, " shared"]:
    """Rows of one table that another one has, too, number by number.

    Args:
        one: (n, d).
        other: (m, d).

    Returns:
        (shared,) rows of ``one``.
    """
    known = set(map(tuple, np.asarray(other, np.float64).tolist()))
    return np.flatnonzero([tuple(row) in known for row in np.asarray(one, np.float64).tolist()])
