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

A policy that stands well is taught to hop on the way, and is not there at the end. So policies are kept as they go by
(:mod:`policybudget.search.passed`)::

    at ten times of every phase:  keep its policies
    at the end:                   V[c, i] by a few greedy episodes of all that were kept;  choose the best k

The trained policies stay if the chosen ones are worth less in further episodes. The episodes are paid for by shorter
phases, and policies are kept less often where that would take more than a twentieth of all transitions.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, ClassVar

import jax.numpy as jnp
import numpy as np
from jaxtyping import Float, Int, PRNGKeyArray

from policybudget.assignment.rule import one_hot
from policybudget.errors import PolicyBudgetError
from policybudget.learning.settings import PPO
from policybudget.objective import Objective
from policybudget.policies.normaliser import Normaliser
from policybudget.policies.stacked import Policies
from policybudget.problem import RepresentedMDP
from policybudget.search import passed
from policybudget.search.passed import Passed
from policybudget.search.phases import Phase, Plan, in_words
from policybudget.search.search import Change, Proposal, Standing
from policybudget.search.splitting import HOLD, Splitting, best_served_of, shortfall
from policybudget.settings import option

MOST = 0.05
"""Share of all transitions that the episodes by which kept policies are chosen take at most."""


@dataclass(frozen=True)
class Growing(Splitting):
    """One policy at first, then policies that split until there are k."""

    name: ClassVar[str] = "growing"
    whole: float = option(0.5, "share of the transitions that all k policies are trained for")
    keep_times: int = option(
        10, "times in each phase that its policies are kept, to choose the best k of all at the end; 0 for none"
    )

    def __post_init__(self) -> None:
        if not 0 < self.whole <= 1:
            raise PolicyBudgetError(f"whole must be above 0 and at most 1, got {self.whole}")
        if self.keep_times < 0:
            raise PolicyBudgetError(f"keep_times must be at least 0, got {self.keep_times}")
        super().__post_init__()

    def phases(self, plan: Plan) -> tuple[Phase, ...]:
        """One for each number of policies.

        Args:
            plan: what is to be trained.
        """
        sizes = _sizes(plan.budget)
        before = len(sizes) - 1
        parts = [(1 - self.whole) / before] * before + [self.whole] if before else [1.0]
        left, keep = plan._replace(transitions=plan.left(self.spends_after(plan))), self.times(plan)
        return tuple(
            Phase(in_words(size), plan.rule, plan.learner, size, left.share(part, size), keep=keep)
            for size, part in zip(sizes, parts, strict=True)
        )

    def times(self, plan: Plan) -> int:
        """Times in each phase that its policies are kept; none where every agent needs episodes of its own.

        Args:
            plan: what is to be trained.
        """
        most = int(MOST * plan.budget * plan.transitions / _cost(plan))
        return 0 if plan.own else min(self.keep_times, most)

    def spends_after(self, plan: Plan) -> int:
        """Transitions of the episodes by which the best of the kept policies are chosen, at most.

        Args:
            plan: what is to be trained.
        """
        return self.times(plan) * _cost(plan)

    def in_pool(self) -> Growing:
        """Without policies that are kept."""
        return replace(self, keep_times=0)

    def memory(self, problem: RepresentedMDP) -> Passed:
        """No policy is kept yet.

        Args:
            problem: the r-MDP.
        """
        return passed.none()

    def keep(self, memory: Passed, policies: Policies) -> Passed:
        """With these policies.

        Args:
            memory: those that were kept before.
            policies: of the phase.
        """
        return passed.more(memory, policies)

    def proposals(
        self, problem: RepresentedMDP, learner: PPO, normaliser: Normaliser, memory: Passed, key: PRNGKeyArray
    ) -> Sequence[Proposal]:
        """The best k of all policies that were kept, if they are worth more than those of the end.

        Args:
            problem: the r-MDP.
            learner: with the size of the networks.
            normaliser: not used: policies are kept with their own.
            memory: the policies that were kept.
            key: of the episodes.
        """
        return passed.best(problem, learner, memory, key)

    def begin(self, phase: Phase, before: Standing | None, memory: Any, key: PRNGKeyArray) -> tuple[Change | None, Any]:
        """The policies of the phase before, of which some are two now.

        Args:
            phase: that begins.
            before: where the phase before it ended.
            memory: stays as it is.
            key: not used.
        """
        if before is None:
            return None, memory
        returns = np.asarray(before.returns.neutral, np.float64)
        source, labels = grow(before.objective, returns, before.labels, phase.budget)
        return Change(source, one_hot(jnp.asarray(labels), phase.budget), HOLD), memory


def _sizes(budget: int) -> list[int]:
    """Policies of each phase."""
    return [*(2**power for power in range((budget - 1).bit_length())), budget]


def _cost(plan: Plan) -> int:
    """Transitions, at most, of the episodes of what is kept at one time of each phase."""
    return sum(_sizes(plan.budget)) * passed.EPISODES * plan.episode


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
