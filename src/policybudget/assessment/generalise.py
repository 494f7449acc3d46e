"""What a committee is worth to tasks that had no part in its training.

Three ways to say who acts for a new task, and what each is worth (Ge et al. 2025, zero-shot and few-shot):

* ``nearest``: whose place in the space of tasks is nearest; needs the task's parameters, and no trial (zero-shot);
* ``few-shot``: who was best in a few episodes of the task; judged by other episodes;
* ``oracle``: who turned out best in the very episode that counts. No rule reaches it, but published tables count so.

Few-shot with a promise is in :mod:`policybudget.assessment.races`.
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
        means: per rule, of each task (tasks,).
        members: per rule but the oracle, who acts for each task (tasks,).
    """

    means: dict[str, Float[np.ndarray, " tasks"]]
    members: dict[str, Int[np.ndarray, " tasks"]]

    def summary(self) -> dict[str, dict[str, float]]:
        """Per rule, the mean over the tasks, its 95 % interval (the tasks are the sample), and the worst task."""
        return {name: summary(values) for name, values in self.means.items()}

    def as_record(self) -> dict[str, Any]:
        """For JSON."""
        return {
            "rules": self.summary(),
            "members": {name: values.tolist() for name, values in self.members.items()},
            "returns": {name: values.tolist() for name, values in self.means.items()},
        }


def summary(means: Float[np.ndarray, " tasks"]) -> dict[str, float]:
    """Mean over tasks, its 95 % interval, and the worst task."""
    return mean_ci95(means) | {"worst": float(means.min())}


def coordinates(population: Population) -> tuple[Float[np.ndarray, "n d"], tuple[str, ...]]:
    """What tells tasks apart and what that is called: their parameters, or else their weights of the m features.

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
    """The mean task of those whom each member serves; infinitely far away where it serves nobody."""
    size = assignment.sum(axis=1, keepdims=True, dtype=np.float64)
    mean: np.ndarray = np.where(size > 0, assignment @ parameters / np.maximum(size, 1e-12), np.inf)
    return Prototypes(mean, np.ones(parameters.shape[1]))


def generalise(
    returns: Float[np.ndarray, "K tasks e"],
    tasks: Float[np.ndarray, "tasks d"],
    places: Prototypes,
    trials: int,
) -> Generalisation:
    """Judge the three rules.

    Args:
        returns: of every member in every task, from fresh episodes.
        tasks: their parameters.
        places: where members are in the space of tasks: prototypes of a cover, or :func:`centres`.
        trials: episodes of each member by which few-shot chooses, the first ones.

    Raises:
        PolicyBudgetError: no episode would be left to judge by, or the tasks have other parameters than the places.
    """
    near, _ = places.nearest(tasks)
    of_nearest = returns[near, np.arange(len(tasks))]
    chosen, judged = split(returns, trials)
    means = {"nearest": of_nearest.mean(axis=1), "few-shot": judged.mean(axis=1), "oracle": oracle(returns)}
    return Generalisation(means, {"nearest": near, "few-shot": chosen})


def shared_tasks(one: Float[np.ndarray, "n d"], other: Float[np.ndarray, "m d"]) -> Int[np.ndarray, " shared"]:
    """Rows of ``one`` that are rows of ``other``, too, number by number."""
    known = set(map(tuple, np.asarray(other, np.float64).tolist()))
    return np.flatnonzero([tuple(row) in known for row in np.asarray(one, np.float64).tolist()])
