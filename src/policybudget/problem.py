"""The represented MDP: a world, a population, a budget of k policies (Ivanov & Ben-Porat 2024, Section 2.2)."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from policybudget.errors import PolicyBudgetError, check_budget
from policybudget.from_file import located
from policybudget.objective import Objective
from policybudget.population import Outcome, Population
from policybudget.welfare import PowerMean, Utilitarian, Welfare, parse
from policybudget.worlds import registry
from policybudget.worlds.interface import World


@dataclass(frozen=True)
class RepresentedMDP:
    """n agents who act in a world through at most k policies.

    Args:
        world: where the policies act.
        population: who is served.
        budget: k, the number of policies, from 1 to n.
        welfare: what is maximised: the mean utility of the agents, or another function of them.
        origin: the arguments of :func:`make_problem` without the budget, for the record; empty for problems made by
            hand.

    Raises:
        PolicyBudgetError: the budget is out of range, the population does not fit the world, or the welfare function is
            not defined for its returns.
    """

    world: World
    population: Population
    budget: int
    welfare: Welfare = field(default_factory=Utilitarian)
    origin: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        check_budget(self.budget, self.population.size)
        rewards = self.population.rewards
        if self.world.own_dynamics != rewards.own:
            expected, got = ("a row for every agent", "none") if self.world.own_dynamics else ("None", "some")
            raise PolicyBudgetError(f"world {self.world.name}: Population(dynamics=...) must be {expected}, got {got}")
        if isinstance(rewards.features, Outcome) and self.population.num_features != self.world.outcome_size:
            raise PolicyBudgetError(
                f"the population must pay for {self.world.outcome_size} reward components, those of "
                f"{self.world.name}, got {self.population.num_features}"
            )
        highest, welfare = self.population.highest_return, self.welfare
        if highest is not None and highest <= 0 and isinstance(welfare, PowerMean) and welfare.order < 1:
            raise PolicyBudgetError(
                f"welfare {welfare} needs returns above 0, and those in {self.world.name} are {highest:g} at most; "
                "choose utilitarian, egalitarian or gini"
            )

    @property
    def objective(self) -> Objective:
        """The welfare function with the agents' weights and outside options."""
        return self.population.objective(self.welfare)


def make_problem(
    name: str,
    budget: int,
    agents: int | None = None,
    population_seed: int = 0,
    population: str | None = None,
    welfare: str = "utilitarian",
    outside: float | None = None,
) -> RepresentedMDP:
    """The r-MDP of a world by name, with the population it is usually served to.

    Args:
        name: of the world, as given to ``--world``.
        budget: k, the number of policies.
        agents: n, where the world lets you choose; its usual number if None.
        population_seed: decides the draw of the population, where it is drawn; it is not the seed of a training.
        population: path of a users.csv, for worlds whose users are in a file.
        welfare: the welfare function, as :func:`policybudget.welfare.parse` reads it.
        outside: what every agent has without any policy, in units of return; as in the users.csv if None.

    Returns:
        The problem.

    Raises:
        PolicyBudgetError: there is no such world, or the budget, the number of agents, the users or the welfare
            function do not fit.
    """
    chosen = parse(welfare)
    world, agents_served = registry.make(name, agents, population_seed, population)
    if outside is not None:
        agents_served = replace(agents_served, outside=np.full(agents_served.size, outside))
    origin = {
        "name": located(name),
        "agents": agents,
        "population_seed": population_seed,
        "population": population,
    }
    extra = {"welfare": welfare, "outside": outside}
    return RepresentedMDP(world, agents_served, budget, chosen, origin | extra)
