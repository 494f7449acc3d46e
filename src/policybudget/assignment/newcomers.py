r"""Who trains policies that join others: agents for whom they can win soonest.

What agents have already are their options outside o. With V of the new policies,

.. math:: g_i = \max_j V_{ij} - o_i, \qquad i \text{ is served} \iff g_i \ge \min(0,\ g_{(\lceil s n \rceil)}),

where :math:`g_{(m)}` is the m-th largest. A new policy wins nobody before it has learned; so that it learns for
somebody, the share s of the agents, those who lack least, is served in any case, by the policy that is worth most to
each (eq. 11 of Ivanov & Ben-Porat 2024). Options that are lowered for all alike would have it learn for those who pay
most, and who are served well already. At the end nobody is served who has more outside.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar, Literal

import jax.numpy as jnp
from jaxtyping import Array, Float, PRNGKeyArray

from policybudget.assignment.em import best_served, greedy, known_offers, refill
from policybudget.assignment.returns import Returns
from policybudget.assignment.rule import AssignmentRule, Known, even_labels, labels_of, one_hot
from policybudget.objective import Objective


@dataclass(frozen=True)
class Newcomers(AssignmentRule):
    """EM for policies that join others.

    Args:
        share: s, of the agents; the new policies' share of all policies.
    """

    name: ClassVar[str] = "newcomers"
    reassigns: ClassVar[Literal["greedily", "by gradient", "never"]] = "greedily"
    eases: ClassVar[bool] = False
    share: float = 0.5

    def start(self, known: Known, key: PRNGKeyArray) -> Float[Array, "k n"]:
        """Round-robin.

        Args:
            known: k and n.
            key: not used.
        """
        return one_hot(even_labels(known.agents, known.budget), known.budget)

    def update(
        self,
        objective: Objective,
        returns: Returns,
        assignment: Float[Array, "k n"],
        logits: Float[Array, "c n"] | None,
        key: PRNGKeyArray,
    ) -> Float[Array, "k n"]:
        """The E-step.

        Args:
            objective: with what agents have already.
            returns: V.
            assignment: α as it was.
            logits: none.
            key: not used.
        """
        budget, agents = assignment.shape
        worth = jnp.where(returns.known, returns.value, -jnp.inf)
        labels = greedy(returns.value, returns.known, jnp.minimum(labels_of(assignment), budget - 1))
        gain = worth.max(axis=0)
        if objective.outside is not None:
            gain = gain - objective.outside
        least = jnp.sort(gain)[agents - math.ceil(self.share * agents)]
        labels = jnp.where(gain >= jnp.minimum(0.0, least), labels, budget)
        offers, known = objective.offers(returns.value), known_offers(objective, returns)
        return one_hot(refill(labels, offers, known, budget, key, "closest"), budget)

    def finalise(
        self, objective: Objective, assignment: Float[Array, "k n"], returns: Float[Array, "k n"]
    ) -> Float[Array, "k n"]:
        """Everybody where they have most, which may be outside.

        Args:
            objective: with what agents have already.
            assignment: α at the end of the training.
            returns: of the greedy policies.
        """
        return best_served(objective, returns)
