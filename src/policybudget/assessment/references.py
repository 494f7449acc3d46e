"""A reference for budgets where no optimum is known: the best k of policies that were trained without a budget.

Robots that hop cannot hold a constant speed within a stride, so the ceiling of constant speeds
(:mod:`policybudget.exact.velocity_optimum`) is out of reach. What policies can do that were each trained for one speed
of a grid, or any other policies that are at hand, is a tighter yardstick::

    V[c, i]   mean return of reference c to agent i, over fresh greedy episodes
    best k    argmax over sets of k references of the welfare, each agent with its best, exactly
    judged    on further episodes, by which nothing was chosen

It is no bound: a training may beat its references.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from policybudget.assessment.curve import Point, play_candidates, point
from policybudget.errors import PolicyBudgetError, check_seed
from policybudget.exact.optima import Listener, Optima, checked, rounded, silent
from policybudget.policies.acting import Acting
from policybudget.policies.elsewhere.sources import BEGINNINGS, KINDS, policies_from
from policybudget.problem import RepresentedMDP
from policybudget.runs.result import load
from policybudget.welfare import Utilitarian, Welfare


@dataclass(frozen=True, eq=False)
class ReferenceOptima(Optima):
    """The best k reference policies for each of some budgets.

    Attributes:
        problem: whose agents are served.
        names: (c) of the references.
        points: per budget, the choice and what it is worth on episodes that it was not chosen by.
    """

    problem: RepresentedMDP
    names: tuple[str, ...]
    points: tuple[Point, ...]

    @property
    def budgets(self) -> tuple[int, ...]:
        """The budgets k."""
        return tuple(found.budget for found in self.points)

    @property
    def welfare(self) -> tuple[float, ...]:
        """Per budget, the welfare of the chosen references."""
        return tuple(rounded(found.welfare) for found in self.points)

    @property
    def word(self) -> str:
        """Neither an optimum nor a bound."""
        return "reference"

    @property
    def unit(self) -> str:
        """What the best references are worth."""
        return "welfare of the best references (mean return)"

    def about(self) -> dict[str, Any]:
        """The world, its agents and how many references there are."""
        world, agents = self.problem.world.name, self.problem.population.size
        return {"world": world, "agents": agents, "references": len(self.names)}

    def entries(self) -> list[dict[str, Any]]:
        """Per budget, the references that were chosen, with what they are worth and to how many."""
        return [
            {
                "budget": found.budget,
                "reference": worth,
                "ci95": found.ci95,
                "worst": found.worst,
                "policies": [self.names[index] for index in found.chosen],
            }
            for found, worth in zip(self.points, self.welfare, strict=True)
        ]

    def policies(self) -> list[dict[str, Any]]:
        """The references of the first budget."""
        return [{"policy": j, "reference": self.names[index]} for j, index in enumerate(self.points[0].chosen)]

    def remarks(self) -> list[str]:
        """The interval over episodes; and that a training may be better."""
        interval = [] if self.points[0].ci95 is None else [f"+- {self.points[0].ci95:.2f} over episodes (95 %)"]
        return [*interval, "no bound: a training may be better than its references"]


def best_references(
    problem: RepresentedMDP,
    references: Sequence[Path | str],
    budgets: Iterable[int],
    *,
    welfare: Welfare | None = None,
    episodes: int = 20,
    seed: int = 0,
    listener: Listener = silent,
) -> ReferenceOptima:
    """The best k of some policies for the agents of a problem, for each of some budgets.

    Args:
        problem: the world and the agents; its budget is not looked at.
        references: run folders, whatever users they were trained for, or policies from elsewhere (``sb3:FILE``,
            ``onnx:FILE``, ``python:FILE.py:NAME``).
        budgets: each from 1 to the number of policies in all references together.
        welfare: by which they are chosen; the mean if None.
        episodes: of each policy, three times: to choose policies, to assign agents, to judge.
        seed: of the episodes.
        listener: called after each budget.

    Returns:
        The choices.

    Raises:
        PolicyBudgetError: a reference cannot be read or does not fit the world, or a number is out of range.
    """
    check_seed(seed)
    if episodes < 1:
        raise PolicyBudgetError(f"episodes must be at least 1, got {episodes}")
    if not references:
        raise PolicyBudgetError(f"references must be run folders, {KINDS}; got none")
    sets, names = zip(*(_read(problem, str(reference)) for reference in references), strict=True)
    every = tuple(name for some in names for name in some)
    asked = checked(budgets, len(every), "reference policies")
    candidates = play_candidates(problem.world, problem.population, sets, episodes, seed)
    found = []
    for budget in asked:
        found.append(point(problem.population, welfare or Utilitarian(), candidates, budget))
        listener(f"budget {budget}  reference {found[-1].welfare:.2f}")
    return ReferenceOptima(problem, every, tuple(found))


def _read(problem: RepresentedMDP, reference: str) -> tuple[Acting, tuple[str, ...]]:
    """Policies and their names."""
    if reference.startswith(BEGINNINGS):
        return policies_from([reference], problem.world), (reference,)
    result = load(reference)
    shape, world = result.architecture, problem.world
    if (shape.observation_size, shape.actions) != (world.observation_size, world.units):
        raise PolicyBudgetError(
            f"references must observe and act as in {world.name} ({world.observation_size} observations); {reference} "
            f"was trained in another world ({shape.observation_size} observations)"
        )
    return result.policies, tuple(f"{Path(reference).name} policy {j}" for j in range(result.budget))
