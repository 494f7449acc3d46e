"""Assignments that training does not change: random even groups, the weak baseline of Section 4, or everyone to one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int, PRNGKeyArray

from policybudget.assignment.em import best_served
from policybudget.assignment.rule import AssignmentRule, AssignmentState, Known, even_labels, one_hot
from policybudget.objective import Objective
from policybudget.population import Rewards


@dataclass(frozen=True)
class FixedAssignment(AssignmentRule):
    """A rule whose first assignment stays."""

    last_e_step: ClassVar[bool] = False
    """Whether everybody is reassigned at the end, by the greedy policies' returns."""

    def logits(self, choices: int, agents: int, key: PRNGKeyArray) -> None:
        """No logits."""

    def loss(self, rewards: Rewards, objective: Objective, state: AssignmentState, clip: float) -> None:
        """No loss."""

    def update(
        self,
        rewards: Rewards,
        objective: Objective,
        state: AssignmentState,
        logits: Float[Array, "c n"] | None,
        iteration: Int[Array, ""],
        key: PRNGKeyArray,
    ) -> Float[Array, "k n"]:
        """No change."""
        return state.assignment

    def settle(
        self, objective: Objective, assignment: Float[Array, "k n"], returns: Float[Array, "k n"]
    ) -> Float[Array, "k n"]:
        """No change, unless there is a last E-step; who is in no group joins the best."""
        best = best_served(objective, returns)
        stays = one_hot(jnp.argmax(assignment, axis=0), returns.shape[0])
        return best if self.last_e_step else jnp.where(assignment.sum(axis=0) > 0, stays, best)


@dataclass(frozen=True)
class RandomGroups(FixedAssignment):
    """Random groups of even size (they differ by one at most); any k. With k = 1, a universal policy."""

    name: ClassVar[str] = "random"

    def start(self, known: Known, key: PRNGKeyArray) -> Float[Array, "k n"]:
        """Shuffled round-robin."""
        return one_hot(jax.random.permutation(key, even_labels(known.agents, known.budget)), known.budget)
