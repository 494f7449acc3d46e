"""Tasks that had no part in the training of a run, and where its policies stand among them."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from policybudget.assessment.generalise import centres, coordinates, shared_tasks
from policybudget.assessment.held_out_plan import DRAWN, HeldOutPlan
from policybudget.assessment.trained_for import problem_of
from policybudget.errors import PolicyBudgetError, check_seed
from policybudget.population import Population
from policybudget.problem import RepresentedMDP
from policybudget.runs import files, inputs
from policybudget.runs.prototypes import Prototypes
from policybudget.runs.result import Result, load
from policybudget.worlds import registry
from policybudget.worlds.interface import World


@dataclass(frozen=True)
class HeldOut:
    """Tasks to test on.

    Attributes:
        tasks: as agents.
        world: where they act: that of the run, or one for these users' own environments.
        source: where they are from, in words.
        reference: the run that was trained for them, if they are from one.
    """

    tasks: Population
    world: World
    source: str
    reference: Result | None = None


def tasks_for(plan: HeldOutPlan, run: Path, name: str, problem: RepresentedMDP) -> HeldOut:
    """Drawn ones, those of a file, or those that another run was trained for.

    Args:
        plan: says which tasks.
        run: folder of the run on trial, for the error.
        name: of the world.
        problem: that the run was trained for.

    Returns:
        The tasks, none of which was trained for.

    Raises:
        PolicyBudgetError: there is no such draw, file or run, it does not fit the world, or a task was trained for.
    """
    if plan.reference is not None:
        found = _reference(plan.reference, name)
    elif plan.population is not None:
        path = str(plan.population)
        world, tasks = registry.make(name, population=path)
        found = HeldOut(tasks, RepresentedMDP(world, tasks, 1).world, path)
    else:
        return HeldOut(registry.held_out(name, plan.tasks or DRAWN, plan.seed), problem.world, "drawn")
    _check_alike(found, run, problem)
    where, before = coordinates(found.tasks)[0], coordinates(problem.population)[0]
    if len(both := shared_tasks(where, before)):
        raise PolicyBudgetError(
            f"{len(both)} of the {len(where)} tasks of {found.source} are among those that {run} was trained "
            f"for, the first is {found.tasks.names[both[0]]!r}; bring tasks that had no part in training"
        )
    return found


def _reference(folder: Path, name: str) -> HeldOut:
    """The tasks that a run was trained for, with its policies."""
    result = load(folder)
    if (other := inputs.short(str(result.world.get("name")))) != (own := inputs.short(name)):
        raise PolicyBudgetError(f"the reference must be a run in world {own}, got {folder} in world {other}")
    if (unserved := np.flatnonzero(result.assignment.sum(axis=0) == 0)).size:
        raise PolicyBudgetError(
            f"the reference must have a policy for each task, but {folder} leaves {result.agents[unserved[0]]!r} to "
            "its option outside; train it without options outside"
        )
    problem = problem_of(folder, result)
    return HeldOut(problem.population, problem.world, str(folder), result)


def _check_alike(found: HeldOut, run: Path, problem: RepresentedMDP) -> None:
    """Tasks are told apart by the same columns, and policies see and do the same there."""
    (asked, asked_names), (known, known_names) = coordinates(found.tasks), coordinates(problem.population)
    own, here = found.world.own_dynamics, problem.world.own_dynamics
    if own != here or asked_names != known_names or asked.shape[1] != known.shape[1]:
        raise PolicyBudgetError(
            f"{found.source} must tell users apart as those that {run} was trained for, by "
            f"{', '.join(known_names)}{_of_own(here)}; got {', '.join(asked_names)}{_of_own(own)}"
        )
    sizes = [(world.observation_size, world.units.outputs) for world in (found.world, problem.world)]
    if sizes[0] != sizes[1]:
        raise PolicyBudgetError(
            f"environments of the users of {found.source} must have the spaces of those that {run} was trained for: "
            f"{sizes[1][0]} numbers observed and {sizes[1][1]} outputs of a policy, got {sizes[0][0]} and {sizes[0][1]}"
        )


def _of_own(own: bool) -> str:
    return " (each with an environment of its own)" if own else ""


def write_tasks(path: Path, name: str, number: int | None, seed: int) -> str:
    """Write drawn tasks as a users.csv, for a reference to be trained on.

    Args:
        path: of the file.
        name: of the world.
        number: of tasks; 40 if None.
        seed: of the draw.

    Returns:
        What was written, and the command that trains a policy for each task.

    Raises:
        PolicyBudgetError: the number or the seed is out of range, the world has no such draw, or the file cannot be
            written.
    """
    if number is not None and number < 1:
        raise PolicyBudgetError(f"tasks must be at least 1, got {number}")
    check_seed(seed)
    tasks = registry.held_out(name, DRAWN if number is None else number, seed)
    table = registry.entry(name).table
    assert table is not None  # a world that draws tasks can write them
    files.write(path, table(tasks))
    train = f"policybudget train --world {name} --population {path} --algorithm random --budget {tasks.size}"
    return f"{tasks.size} tasks written to {path}; a policy of its own for each:\n{train}"


def places_of(
    folder: Path, kept: Prototypes | None, assignment: np.ndarray, trained: Population
) -> tuple[Prototypes, str]:
    """Where policies stand: at the prototypes of their cover, or at the mean tasks of their agents.

    Prototypes in other parameters than those of the world, such as embedded descriptions, say nothing of a new task.

    Args:
        folder: of the run, for the error.
        kept: the prototypes of the policies' cover, if there is one.
        assignment: (k, n) α.
        trained: the tasks that the run was trained for.

    Returns:
        The places, and in words how they are known.

    Raises:
        PolicyBudgetError: no policy serves an agent, so that none stands anywhere.
    """
    where, names = coordinates(trained)
    if kept is not None and kept.names == names and len(kept.scale) == where.shape[1]:
        return kept, "prototypes"
    found = centres(where, assignment)
    if not np.isfinite(found.places).any():
        raise PolicyBudgetError(f"no policy of {folder} serves anybody: none is nearest to a task")
    return found, "mean tasks" if kept is None else "mean tasks, prototypes are in other parameters"
