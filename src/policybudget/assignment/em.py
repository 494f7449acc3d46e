r"""EM-like learning of a hard assignment (Ivanov & Ben-Porat 2024, Section 3.3 and Algorithm 1).

::

    assign agents round-robin
    repeat
        M-step: one PPO update of every policy
        Q̃[j, i] <- (1 - λ) Q̃[j, i] + λ R[j, i]   for every finished episode            (eq. 10)
        E-step: assign agent i to argmax_j Q̃[j, i], after ``warm_start`` M-steps         (eq. 11)
        give each empty policy an agent from a group of two or more

Departures: Q̃ is freed of its start at zero (divided by 1 - (1 - λ)^episodes); only an empty policy is refilled;
``settle`` makes one last E-step with the returns of the greedy policies, which are what is deployed.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int, PRNGKeyArray

from policybudget.assignment.rule import AssignmentRule, AssignmentState, Known, even_labels, one_hot
from policybudget.errors import PolicyBudgetError
from policybudget.objective import Objective
from policybudget.population import Rewards
from policybudget.settings import option

REFILLS = ("random", "closest")


@dataclass(frozen=True)
class EM(AssignmentRule):
    """Greedy reassignment after every M-step."""

    name: ClassVar[str] = "em"
    mixing: float = option(0.05, "lambda of eq. 10, the weight of a finished episode in the Q-table")
    warm_start: int = option(50, "M-steps before the first E-step")  # type: ignore[misc]
    scouts: int = option(1, "times the budget of policies to train at first, of which the best go on; 1: none")  # type: ignore[misc]
    scout_share: float = option(0.5, "share of the transitions that goes to them")  # type: ignore[misc]
    split_every: int = option(0, "iterations between two looks for idle policies to split groups; 0: never")  # type: ignore[misc]
    recall: bool = option(False, "learn the best k of all episodes seen in the end; for worlds without chance")  # type: ignore[misc]
    restarts: int = option(1, "times that training begins anew at most, with recall")  # type: ignore[misc]
    fair_restarts: bool = option(False, "every other beginning is for the worst off")  # type: ignore[misc]
    refill: str = option("closest", "who is given to an empty policy: random (the paper) or closest")
    last_e_step: bool = option(True, "reassign once more at the end, by the greedy policies' returns")

    def __post_init__(self) -> None:
        if not 0 < self.mixing <= 1:
            raise PolicyBudgetError(f"mixing must be above 0 and at most 1, got {self.mixing}")
        if self.warm_start < 0:
            raise PolicyBudgetError(f"warm_start must be 0 or more, got {self.warm_start}")
        for name in ("scouts", "restarts"):
            if getattr(self, name) < 1:
                raise PolicyBudgetError(f"{name} must be at least 1, got {getattr(self, name)}")
        if self.split_every < 0:
            raise PolicyBudgetError(f"split_every must be 0 or more, got {self.split_every}")
        if self.restarts > 1 and not self.recall:
            raise PolicyBudgetError(
                f"restarts = {self.restarts} needs recall: without it, all but the last beginning would be for nothing"
            )
        if self.recall and self.scouts > 1:
            raise PolicyBudgetError("recall and scouts exclude each other; leave out one of them")
        if not 0 < self.scout_share < 1:
            raise PolicyBudgetError(f"scout_share must be between 0 and 1, got {self.scout_share}")
        if self.refill not in REFILLS:
            raise PolicyBudgetError(f"refill must be one of {', '.join(REFILLS)}, got {self.refill}")

    def start(self, known: Known, key: PRNGKeyArray) -> Float[Array, "k n"]:
        """Round-robin; where training begins several times, at random."""
        labels = even_labels(known.agents, known.budget)
        return one_hot(jax.random.permutation(key, labels) if self.restarts > 1 else labels, known.budget)

    def logits(self, choices: int, agents: int, key: PRNGKeyArray) -> None:
        """No logits: the assignment is hard."""

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
        """The E-step."""
        budget, offers = state.assignment.shape[0], objective.offers(state.returns(rewards))
        labels = refill(greedy(offers), offers, budget, key, self.refill)
        held = jnp.maximum(self.warm_start, state.held)
        return jnp.where(iteration + 1 >= held, one_hot(labels, budget), state.assignment)

    def settle(
        self, objective: Objective, assignment: Float[Array, "k n"], returns: Float[Array, "k n"]
    ) -> Float[Array, "k n"]:
        """One last E-step."""
        return best_served(objective, returns) if self.last_e_step else assignment


def greedy(offers: Float[Array, "c n"]) -> Int[Array, " n"]:
    r"""Eq. 11: :math:`j^* = \arg\max_j \tilde Q^{ij}` for each agent, the first of equals; k is its option outside."""
    return jnp.argmax(offers, axis=0)


def best_served(objective: Objective, returns: Float[Array, "k n"]) -> Float[Array, "k n"]:
    """The E-step by known returns: everybody where they have most, which may be outside."""
    return one_hot(greedy(objective.offers(returns)), returns.shape[0])


def refill(
    labels: Int[Array, " n"], offers: Float[Array, "c n"], budget: int, key: PRNGKeyArray, whom: str
) -> Int[Array, " n"]:
    """Give each empty policy an agent out of a group of two or more (note to eq. 14), or one left outside.

    Args:
        offers: what the k policies are worth to agents, and as row k their options outside, if there are any.
        whom: "random", or "closest": the agent who loses least by it, which stays the same agent while its new
            policy catches up.
    """
    agents, choices = jnp.arange(labels.shape[0]), offers.shape[0]

    def sizes_of(labels: Array) -> Array:
        return jnp.sum(labels == jnp.arange(choices)[:, None], axis=1)

    def one(labels: Array, inputs: tuple[Array, Array, Array]) -> tuple[Array, None]:
        policy, offered, key = inputs
        sizes = sizes_of(labels)
        movable = (sizes[labels] >= 2) | (labels == budget)
        liking = jax.random.uniform(key, labels.shape) if whom == "random" else offered - offers[labels, agents]
        chosen = jnp.argmax(jnp.where(movable, liking, -jnp.inf))
        moved = labels.at[chosen].set(policy)
        return jnp.where((sizes[policy] == 0) & movable.any(), moved, labels), None

    def all_of_them(labels: Array) -> Array:
        return jax.lax.scan(one, labels, (jnp.arange(budget), offers[:budget], jax.random.split(key, budget)))[0]

    filled: Array = jax.lax.cond(jnp.any(sizes_of(labels)[:budget] == 0), all_of_them, lambda labels: labels, labels)
    return filled
