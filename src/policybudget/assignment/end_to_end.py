r"""End-to-end learning of a soft assignment (Ivanov & Ben-Porat 2024, Section 3.4).

A table of logits ψ, :math:`\alpha^i_\psi(j) = \mathrm{softmax}_j(\psi^{ij})`, updated by Adam in the backward pass of
the actors. Two losses:

``literal``
    eq. 12, :math:`L(\psi) = -\sum_{j,t} \mathrm{clip}(\rho^j_t) \sum_i \alpha^i_\psi(j) \tilde A^{ij}_t`. On-policy
    :math:`E[\tilde A^{ij}] = 0` for every j, whichever is better, so it carries next to no signal about which policy
    should serve whom. Kept for comparison.
``returns`` (default)
    The exact gradient of the objective (eq. 2) in ψ is :math:`\sum_j \nabla_\psi \alpha^i_\psi(j) V^{ij}(s_0)`:
    :math:`L(\psi) = -\frac1n \sum_{i,j} \alpha^i_\psi(j) \tilde Q^{ij}`, with the finished returns of eq. 10 for V;
    for another welfare function W, :math:`-\sum_i \frac{\partial W}{\partial u_i} u_i` of the same utilities u.

ψ starts at zero: at first everybody is served by all. ``finalise`` (a departure) gives each agent to the policy that is
best for it in greedy form.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Literal

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, PRNGKeyArray

from policybudget.assignment.em import best_served
from policybudget.assignment.returns import Returns
from policybudget.assignment.rule import AssignmentRule, Known
from policybudget.errors import PolicyBudgetError, check_choice
from policybudget.learning.losses import Rows
from policybudget.learning.ppo import AssignmentLoss
from policybudget.learning.settings import surrogate
from policybudget.objective import Objective
from policybudget.population import Rewards
from policybudget.settings import check_options, option

SIGNALS = ("returns", "literal")


@dataclass(frozen=True)
class EndToEnd(AssignmentRule):
    """Assignment by gradient."""

    name: ClassVar[str] = "end-to-end"
    reassigns: ClassVar[Literal["greedily", "by gradient", "never"]] = "by gradient"
    signal: str = option("returns", "what teaches the assignment: returns, or literal (eq. 12)")
    assignment_rate: float = option(0.005, "Adam step size of the logits")
    last_e_step: bool = option(True, "reassign once more at the end, by the greedy policies' returns")

    def __post_init__(self) -> None:
        check_choice("signal", self.signal, SIGNALS)
        if self.assignment_rate < 0:
            raise PolicyBudgetError(f"assignment_rate must be 0 or more, got {self.assignment_rate}")
        check_options(self)

    @property
    def learns_from_features(self) -> bool:
        """The literal loss needs advantages per feature."""
        return self.signal == "literal"

    def start(self, known: Known, key: PRNGKeyArray) -> Float[Array, "k n"]:
        """Even: softmax of zeros.

        Args:
            known: k and n.
            key: not used.
        """
        return jnp.full((known.budget, known.agents), 1.0 / known.budget)

    def logits(self, choices: int, agents: int) -> Float[Array, "c n"]:
        """Zeros.

        Args:
            choices: c.
            agents: n.
        """
        return jnp.zeros((choices, agents))

    def loss(
        self, rewards: Rewards, objective: Objective, returns: Returns, assignment: Float[Array, "k n"]
    ) -> AssignmentLoss:
        """The loss of ψ. What is unknown of V pulls nobody anywhere.

        Args:
            rewards: of the n agents.
            objective: what the budget is spent for.
            returns: V.
            assignment: α.
        """
        budget, offers = assignment.shape[0], objective.offers(returns.neutral)

        def from_returns(logits: Array, rows: Rows, ratio: Array, clip: float) -> Array:
            worth = jnp.where(jnp.isfinite(offers), offers, 0.0)  # who has no option has no share in it either
            utilities = jnp.sum(shares(logits, offers) * worth, axis=0)
            return -jnp.sum(jax.lax.stop_gradient(objective.worth(utilities)) * utilities)

        def literal(logits: Array, rows: Rows, ratio: Array, clip: float) -> Array:
            assert rows.features is not None
            mixture = rewards.mixture(shares(logits, offers)[:budget])
            advantage = jnp.einsum("kbm,km->kb", rows.features, mixture)
            return -jnp.mean(jnp.sum(rows.weight * surrogate(ratio, advantage, clip), axis=0))

        return AssignmentLoss(literal if self.signal == "literal" else from_returns, self.assignment_rate)

    def update(
        self,
        objective: Objective,
        returns: Returns,
        assignment: Float[Array, "k n"],
        logits: Float[Array, "c n"] | None,
        key: PRNGKeyArray,
    ) -> Float[Array, "k n"]:
        """Softmax of the logits.

        Args:
            objective: with the options outside.
            returns: V, for its shape.
            assignment: α as it was.
            logits: ψ.
            key: not used.
        """
        assert logits is not None
        return shares(logits, objective.offers(returns.neutral))[: assignment.shape[0]]

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


def shares(logits: Float[Array, "c n"], offers: Float[Array, "c n"]) -> Float[Array, "c n"]:
    """Softmax over what each agent has to choose from.

    Args:
        logits: ψ.
        offers: what there is; an option at -inf is none.
    """
    return jax.nn.softmax(jnp.where(offers > -jnp.inf, logits, -jnp.inf), axis=0)
