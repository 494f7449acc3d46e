"""Groups that training does not change: the base of the clustering baselines, and random even groups (Section 4)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Literal

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, PRNGKeyArray

from policybudget.assignment.em import best_served
from policybudget.assignment.returns import Returns
from policybudget.assignment.rule import AssignmentRule, Known, even_labels, one_hot
from policybudget.objective import Objective


@dataclass(frozen=True)
class FixedAssignment(AssignmentRule):
    """A rule whose first α stays; a rule of this kind says how it starts."""

    reassigns: ClassVar[Literal["greedily", "by gradient", "never"]] = "never"

    def update(
        self,
        objective: Objective,
        returns: Returns,
        assignment: Float[Array, "k n"],
        logits: Float[Array, "c n"] | None,
        key: PRNGKeyArray,
    ) -> Float[Array, "k n"]:
        """No change.

        Args:
            objective: not used.
            returns: not used.
            assignment: α as it was.
            logits: none.
            key: not used.
        """
        return assignment

    def finalise(
        self, objective: Objective, assignment: Float[Array, "k n"], returns: Float[Array, "k n"]
    ) -> Float[Array, "k n"]:
        """No change, but who is in no group is served by the best policy.

        Args:
            objective: with the options outside.
            assignment: α at the end of the training.
            returns: of the greedy policies.
        """
        stays = one_hot(jnp.argmax(assignment, axis=0), returns.shape[0])
        return jnp.where(assignment.sum(axis=0) > 0, stays, best_served(objective, returns))


@dataclass(frozen=True)
class RandomGroups(FixedAssignment):
    """Random groups of even size (they differ by one at most); any k. With k = 1, a universal policy."""

    name: ClassVar[str] = "random"

    def start(self, known: Known, key: PRNGKeyArray) -> Float[Array, "k n"]:
        """Shuffled round-robin.

        Args:
            known: k and n.
            key: of the draw.
        """
        return one_hot(jax.random.permutation(key, even_labels(known.agents, known.budget)), known.budget)
