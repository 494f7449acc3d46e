r"""EM-like learning of a hard assignment (Ivanov & Ben-Porat 2024, Section 3.3 and Algorithm 1).

::

    assign agents round-robin
    repeat
        M-step: one PPO update of every policy
        Q̃[j, i] <- (1 - λ) Q̃[j, i] + λ R[j, i]   for every finished episode   (eq. 10, assignment/returns.py)
        E-step: assign agent i to argmax_j Q̃[j, i], after ``warm_start`` M-steps  (eq. 11)
        give each empty policy an agent from a group of two or more

Departures: no agent moves to a policy of which nothing is known, nor away from one; only an empty policy is refilled;
``finalise`` makes one last E-step with the returns of the greedy policies, which are what is deployed.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Literal

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Int, PRNGKeyArray

from policybudget.assignment.returns import Returns
from policybudget.assignment.rule import AssignmentRule, Known, even_labels, labels_of, one_hot
from policybudget.errors import PolicyBudgetError, check_choice
from policybudget.objective import Objective
from policybudget.settings import check_options, option

REFILLS = ("random", "closest")


@dataclass(frozen=True)
class EM(AssignmentRule):
    """Greedy reassignment after every M-step."""

    name: ClassVar[str] = "em"
    reassigns: ClassVar[Literal["greedily", "by gradient", "never"]] = "greedily"
    warm_start: int = option(40, "M-steps before the first E-step")
    refill: str = option("closest", "who is given to an empty policy: random (the paper) or closest")
    last_e_step: bool = option(True, "reassign once more at the end, by the greedy policies' returns")

    def __post_init__(self) -> None:
        if self.warm_start < 0:
            raise PolicyBudgetError(f"warm_start must be 0 or more, got {self.warm_start}")
        check_choice("refill", self.refill, REFILLS)
        check_options(self)

    def hold(self) -> int:
        """M-steps before the first E-step."""
        return self.warm_start

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
            objective: with the options outside.
            returns: V.
            assignment: α as it was.
            logits: none.
            key: of random refills.
        """
        budget = assignment.shape[0]
        offers, known = objective.offers(returns.value), known_offers(objective, returns)
        labels = greedy(offers, known, labels_of(assignment))
        return one_hot(refill(labels, offers, known, budget, key, self.refill), budget)

    def finalise(
        self, objective: Objective, assignment: Float[Array, "k n"], returns: Float[Array, "k n"]
    ) -> Float[Array, "k n"]:
        """One last E-step.

        Args:
            objective: with the options outside.
            assignment: α at the end of the training.
            returns: of the greedy policies.
        """
        return best_served(objective, returns) if self.last_e_step else assignment


def known_offers(objective: Objective, returns: Returns) -> Bool[Array, "c n"]:
    """Which of :meth:`Objective.offers` are known; options outside always are.

    Args:
        objective: with the options outside.
        returns: V.
    """
    known = returns.known
    return known if objective.outside is None else jnp.concatenate([known, jnp.ones_like(known[:1])])


def greedy(offers: Float[Array, "c n"], known: Bool[Array, "c n"], labels: Int[Array, " n"]) -> Int[Array, " n"]:
    r"""Eq. 11: :math:`j^* = \arg\max_j \tilde Q^{ij}` for each agent, the first of equals.

    Args:
        offers: what the k policies are worth to agents and, as row k, their options outside, if there are any.
        known: which of them were measured; the others are not chosen.
        labels: whom agents are with; they stay where that policy's worth is unknown. k for nobody.

    Returns:
        Each agent's policy; k for its option outside.
    """
    best = jnp.argmax(jnp.where(known, offers, -jnp.inf), axis=0)
    judged = jnp.take_along_axis(known, jnp.minimum(labels, len(known) - 1)[None], axis=0)[0]
    return jnp.where(judged | (labels >= len(known)), best, labels)


def best_served(objective: Objective, returns: Float[Array, "k n"]) -> Float[Array, "k n"]:
    """The E-step by returns that are all known: everybody where they have most, which may be outside.

    Args:
        objective: with the options outside.
        returns: V.
    """
    return one_hot(jnp.argmax(objective.offers(returns), axis=0), returns.shape[0])


def refill(
    labels: Int[Array, " n"],
    offers: Float[Array, "c n"],
    known: Bool[Array, "c n"],
    budget: int,
    key: PRNGKeyArray,
    whom: str,
) -> Int[Array, " n"]:
    """Give each empty policy an agent out of a group of two or more (note to eq. 14), or one left outside.

    Args:
        labels: each agent's policy; k for its option outside.
        offers: what the k policies are worth to agents and, as row k, their options outside, if there are any.
        known: which of them were measured.
        budget: k.
        key: of random refills.
        whom: "random", or "closest": the agent who loses least by it, which stays the same agent while its new policy
            catches up. To a policy of which nothing is known goes the agent who has least.
    """
    agents, choices = jnp.arange(labels.shape[0]), offers.shape[0]

    def sizes_of(labels: Array) -> Array:
        return jnp.sum(labels == jnp.arange(choices)[:, None], axis=1)

    def one(labels: Array, inputs: tuple[Array, Array, Array, Array]) -> tuple[Array, None]:
        policy, offered, judged, key = inputs
        sizes = sizes_of(labels)
        movable = (sizes[labels] >= 2) | (labels == budget)
        gets = jnp.where(known[labels, agents], offers[labels, agents], 0.0)
        loses = gets - jnp.where(judged, offered, 0.0)
        liking = jax.random.uniform(key, labels.shape) if whom == "random" else -loses
        chosen = jnp.argmax(jnp.where(movable, liking, -jnp.inf))
        moved = labels.at[chosen].set(policy)
        return jnp.where((sizes[policy] == 0) & movable.any(), moved, labels), None

    def all_of_them(labels: Array) -> Array:
        inputs = (jnp.arange(budget), offers[:budget], known[:budget], jax.random.split(key, budget))
        return jax.lax.scan(one, labels, inputs)[0]

    filled: Array = jax.lax.cond(jnp.any(sizes_of(labels)[:budget] == 0), all_of_them, lambda labels: labels, labels)
    return filled
