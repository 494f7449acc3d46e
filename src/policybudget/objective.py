"""What a budget is spent for: a welfare function, agent weights and outside options.

Ivanov & Ben-Porat 2024, Section 6, name fairness and outside options as extensions of their utilitarian objective.
"""

from __future__ import annotations

from typing import Any

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from policybudget.welfare import Utilitarian, Welfare, utilities

TINY = 1e-30
"""Keeps a division by the size of a group finite where the group is empty."""


class Objective(eqx.Module):
    """The social welfare of an assignment, and what follows from it for the M-step and for assignment rules.

    Args:
        welfare: the welfare function.
        agent_weights: (n) how many people each agent stands for, positive; None for one each.
        outside: (n) outside options: what each agent has without any policy, in units of return; -inf where there is
            no such option; None if no agent has one.
        scale: the return of a perfectly served agent; None if it is not known.
    """

    welfare: Welfare = eqx.field(static=True, default_factory=Utilitarian)
    agent_weights: Float[Array, " n"] | None = None
    outside: Float[Array, " n"] | None = None
    scale: float | None = eqx.field(static=True, default=None)

    def utilities(self, assignment: Float[Array, "k n"], returns: Float[Array, "k n"]) -> Float[Array, " n"]:
        """The utility of each agent: from its policies and, for the rest of its column of α, from its outside option.

        Args:
            assignment: (k, n) α; column i is a distribution over policies. What it lacks of a sum of 1 is left to the
                outside option.
            returns: (k, n) V, the return of policy j to agent i.

        Returns:
            (n) utilities, in units of return.
        """
        return utilities(assignment, returns, self.outside)

    def value(self, assignment: Float[Array, "k n"], returns: Float[Array, "k n"]) -> Float[Array, ""]:
        """The welfare that is reported.

        Args:
            assignment: (k, n) α.
            returns: (k, n) V, the return of policy j to agent i.

        Returns:
            The welfare, in units of return.
        """
        return self.welfare(self.utilities(assignment, returns), self.agent_weights)

    def per_policy(self, assignment: Float[Array, "k n"], returns: Float[Array, "k n"]) -> Float[Array, " k"]:
        """The mean return of each policy to its agents, as many times as the people that they stand for.

        Args:
            assignment: (k, n) α.
            returns: (k, n) V, the return of policy j to agent i.

        Returns:
            (k) means, in units of return; 0 for a policy without agents.
        """
        people = assignment if self.agent_weights is None else assignment * self.agent_weights
        return jnp.sum(people * returns, axis=1) / jnp.maximum(people.sum(axis=1), TINY)

    def worth(self, utilities: Float[Array, " n"]) -> Float[Array, " n"]:
        r"""What a unit of each agent's return is worth: :math:`\partial W/\partial u_i`.

        Args:
            utilities: (n) in units of return.

        Returns:
            (n) partial derivatives of the smooth welfare, a pure number each, positive and finite.
        """
        return self.welfare.gradient(utilities, self.agent_weights, self.scale)

    def pull(self, assignment: Float[Array, "k n"], returns: Float[Array, "k n"]) -> Float[Array, "k n"]:
        r"""The agents' weights in each policy's M-step, proportional to :math:`\alpha^i(j)\,\partial W/\partial u_i`.

        Each row is scaled to the sum of its row of α. The weights are α itself where the welfare is utilitarian and
        agents have no weights.

        Args:
            assignment: (k, n) α.
            returns: (k, n) V, the return of policy j to agent i.

        Returns:
            (k, n) weights, 0 or more.
        """
        if self.agent_weights is None and isinstance(self.welfare, Utilitarian):
            return assignment
        pulls = assignment * self.worth(self.utilities(assignment, returns))
        most = pulls.max(axis=1, keepdims=True)
        pulls = pulls / jnp.where(most > 0, most, 1.0)  # within a group, weights differ less than over all agents
        together = jnp.maximum(pulls.sum(axis=1), TINY)
        return pulls * (assignment.sum(axis=1) / together)[:, None]

    def offers(self, returns: Float[Array, "k n"]) -> Float[Array, "c n"]:
        """What agents may choose from: the k policies and, as row k, the outside option.

        Args:
            returns: (k, n) V, the return of policy j to agent i.

        Returns:
            (k + 1, n) returns with the outside options as the last row, or (k, n) if no agent has an option.
        """
        return returns if self.outside is None else jnp.concatenate([returns, self.outside[None]])

    def eased(self, progress: Float[Array, ""]) -> Objective:
        """The objective during training: outside options are lowered at first, so that agents stay with the policies.

        Policies are worth little before they have learned. An agent that leaves them at that point has no influence on
        what they learn. Options are lowered by the scale at the start of training, by less and less in the
        first half, and not at all in the second half.

        Args:
            progress: the share of the training that is done, from 0 to 1.

        Returns:
            The same objective with lowered options. If the scale is not known, the largest absolute option takes its
            place.
        """
        if self.outside is None:
            return self
        scale = jnp.max(jnp.abs(jnp.where(jnp.isfinite(self.outside), self.outside, 0.0)))
        amount = jnp.maximum(0.0, 1.0 - 2.0 * progress) * (scale if self.scale is None else self.scale)
        lowered: Objective = eqx.tree_at(lambda o: o.outside, self, self.outside - amount)
        return lowered

    def protect(self, assignment: Float[Array, "k n"], returns: Float[Array, "k n"]) -> Float[Array, "k n"]:
        """α without the agents whose outside option is worth more than their policies.

        Args:
            assignment: (k, n) α.
            returns: (k, n) V, the return of policy j to agent i.

        Returns:
            (k, n) α in which the columns of these agents are zero: "none of the k".
        """
        if self.outside is None:
            return assignment
        served = assignment.sum(axis=0)
        gets = jnp.sum(assignment * returns, axis=0) / jnp.maximum(served, TINY)
        return assignment * (gets >= self.outside)

    def summary(self, assignment: Any, returns: Any) -> dict[str, Any]:
        """The welfare and what explains it, as values that JSON takes.

        Args:
            assignment: (k, n) α.
            returns: (k, n) V, the return of policy j to agent i.

        Returns:
            A dictionary: ``function``, the name of the welfare function; ``welfare``, its value; ``mean``, the mean
            utility by agent weights, and ``worst``, the least utility, all three in units of return; ``unserved``, the
            number of agents that none of the k policies serves; ``below_outside``, the number of agents with a utility
            below their option.
        """
        alpha, values = jnp.asarray(assignment), jnp.asarray(returns)
        gets = self.utilities(alpha, values)
        below = 0 if self.outside is None else int(jnp.sum(gets < self.outside))
        return {
            "function": str(self.welfare),
            "welfare": float(self.value(alpha, values)),
            "mean": float(np.average(np.asarray(gets), weights=self.agent_weights)),
            "worst": float(gets.min()),
            "unserved": int(jnp.sum(alpha.sum(axis=0) == 0)),
            "below_outside": below,
        }
