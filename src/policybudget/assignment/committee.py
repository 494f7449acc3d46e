"""A policy committee: groups from a cover of the agents' task parameters (Ge et al. 2025, PACMAN).

::

    cover the task parameters with at most k prototypes of a radius                (policybudget.covers)
    each member learns for the tasks within the radius of its prototype            ("tasks", their published code)
                    or for the one task that is nearest to its prototype           ("prototype", their talk)
                    or for all tasks that have no nearer prototype                 ("nearest": a clustering's clusters)

Groups stay as they are; members may share tasks, which count for each of them in equal parts. Tasks that nobody covers
teach nobody: an outlier does not pull a member away from those that it can serve. They stay among the agents and in all
reports: in the end everybody, covered or not, is served by the member that is best for them in greedy form, a departure
(``last_e_step`` off: only who is in no cluster).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, PRNGKeyArray

from policybudget.assignment.fixed import FixedAssignment
from policybudget.assignment.rule import Known
from policybudget.covers import METHODS, Cover
from policybudget.covers import cover as covered
from policybudget.errors import PolicyBudgetError
from policybudget.settings import option

LEARNED_FROM = ("tasks", "prototype", "nearest")


@dataclass(frozen=True)
class CoverCommittee(FixedAssignment):
    """A member per cluster of a cover."""

    name: ClassVar[str] = "committee"
    radius: float = option(0.2, "of the cover, in the units of the task parameters")
    cover_method: str = option("greedy-intersection", f"how tasks are covered: {', '.join(METHODS)}")
    standardise: bool = option(False, "divide task parameters by their standard deviation; so is the radius then")
    learn_from: str = option("tasks", "what a member learns from: tasks (within its radius), prototype (one), nearest")
    last_e_step: bool = option(True, "reassign once at the end, by the greedy policies' returns")  # type: ignore[misc]

    def __post_init__(self) -> None:
        if not 0 < self.radius < float("inf"):
            raise PolicyBudgetError(f"radius must be a positive number, got {self.radius}")
        if self.cover_method not in METHODS:
            raise PolicyBudgetError(f"cover_method must be one of {', '.join(METHODS)}, got {self.cover_method}")
        if self.learn_from not in LEARNED_FROM:
            raise PolicyBudgetError(f"learn_from must be one of {', '.join(LEARNED_FROM)}, got {self.learn_from}")

    def cover(self, parameters: np.ndarray | None, budget: int, seed: int) -> Cover:
        """The cover of the tasks; who learns from whom follows from it.

        Raises:
            PolicyBudgetError: the agents have no task parameters, or the method gives up.
        """
        if parameters is None:
            raise PolicyBudgetError(
                "algorithm committee covers task parameters, and these agents have no task parameters; "
                "give a row for each by --tasks, or use em"
            )
        return covered(parameters, budget, self.radius, self.cover_method, seed, self.standardise)

    def start(self, known: Known, key: PRNGKeyArray) -> Float[Array, "k n"]:
        """Whom members learn from; columns of those from whom nobody does are zero."""
        cover, parameters = known.cover, known.parameters
        assert cover is not None and parameters is not None
        taught = np.zeros((known.budget, known.agents))
        if self.learn_from == "tasks":
            taught[: len(cover.within)] = cover.within
        elif self.learn_from == "prototype":
            taught[np.arange(len(cover.prototypes)), cover.distances(parameters).argmin(axis=1)] = 1.0
        else:
            taught[cover.nearest(parameters)[0], np.arange(known.agents)] = 1.0
        return jnp.asarray(taught / np.maximum(taught.sum(axis=0), 1.0), jnp.float32)
