"""The represented MDP: a world, a population, a budget of k policies (Ivanov & Ben-Porat 2024, Section 2.2)."""

from __future__ import annotations

from dataclasses import dataclass

from policybudget.errors import PolicyBudgetError
from policybudget.population import Population
from policybudget.worlds import registry
from policybudget.worlds.interface import World


@dataclass(frozen=True)
class RepresentedMDP:
    """n agents who act in a world through at most k representatives.

    Args:
        world: where the policies act.
        population: who is served.
        budget: k, the number of policies, from 1 to n.

    Raises:
        PolicyBudgetError: the budget is out of range or the population does not fit the world.
    """

    world: World
    population: Population
    budget: int

    def __post_init__(self) -> None:
        if not 1 <= self.budget <= self.population.size:
            raise PolicyBudgetError(
                f"budget must be between 1 and the number of agents ({self.population.size}), got {self.budget}"
            )


def make_problem(name: str, budget: int, agents: int | None = None, seed: int = 0) -> RepresentedMDP:
    """The r-MDP of a world by name, with the population it is usually served to.

    Args:
        name: of the world, as given to ``--world``.
        budget: k, the number of policies.
        agents: n, where the world lets you choose; its usual number if None.
        seed: of the draw of the population, where it is drawn.

    Raises:
        PolicyBudgetError: there is no such world, or the budget or number of agents is out of range.
    """
    world, population = registry.make(name, agents, seed)
    return RepresentedMDP(world, population, budget)
