r"""Growing: one policy for all agents first, then policies that split until there are k.

EM from k fresh policies asks each of them to learn to walk on its own, from the few agents that it was given: a robot
that falls earns nothing from any of them. Vector quantisation has the same trouble with codebooks that begin at random,
and begins with one codeword for all data, which splits in two until there are k (Linde, Buzo & Gray 1980)::

    train 1 policy for all agents
    for k' in 2, 4, 8, ..., k:
        the k' - k'' policies whose agents are worst off become two each    (k'': as many as there were)
        train the k' policies, by the rule

The agents whom a policy serves well go with the copy, which learns to serve them better; the original keeps the rest
and goes on searching (:mod:`policybudget.search.splitting`, whose splits of idle policies go on meanwhile). What one
policy has learned for all, a gait, the others need not learn again.

The last phase, with all k policies, takes a share of all transitions; those before it share the rest evenly.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import jax.numpy as jnp
import numpy as np
from jaxtyping import Float, Int, PRNGKeyArray

from policybudget.assignment.rule import one_hot
from policybudget.errors import PolicyBudgetError
from policybudget.objective import Objective
from policybudget.search.phases import Phase, Plan, in_words
from policybudget.search.search import Change, Standing
from policybudget.search.splitting import HOLD, Splitting, best_served_of, shortfall
from policybudget.settings import option


@dataclass(frozen=True)
class Growing(Splitting):
    """One policy at first, then policies that split until there are k."""

    name: ClassVar[str] = "growing"
    whole: float = option(0.5, "share of the transitions that all k policies are trained for")

    def __post_init__(self) -> None:
        if not 0 < self.whole <= 1:
            raise PolicyBudgetError(f"whole must be above 0 and at most 1, got {self.whole}")
        super().__post_init__()

    def phases(self, plan: Plan) -> tuple[Phase, ...]:
        """One for each number of policies.

        Args:
            plan: what is to be trained.
        """
        sizes = [2**power for power in range((plan.budget - 1).bit_length())]
        share = (1 - self.whole) / max(len(sizes), 1)
        whole = self.whole if sizes else 1.0
        parts = [*((size, share) for size in sizes), (plan.budget, whole)]
        return tuple(
            Phase(in_words(size), plan.rule, plan.learner, size, plan.share(part, size)) for size, part in parts
        )

    def begin(self, phase: Phase, before: Standing | None, memory: Any, key: PRNGKeyArray) -> tuple[Change | None, Any]:
        """The policies of the phase before, of which some are two now.

        Args:
            phase: that begins.
            before: where the phase before it ended.
            memory: none.
            key: not used.
        """
        if before is None:
            return None, memory
        returns = np.asarray(before.returns.neutral, np.float64)
        source, labels = grow(before.objective, returns, before.labels, phase.budget)
        return Change(source, one_hot(jnp.asarray(labels), phase.budget), HOLD), memory


def grow(
    objective: Objective, returns: Float[np.ndarray, "c n"], labels: Int[np.ndarray, " n"], budget: int
) -> tuple[Int[np.ndarray, " k"], Int[np.ndarray, " n"]]:
    """Whom each of k policies is a copy of, and with whom agents are then.

    Args:
        objective: what the budget is spent for: welfare, agent weights, options outside.
        returns: V of the c policies that there are, at most k.
        labels: with whom agents are; c for none.
        budget: k.

    Returns:
        The source of each policy, those that there were first, and each agent's policy; k for none.
    """
    source, left = list(range(len(returns))), list[int]()
    labels = np.where(labels == len(returns), budget, labels)
    short = shortfall(objective, returns)
    while len(source) < budget:
        left = left or list(range(len(source)))  # all split once before any splits twice
        original = left.pop(int(np.argmax([short[source[j]][labels == j].sum() for j in left])))
        labels[best_served_of(returns[source[original]], np.flatnonzero(labels == original))] = len(source)
        source.append(source[original])
    return np.array(source), labels
