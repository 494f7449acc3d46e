r"""Representatives: every policy learns for one agent first, and becomes a copy of whichever does better for it.

EM asks policies for groups before any of them can move. Where agents have targets, which k of them would be worth most
to all, if they were met exactly, needs no training: their rewards tell it (k-median; selection/)::

    M[i, j] = H r_j(target of i)
    representatives <- the k rows of M that are worth most together             (without targets: k agents at random)
    train policy j for representative j alone, from rewards that are wide at first                  (--widen)
        now and then: where another policy pays representative j more, j becomes a copy of it
    then by the rule: every agent goes with the policy that pays most

A representative knows one place, and wide rewards lead there from everywhere: a policy for all is paid for staying in
the middle, a group pays its own middle. What one policy has learned, a gait, the others take over, as in
population-based training (Jaderberg et al. 2017); who is copied goes on. Ge et al. 2025 cover agents' parameters and
train for groups of them; Kariv & Hakimi 1979 for the k-median.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import ClassVar

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Float, Int, PRNGKeyArray

from policybudget.assignment.rule import AssignmentRule
from policybudget.errors import PolicyBudgetError
from policybudget.objective import Objective
from policybudget.policies.stacked import Actor
from policybudget.population import Rewards
from policybudget.problem import RepresentedMDP
from policybudget.search.phases import Phase, Plan
from policybudget.search.search import Change, Proposal, Search, Standing, check_greedy
from policybudget.selection.choice import choose
from policybudget.settings import check_options, option

BETTER = 1.1
"""How many times as much another policy must pay a representative."""
CANDIDATES = 1024
"""Agents among whom representatives are chosen, at most: evenly over the order of targets."""


@dataclass(frozen=True)
class Representatives(Search):
    """The rule, after every policy has learned for one agent."""

    name: ClassVar[str] = "representatives"
    alone: float = option(0.8, "share of the transitions that policies learn for one agent each")
    copy_every: int = option(20, "iterations between two looks for policies that do better")

    def __post_init__(self) -> None:
        if not 0 < self.alone <= 1:
            raise PolicyBudgetError(f"alone must be above 0 and at most 1, got {self.alone}")
        if self.copy_every < 1:
            raise PolicyBudgetError(f"copy_every must be at least 1, got {self.copy_every}")
        check_options(self)

    def check(self, problem: RepresentedMDP, rule: AssignmentRule) -> None:
        """Refuse rules that do not move agents greedily.

        Args:
            problem: not looked at.
            rule: who is with whom.

        Raises:
            PolicyBudgetError: the rule keeps its groups, or learns α by gradient.
        """
        check_greedy(self.name, "begins with groups of its own", rule)

    def phases(self, plan: Plan) -> tuple[Phase, ...]:
        """One, whose first α is held.

        Args:
            plan: what is to be trained.
        """
        phase = Phase(plan.rule.name, plan.rule, plan.learner, plan.budget, plan.transitions)
        return (replace(phase, hold=math.ceil(self.alone * phase.iterations)),)

    def first_policies(self, problem: RepresentedMDP, plan: Plan, actor: Actor, key: PRNGKeyArray) -> Proposal:
        """Fresh policies, each for a representative; nobody else is with any of them.

        Args:
            problem: the r-MDP.
            plan: what is to be trained.
            actor: as the phase would begin.
            key: of the draw, where agents have no targets.
        """
        rewards, budget, agents = problem.population.rewards, problem.budget, problem.population.size
        if rewards.targets is None:
            chosen = np.asarray(jax.random.permutation(key, agents))[:budget]
        else:
            chosen = representatives(problem.objective, rewards, budget, plan.episode)
        return Proposal(actor, jnp.zeros((budget, agents)).at[jnp.arange(budget), chosen].set(1.0))

    def change(self, standing: Standing) -> Change | None:
        """Copies of policies that do better for a representative, while there are any.

        Args:
            standing: where the phase stands.
        """
        if standing.iteration % self.copy_every or not standing.held or not standing.returns.known.all():
            return None
        alone = np.asarray(standing.state.assignment).argmax(axis=1)
        source = who_does_better(np.asarray(standing.returns.value), alone)
        if (source == np.arange(len(source))).all():
            return None
        return Change(source, None, int(standing.state.held) - standing.iteration)


def representatives(objective: Objective, rewards: Rewards, budget: int, episode: int) -> Int[np.ndarray, " k"]:
    """The k agents whose targets would be worth most to all, each agent with the best of them.

    Args:
        objective: what the budget is spent for: welfare, agent weights, options outside.
        rewards: of agents with targets.
        budget: k.
        episode: H, steps of an episode.

    Returns:
        Their indices, ascending.
    """
    assert rewards.targets is not None
    targets = rewards.targets.targets
    order = np.argsort(np.asarray(targets), kind="stable")
    few = np.linspace(0, len(order) - 1, max(budget, min(CANDIDATES, len(order)))).round().astype(int)
    candidates = np.sort(order[few])
    on_target = np.asarray(rewards.targets.at(targets[candidates]), np.float64)
    chosen: Int[np.ndarray, " k"] = candidates[choose(objective, episode * on_target, budget)]
    return chosen


def who_does_better(returns: Float[np.ndarray, "k n"], agents: Int[np.ndarray, " k"]) -> Int[np.ndarray, " k"]:
    """For each policy the one that pays its representative clearly most; itself, if that is it.

    Args:
        returns: V, all known, by the rewards that policies learn from.
        agents: the representative of each policy.
    """
    paid = returns[:, agents]
    own = np.diagonal(paid)
    return np.where(paid.max(axis=0) > BETTER * own, paid.argmax(axis=0), np.arange(len(agents)))
