r"""Splitting: a policy of little use becomes a copy of one that has more agents than it can serve well.

EM moves agents, never policies: a policy that was left behind early, whose few agents others serve as well, stays so,
while another is given most of the agents and passes by behaviours that would have suited many. So now and then the
policy that would be missed least,

.. math:: c_j = W(\max_l V^{l}) - W(\max_{l \neq j} V^{l}),

W the welfare of utilities with the agents' weights and options outside, becomes a copy of the one whose agents are
worst off, if c_j is less than a share of what policies are worth on average. The agents whom the copied policy serves
well go with the copy, which learns to serve them better; the original keeps the rest and goes on searching. α is held
for a while, until the two have grown apart.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import jax.numpy as jnp
import numpy as np
from jaxtyping import Float, Int

from policybudget.assignment.rule import AssignmentRule, one_hot
from policybudget.errors import PolicyBudgetError
from policybudget.objective import Objective
from policybudget.problem import RepresentedMDP
from policybudget.search.phases import Phase, Plan
from policybudget.search.search import Change, Search, Standing, check_greedy
from policybudget.settings import check_options, option

IDLE = 0.25
"""Share of the average worth of a policy, below which one is idle."""
AT_ONCE = 2
"""Splits after one iteration, at most."""
HOLD = 12
"""Iterations for which α is held."""
UNTIL = 0.8
"""Share of a phase after which there is no time left for a new group to learn."""
SERVED = 0.1
"""Share of the way from the worst to the best served of a group, from which an agent counts as served."""


@dataclass(frozen=True)
class Splitting(Search):
    """The rule, with policies that split."""

    name: ClassVar[str] = "splitting"
    split_every: int = option(20, "iterations between two looks for idle policies")

    def __post_init__(self) -> None:
        if self.split_every < 1:
            raise PolicyBudgetError(f"split_every must be at least 1, got {self.split_every}")
        check_options(self)

    def check(self, problem: RepresentedMDP, rule: AssignmentRule) -> None:
        """Refuse rules that do not move agents greedily.

        Args:
            problem: not looked at.
            rule: who is with whom.

        Raises:
            PolicyBudgetError: the rule keeps its groups, or learns α by gradient.
        """
        check_greedy(self.name, "moves agents between policies", rule)

    def phases(self, plan: Plan) -> tuple[Phase, ...]:
        """One.

        Args:
            plan: what is to be trained.
        """
        rule = plan.rule
        return (Phase(rule.name, rule, plan.learner, plan.budget, plan.transitions, rule.hold()),)

    def change(self, standing: Standing) -> Change | None:
        """At most two splits; none while α is held, towards the end, or while something is unknown of V.

        Args:
            standing: where the phase stands.
        """
        late = standing.iteration >= UNTIL * standing.iterations
        if standing.iteration % self.split_every or late or standing.held:
            return None
        returns = standing.returns
        if not np.all(returns.known):
            return None
        source, labels = plan_splits(standing.objective, np.asarray(returns.value, np.float64), standing.labels)
        if (source == np.arange(len(source))).all():
            return None
        return Change(source, one_hot(jnp.asarray(labels), len(source)), HOLD)


def plan_splits(
    objective: Objective, returns: Float[np.ndarray, "k n"], labels: Int[np.ndarray, " n"]
) -> tuple[Int[np.ndarray, " k"], Int[np.ndarray, " n"]]:
    """Whom each policy is a copy of, itself mostly, and with whom agents are then.

    Args:
        objective: what the budget is spent for: welfare, agent weights, options outside.
        returns: V, all known.
        labels: with whom agents are; k for none.

    Returns:
        The source of each policy, and each agent's policy.
    """
    budget, agents = returns.shape
    source, labels, left = np.arange(budget), labels.copy(), list(range(budget))
    lacks = shortfall(objective, returns)
    for _ in range(AT_ONCE):
        if len(left) < 2:
            break
        rows = returns[left]
        missed = [
            worth_of_best(objective, rows) - worth_of_best(objective, np.delete(rows, p, 0)) for p in range(len(left))
        ]
        worst = np.broadcast_to(returns.min(axis=0), (1, agents))
        worth = (worth_of_best(objective, rows) - worth_of_best(objective, worst)) / budget
        if min(missed) >= IDLE * worth:
            break
        idle = left.pop(int(np.argmin(missed)))
        moved = labels == idle
        labels[moved] = np.array(left)[returns[left][:, moved].argmax(axis=0)]
        original = left.pop(int(np.argmax([lacks[j][labels == j].sum() for j in left])))
        group = best_served_of(returns[original], np.flatnonzero(labels == original))
        if not len(group):
            break
        source[idle], labels[group] = original, idle
    return source, labels


def shortfall(objective: Objective, returns: Float[np.ndarray, "c n"]) -> Float[np.ndarray, "c n"]:
    """How much each agent would lack with each policy, of the best that any agent gets from any.

    Args:
        objective: what the budget is spent for; agents count for what a gain of theirs is worth to it.
        returns: V.
    """
    matters = np.asarray(objective.worth(jnp.asarray(_best(objective, returns))), np.float64)
    lacks: Float[np.ndarray, "c n"] = matters * (returns.max() - returns)
    return lacks


def _best(objective: Objective, returns: Float[np.ndarray, "c n"]) -> Float[np.ndarray, " n"]:
    """What agents get where each is with the best, which may be outside."""
    return np.asarray(objective.offers(jnp.asarray(returns)).max(axis=0))


def worth_of_best(objective: Objective, returns: Float[np.ndarray, "c n"]) -> float:
    """The welfare where every agent is with its best policy, or has what it has outside.

    Args:
        objective: what the budget is spent for.
        returns: V.
    """
    return float(objective.welfare(jnp.asarray(_best(objective, returns)), objective.agent_weights))


def best_served_of(returns: Float[np.ndarray, " n"], group: Int[np.ndarray, " g"]) -> Int[np.ndarray, " s"]:
    """The better served half of a group of two or more, without agents whom the policy hardly serves.

    Args:
        returns: of the policy to all agents.
        group: who is with it.
    """
    if len(group) < 2:
        return group[:0]
    ranked = group[np.argsort(-returns[group], kind="stable")]
    best, worst = returns[ranked[0]], returns[ranked[-1]]
    served = int((returns[ranked] > worst + SERVED * (best - worst)).sum())
    return ranked[: max(1, min(len(ranked) // 2, served))]
