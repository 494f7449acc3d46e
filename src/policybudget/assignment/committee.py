"""A policy committee: groups from a cover of the agents' task parameters (Ge et al. 2025, PACMAN).

::

    cover the task parameters with at most k prototypes of a radius                (policybudget.covers)
    each policy learns for the tasks within the radius of its prototype            ("tasks", their published code)
                    or for the one task that is nearest to its prototype           ("prototype", their talk)
                    or for all tasks that have no nearer prototype                 ("nearest": a clustering's clusters)

Groups stay as they are. Two policies may share a task, which then counts half for each. A task that no prototype covers
teaches no policy: an outlier does not pull a policy away from the tasks that it can serve. It stays among the agents
and in all reports: in the end every agent, covered or not, is served by the policy that is best for it in greedy form,
a departure (``last_e_step`` off: only agents in no cluster are reassigned).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, NamedTuple

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, PRNGKeyArray

from policybudget.assignment.em import best_served
from policybudget.assignment.fixed import FixedAssignment
from policybudget.assignment.rule import Known
from policybudget.covers import METHODS, Cover, cover
from policybudget.errors import PolicyBudgetError, check_choice
from policybudget.objective import Objective
from policybudget.population import Population
from policybudget.runs.prototypes import Prototypes
from policybudget.settings import check_options, option

LEARNED_FROM = ("tasks", "prototype", "nearest")


class Covered(NamedTuple):
    """Tasks and their cover.

    Attributes:
        cover: at most k prototypes.
        parameters: of the agents' tasks.
    """

    cover: Cover
    parameters: Float[np.ndarray, "n d"]


@dataclass(frozen=True)
class CoverCommittee(FixedAssignment):
    """A policy per cluster of a cover."""

    name: ClassVar[str] = "committee"
    radius: float = option(0.2, "of the cover, in the units of the task parameters")
    cover_method: str = option("greedy-intersection", f"how tasks are covered: {', '.join(METHODS)}")
    standardise: bool = option(False, "divide task parameters by their standard deviation; so is the radius then")
    learn_from: str = option("tasks", "what a policy learns from: tasks (within its radius), prototype (one), nearest")
    last_e_step: bool = option(True, "reassign once at the end, by the greedy policies' returns")

    def __post_init__(self) -> None:
        if not 0 < self.radius < float("inf"):
            raise PolicyBudgetError(f"radius must be a positive number, got {self.radius}")
        check_choice("cover_method", self.cover_method, METHODS)
        check_choice("learn_from", self.learn_from, LEARNED_FROM)
        check_options(self)

    def prepare(self, population: Population, budget: int, seed: int) -> Covered:
        """The cover of the tasks; who learns from whom follows from it.

        Args:
            population: n agents, with task parameters.
            budget: k.
            seed: of methods that draw.

        Raises:
            PolicyBudgetError: the agents have no task parameters, or the method gives up.
        """
        if population.parameters is None:
            raise PolicyBudgetError(
                "algorithm committee covers task parameters, and these agents have no task parameters; "
                "give a row for each by --tasks, or use em"
            )
        parameters = population.parameters
        found = cover(parameters, budget, self.radius, self.cover_method, seed, self.standardise)
        return Covered(found, parameters)

    def prototypes(self, population: Population, budget: int, prepared: Covered) -> Prototypes:
        """Those of the cover.

        Args:
            population: n agents, with the names of their parameters.
            budget: k.
            prepared: the cover.
        """
        found = prepared.cover
        return Prototypes.first(found.prototypes, found.scale, population.parameter_names, budget)

    def start(self, known: Known, key: PRNGKeyArray) -> Float[Array, "k n"]:
        """From whom policies learn; columns of agents from whom none does are zero.

        Args:
            known: with the cover.
            key: not used.
        """
        cover, parameters = known.prepared
        taught = np.zeros((known.budget, known.agents))
        if self.learn_from == "tasks":
            taught[: len(cover.within)] = cover.within
        elif self.learn_from == "prototype":
            taught[np.arange(len(cover.prototypes)), cover.nearest_tasks(parameters)] = 1.0
        else:
            taught[cover.nearest(parameters)[0], np.arange(known.agents)] = 1.0
        return jnp.asarray(taught / np.maximum(taught.sum(axis=0), 1.0), jnp.float32)

    def finalise(
        self, objective: Objective, assignment: Float[Array, "k n"], returns: Float[Array, "k n"]
    ) -> Float[Array, "k n"]:
        """One last E-step; without it, only agents in no cluster are served by the best policy.

        Args:
            objective: with the options outside.
            assignment: α at the end of the training.
            returns: of the greedy policies.
        """
        if self.last_e_step:
            return best_served(objective, returns)
        return super().finalise(objective, assignment, returns)
