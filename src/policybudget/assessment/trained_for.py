"""The world and the agents that a finished run was trained for."""

from __future__ import annotations

import sys
from pathlib import Path

from policybudget.errors import PolicyBudgetError
from policybudget.problem import RepresentedMDP, make_problem
from policybudget.runs import inputs
from policybudget.runs.result import Result


def problem_of(folder: Path, result: Result) -> RepresentedMDP:
    """The problem of a run, made again with a budget of one: the policies are in the result.

    Args:
        folder: of the run.
        result: what is saved there.

    Returns:
        The problem.

    Raises:
        PolicyBudgetError: it was made in Python, or its users are no longer the same.
    """
    if "population" not in result.world:
        raise PolicyBudgetError(
            f"{folder} holds policies for world {result.world.get('name')!r}, made in Python; neither it nor its users "
            "are in the folder; evaluate them there: "
            "policybudget.evaluate(world, population, result.policies, result.assignment, ...)"
        )
    for line in inputs.differences(result.world):
        print(f"policybudget: {line}", file=sys.stderr)
    problem = make_problem(budget=1, **result.world)
    if problem.population.names != result.agents:
        raise PolicyBudgetError(
            f"the {len(result.agents)} users of {folder} are no longer those of "
            f"{result.world['population'] or problem.world.name} ({problem.population.size}): train again"
        )
    return problem
