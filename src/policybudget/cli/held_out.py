"""The tasks that ``policybudget generalise`` tests on, and where the members of a run stand among them."""

from __future__ import annotations

import argparse
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from policybudget.assessment.generalise import centres, coordinates, shared_tasks
from policybudget.cli.trained_for import problem_of
from policybudget.errors import PolicyBudgetError
from policybudget.population import Population
from policybudget.runs import files
from policybudget.runs.prototypes import Prototypes
from policybudget.runs.result import Result, load
from policybudget.worlds import registry
from policybudget.worlds.mujoco import goals

USUAL = 40
"""Tasks that are drawn if nobody says how many."""


@dataclass(frozen=True)
class HeldOut:
    """Tasks to test on.

    Attributes:
        tasks: as users.
        source: where they are from, in words.
        reference: the run that was trained for them, if they are from one.
    """

    tasks: Population
    source: str
    reference: Result | None = None


def tasks_for(parsed: argparse.Namespace, name: str, trained: Population) -> HeldOut:
    """Drawn ones, those of a file, or those that another run was trained for.

    Args:
        parsed: the options.
        name: of the world.
        trained: the tasks that the run was trained for.

    Raises:
        PolicyBudgetError: there is no such draw, file or run, it does not fit the world, or a task was trained for.
    """
    if parsed.reference is not None:
        found = _reference(parsed.reference, name)
    elif parsed.population is not None:
        path = str(parsed.population)
        found = HeldOut(registry.make(name, population=path)[1], path)
    else:
        return HeldOut(registry.held_out(name, parsed.tasks or USUAL, parsed.seed), "drawn")
    where, before = coordinates(found.tasks)[0], coordinates(trained)[0]
    if len(both := shared_tasks(where, before)):
        raise PolicyBudgetError(
            f"{len(both)} of the {len(where)} tasks of {found.source} are among those that {parsed.run} was trained "
            f"for, the first is {found.tasks.names[both[0]]!r}; bring tasks that had no part in training"
        )
    return found


def _reference(folder: Path, name: str) -> HeldOut:
    """The tasks that a run was trained for, with its policies."""
    result = load(folder)
    if (other := result.world.get("name")) != name:
        raise PolicyBudgetError(f"the reference must be a run in world {name}, got {folder} in world {other}")
    if (unserved := np.flatnonzero(result.assignment.sum(axis=0) == 0)).size:
        raise PolicyBudgetError(
            f"the reference must have a policy for each task, but {folder} leaves {result.agents[unserved[0]]!r} to "
            "its option outside; train it without options outside"
        )
    return HeldOut(problem_of(folder, result).population, str(folder), result)


def write_tasks(path: Path, name: str, number: int | None, seed: int) -> str:
    """Write drawn tasks as a users.csv, for a reference to be trained on; returns what to say.

    Raises:
        PolicyBudgetError: the world has no such draw, or the file cannot be written.
    """
    tasks = registry.held_out(name, number or USUAL, seed)
    files.write(path, goals.goals_table(name, tasks))
    train = f"policybudget train --world {name} --population {path} --algorithm random --budget {tasks.size}"
    return f"{tasks.size} tasks written to {path}; a policy of its own for each:\n{train}"


def places_of(folder: Path, result: Result, trained: Population) -> tuple[Prototypes, str]:
    """Where members stand, and how that is known: by the prototypes of their cover, or the mean tasks of their agents.

    Prototypes in other parameters than those of the world, such as embedded descriptions, say nothing of a new task.

    Raises:
        PolicyBudgetError: nobody is served, so that no member stands anywhere.
    """
    where, names = coordinates(trained)
    kept = result.prototypes
    if kept is not None and kept.names == names and len(kept.scale) == where.shape[1]:
        return kept, "prototypes"
    found = centres(where, result.assignment)
    if not np.isfinite(found.places).any():
        raise PolicyBudgetError(f"no policy of {folder} serves anybody: none is nearest to a task")
    return found, "mean tasks" if kept is None else "mean tasks, prototypes are in other parameters"
