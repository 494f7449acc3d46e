"""What a budget is spent for: a welfare function of what agents get, how many people each stands for, and what they
have without any policy (Ivanov & Ben-Porat 2024, Section 6: fairness, and outside options).
"""

from __future__ import annotations

from typing import Any

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from policybudget.welfare import Utilitarian, Welfare, utilities

TINY = 1e-30
"""Keeps a division by the size of a group finite where nobody is in it."""


class Objective(eqx.Module):
    """Social welfare of an assignment, and what it asks of learners and of assignment rules.

    Attributes:
        welfare: the function.
        agent_weights: (n) agent weights, positive; None: one each.
        outside: (n) guaranteed values, -inf where there is none; None: nobody has one.
        scale: the return of a perfectly served agent, if it is known.
    """

    welfare: Welfare = eqx.field(static=True, default_factory=Utilitarian)
    agent_weights: Float[Array, " n"] | None = None
    outside: Float[Array, " n"] | None = None
    scale: float | None = eqx.field(static=True, default=None)

    def utilities(self, assignment: Float[Array, "k n"], returns: Float[Array, "k n"]) -> Float[Array, " n"]:
        """What each agent gets: from its policies, and for the rest of its column of α from its option."""
        return utilities(assignment, returns, self.outside)

    def value(self, assignment: Float[Array, "k n"], returns: Float[Array, "k n"]) -> Float[Array, ""]:
        """The welfare that is reported."""
        return self.welfare(self.utilities(assignment, returns), self.agent_weights)

    def worth(self, utilities: Float[Array, " n"]) -> Float[Array, " n"]:
        r""":math:`\partial W/\partial u_i`, what a unit of each agent's return is worth."""
        return self.welfare.gradient(utilities, self.agent_weights, self.scale)

    def pull(self, assignment: Float[Array, "k n"], returns: Float[Array, "k n"]) -> Float[Array, "k n"]:
        r"""Who pulls a policy how much: :math:`\alpha^i(j)\,\partial W/\partial u_i`, the M-step's weights.

        Scaled so that the agents of a policy pull as much together as they are many; α itself where all
        people count alike.
        """
        if self.agent_weights is None and isinstance(self.welfare, Utilitarian):
            return assignment
        pulls = assignment * self.worth(self.utilities(assignment, returns))
        most = pulls.max(axis=1, keepdims=True)
        pulls = pulls / jnp.where(most > 0, most, 1.0)  # agents of one group differ less than those of all
        together = jnp.maximum(pulls.sum(axis=1), TINY)
        return pulls * (assignment.sum(axis=1) / together)[:, None]

    def offers(self, returns: Float[Array, "k n"]) -> Float[Array, "c n"]:
        """What agents may choose from: the k policies, and as row k the option outside, if anybody has one."""
        return returns if self.outside is None else jnp.concatenate([returns, self.outside[None]])

    def eased(self, progress: Float[Array, ""]) -> Objective:
        """As it counts while policies learn: options are lowered, by the scale at first, by nothing from half-way on.

        Nobody could be won who leaves before the policies are any good.
        """
        if self.outside is None:
            return self
        scale = jnp.max(jnp.abs(jnp.where(jnp.isfinite(self.outside), self.outside, 0.0)))
        amount = jnp.maximum(0.0, 1.0 - 2.0 * progress) * (scale if self.scale is None else self.scale)
        lowered: Objective = eqx.tree_at(lambda o: o.outside, self, self.outside - amount)
        return lowered

    def protect(self, assignment: Float[Array, "k n"], returns: Float[Array, "k n"]) -> Float[Array, "k n"]:
        """α without those who have more outside: their column becomes zero, "none of the k"."""
        if self.outside is None:
            return assignment
        served = assignment.sum(axis=0)
        gets = jnp.sum(assignment * returns, axis=0) / jnp.maximum(served, TINY)
        return assignment * (gets >= self.outside)

    def summary(self, assignment: Any, returns: Any) -> dict[str, Any]:
        """For reports, as JSON takes it: the function, its value, mean and worst utility, and who is left outside.

        ``unserved``: agents whom none of the k serves. ``below_outside``: agents who get less than their option.
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
