r"""End-to-end learning of a soft assignment (Ivanov & Ben-Porat 2024, Section 3.4).

A table of logits ψ, :math:`\alpha^i_\psi(j) = \mathrm{softmax}_j(\psi^{ij})`, updated by Adam in the backward pass of
the actors. Two losses:

``literal``
    eq. 12, :math:`L(\psi) = -\sum_{j,t} \mathrm{clip}(\rho^j_t) \sum_i \alpha^i_\psi(j) \tilde A^{ij}_t`. On-policy
    :math:`E[\tilde A^{ij}] = 0` for every j, whichever is better, so it carries next to no signal about who should
    represent whom. Kept for comparison.
``returns`` (default)
    The exact gradient of the objective (eq. 2) in ψ is :math:`\sum_j \nabla_\psi \alpha^i_\psi(j) V^{ij}(s_0)`:
    :math:`L(\psi) = -\frac1n \sum_{i,j} \alpha^i_\psi(j) \tilde Q^{ij}`, with the finished returns of eq. 10 for V;
    for another welfare function W, :math:`-\sum_i \frac{\partial W}{\partial u_i} u_i` of the same utilities u.

ψ starts at zero: at first everybody is served by all. ``settle`` (a departure) gives each agent to the policy
that is best for it in greedy form.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int, PRNGKeyArray

from policybudget.assignment.em import best_served
from policybudget.assignment.rule import AssignmentRule, AssignmentState, Known
from policybudget.errors import PolicyBudgetError
from policybudget.learning.ppo import AssignmentLoss, Rows, surrogate
from policybudget.objective import Objective
from policybudget.population import Rewards
from policybudget.settings import option

SIGNALS = ("returns", "literal")


@dataclass(frozen=True)
class EndToEnd(AssignmentRule):
    """Assignment by gradient."""

    name: ClassVar[str] = "end-to-end"
    signal: str = option("returns", "what teaches the assignment: returns, or literal (eq. 12)")
    assignment_rate: float = option(0.005, "Adam step size of the logits")
    mixing: float = option(0.05, "lambda of eq. 10, the weight of a finished episode in the Q-table")
    last_e_step: bool = option(True, "reassign once more at the end, by the greedy policies' returns")

    def __post_init__(self) -> None:
        if self.signal not in SIGNALS:
            raise PolicyBudgetError(f"signal must be one of {', '.join(SIGNALS)}, got {self.signal}")
        if not 0 < self.mixing <= 1:
            raise PolicyBudgetError(f"mixing must be above 0 and at most 1, got {self.mixing}")
        if self.assignment_rate < 0:
            raise PolicyBudgetError(f"assignment_rate must be 0 or more, got {self.assignment_rate}")

    @property
    def learns_from_features(self) -> bool:  # type: ignore[override]
        """The literal loss needs advantages per feature."""
        return self.signal == "literal"

    def start(self, known: Known, key: PRNGKeyArray) -> Float[Array, "k n"]:
        """Even: softmax of zeros."""
        return jnp.full((known.budget, known.agents), 1.0 / known.budget)

    def logits(self, choices: int, agents: int, key: PRNGKeyArray) -> Float[Array, "c n"]:
        """Zeros."""
        return jnp.zeros((choices, agents))

    def loss(self, rewards: Rewards, objective: Objective, state: AssignmentState, clip: float) -> AssignmentLoss:
        """The loss of ψ."""
        budget, offers = state.assignment.shape[0], objective.offers(state.returns(rewards))

        def from_returns(logits: Array, rows: Rows, ratio: Array) -> Array:
            worth = jnp.where(jnp.isfinite(offers), offers, 0.0)  # who has no option has no share in it either
            utilities = jnp.sum(shares(logits, offers) * worth, axis=0)
            return -jnp.sum(jax.lax.stop_gradient(objective.worth(utilities)) * utilities)

        def literal(logits: Array, rows: Rows, ratio: Array) -> Array:
            assert rows.features is not None
            mixture = rewards.mixture(shares(logits, offers)[:budget])
            advantage = jnp.einsum("kbm,km->kb", rows.features, mixture)
            return -jnp.mean(jnp.sum(rows.weight * surrogate(ratio, advantage, clip), axis=0))

        return literal if self.signal == "literal" else from_returns

    def update(
        self,
        rewards: Rewards,
        objective: Objective,
        state: AssignmentState,
        logits: Float[Array, "c n"] | None,
        iteration: Int[Array, ""],
        key: PRNGKeyArray,
    ) -> Float[Array, "k n"]:
        """Softmax of the logits."""
        assert logits is not None
        return shares(logits, objective.offers(state.returns(rewards)))[: state.assignment.shape[0]]

    def settle(
        self, objective: Objective, assignment: Float[Array, "k n"], returns: Float[Array, "k n"]
    ) -> Float[Array, "k n"]:
        """One last E-step."""
        return best_served(objective, returns) if self.last_e_step else assignment


def shares(logits: Float[Array, "c n"], offers: Float[Array, "c n"]) -> Float[Array, "c n"]:
    """Softmax over what each agent has to choose from: an option at -inf is none."""
    return jax.nn.softmax(jnp.where(offers > -jnp.inf, logits, -jnp.inf), axis=0)
