r"""A pool: more policies than the budget, of which the best k are chosen and refined, for one budget or for many.

::

    train P > K policies, as another search does                        (K the largest of the budgets)
    for k in budgets, largest first:
        keep the k of the policies whose table of returns is worth most, exactly
        refine them: the rule goes on from there

What is chosen for k - 1 comes from what was refined for k: neighbours in a budget curve differ by one policy, so that
each begins close to where it ends. (Where an archive keeps what was good, policies begin anew, as its restarts do.) One
training serves the whole curve. The policies of every phase are kept in the run folder
(:mod:`policybudget.training.listeners.kept`); a curve chooses among all of them.

All phases together take K times the transitions per policy, as training K policies at once would. Each budget gets as
many for its refinement as any other: the fewer the policies, the longer the way of each.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, ClassVar

import jax.numpy as jnp
import numpy as np
from jaxtyping import PRNGKeyArray

from policybudget.assignment.em import best_served
from policybudget.assignment.rule import AssignmentRule
from policybudget.errors import PolicyBudgetError, check_choice
from policybudget.learning.settings import PPO
from policybudget.policies.normaliser import Normaliser
from policybudget.policies.stacked import Actor
from policybudget.problem import RepresentedMDP
from policybudget.search.archive import Archive
from policybudget.search.constants import Constants
from policybudget.search.episodes import Seen
from policybudget.search.growing import Growing
from policybudget.search.phases import Phase, Plan
from policybudget.search.plain import Plain
from policybudget.search.representatives import Representatives
from policybudget.search.search import Change, Proposal, Search, Standing, check_greedy
from policybudget.search.splitting import Splitting
from policybudget.selection.choice import choose
from policybudget.settings import budgets, check_options, option

WITHIN: Mapping[str, Search] = {
    search.name: search
    for search in (Plain(), Splitting(), Growing(), Representatives(alone=1.0), Archive(), Constants())
}
"""Searches that may train a pool, with their options there."""
LARGER = 1.5
"""Policies of a pool for each of the largest budget."""


@dataclass(frozen=True)
class Pool(Search):
    """More policies than the budget, and the best of them refined."""

    name: ClassVar[str] = "pool"
    within: str = option("splitting", f"the search that trains the pool: {', '.join(WITHIN)}")
    pool_size: int | None = option(
        None, "policies of the pool, 1.5 times the largest budget if not given", most=100_000
    )
    pool_budgets: str = option("", "refine for all of these, such as 1-10, down to --budget; it alone if not given")
    refine: float = option(0.5, "share of the transitions that refine the chosen policies")

    def __post_init__(self) -> None:
        check_choice("within", self.within, WITHIN)
        if self.pool_size is not None and self.pool_size < 2:
            raise PolicyBudgetError(f"pool-size must be at least 2, got {self.pool_size}")
        if not 0 < self.refine < 1:
            raise PolicyBudgetError(f"refine must be between 0 and 1, got {self.refine}")
        check_options(self)
        if self.pool_budgets and budgets(self.pool_budgets)[0] < 1:
            raise PolicyBudgetError(f"pool-budgets must be at least 1, got {self.pool_budgets}")

    @property
    def inner(self) -> Search:
        """The search that trains the pool."""
        return WITHIN[self.within].in_pool()

    @property
    def title(self) -> str:
        """With the search that trains the pool."""
        return f"{self.name} of {self.inner.title}"

    def sizes(self, budget: int, agents: int) -> tuple[int, ...]:
        """Policies of each phase: those of the pool, then the budgets, largest first.

        Args:
            budget: k of the training, the smallest.
            agents: n; a pool has no more policies.
        """
        several = budgets(self.pool_budgets) if self.pool_budgets else (budget,)
        pool = min(agents, math.ceil(LARGER * several[-1]) if self.pool_size is None else self.pool_size)
        return pool, *reversed(several)

    def check(self, problem: RepresentedMDP, rule: AssignmentRule) -> None:
        """Refuse budgets that do not go together, and what the inner search or choosing does not work with.

        Args:
            problem: the r-MDP.
            rule: who is with whom.

        Raises:
            PolicyBudgetError: the budgets do not end with that of the training, the pool is smaller than one of them,
                or the search does not fit the world or the rule.
        """
        agents, budget = problem.population.size, problem.budget
        pool, largest, *_ = sizes = self.sizes(budget, agents)
        if sizes[-1] != budget:
            raise PolicyBudgetError(
                f"pool-budgets go down to the budget of the training ({budget}), got {self.pool_budgets}"
            )
        if largest > pool:
            raise PolicyBudgetError(
                f"a pool needs at least as many policies as the largest budget ({largest}) and at most one per agent "
                f"({agents}), got {pool}"
            )
        check_greedy(self.name, "chooses policies by their returns", rule)
        self.inner.check(replace(problem, budget=pool), rule)

    def _of_pool(self, plan: Plan) -> Plan:
        """What the inner search trains, with its share of all transitions."""
        pool, largest, *_ = self.sizes(plan.budget, plan.agents)
        return plan._replace(budget=pool, transitions=int((1 - self.refine) * largest * plan.transitions / pool))

    def phases(self, plan: Plan) -> tuple[Phase, ...]:
        """Those of the inner search, then one for each budget.

        Args:
            plan: what is to be trained.
        """
        _, *several = self.sizes(plan.budget, plan.agents)
        each = self.refine * several[0] * plan.transitions / len(several)
        found = list(self.inner.phases(self._of_pool(plan)))
        for k in several:
            there = plan._replace(budget=k, transitions=int(each / k))
            whole = Phase("", plan.rule, plan.learner, k, there.transitions)
            parts = self.inner.phases(there) if self.keeps_episodes else (whole,)
            found += [replace(part, name=f"best {k} {part.name}".strip(), chosen=True) for part in parts]
        return tuple(found)

    def spends(self, plan: Plan) -> int:
        """As the inner search does.

        Args:
            plan: what is to be trained.
        """
        return self.inner.spends(self._of_pool(plan))

    def first_policies(self, problem: RepresentedMDP, plan: Plan, actor: Actor, key: PRNGKeyArray) -> Proposal | None:
        """Those of the inner search.

        Args:
            problem: the r-MDP.
            plan: what is to be trained.
            actor: as the first phase would begin.
            key: of whatever is drawn.
        """
        inner = self._of_pool(plan)
        return self.inner.first_policies(replace(problem, budget=inner.budget), inner, actor, key)

    @property
    def keeps_episodes(self) -> bool:
        """As the inner search does."""
        return self.inner.keeps_episodes

    @property
    def writes_policies(self) -> bool:
        """Those of every phase."""
        return True

    def memory(self, problem: RepresentedMDP) -> Any:
        """That of the inner search.

        Args:
            problem: the r-MDP.
        """
        return self.inner.memory(problem)

    def begin(self, phase: Phase, before: Standing | None, memory: Any, key: PRNGKeyArray) -> tuple[Change | None, Any]:
        """The best k of the policies of the phase before, or what the inner search takes over.

        Where episodes are kept, policies begin anew: what was good is in the archive, from which the best are chosen.

        Args:
            phase: that begins.
            before: where the phase before it ended.
            memory: of the inner search.
            key: of ties.
        """
        if not phase.chosen or before is None or self.keeps_episodes:
            return self.inner.begin(phase, before, memory, key)
        returns = np.asarray(before.returns.neutral, np.float64)
        source = choose(before.objective, returns, phase.budget)
        return Change(source, best_served(before.objective, jnp.asarray(returns[source]))), memory

    def remember(self, memory: Any, seen: Seen) -> Any:
        """As the inner search does.

        Args:
            memory: as it was.
            seen: what the batch showed.
        """
        return self.inner.remember(memory, seen)

    def change(self, standing: Standing) -> Change | None:
        """As the inner search does.

        Args:
            standing: where the phase stands.
        """
        return self.inner.change(standing)

    def worth(self, problem: RepresentedMDP, memory: Any) -> float:
        """As the inner search does.

        Args:
            problem: the r-MDP.
            memory: what is remembered.
        """
        return self.inner.worth(problem, memory)

    def proposals(
        self, problem: RepresentedMDP, learner: PPO, normaliser: Normaliser, memory: Any, key: PRNGKeyArray
    ) -> Sequence[Proposal]:
        """Those of the inner search.

        Args:
            problem: the r-MDP; a curve asks for every budget.
            learner: settings of the last phase.
            normaliser: of observations, as trained.
            memory: what is remembered.
            key: of first weights.
        """
        return self.inner.proposals(problem, learner, normaliser, memory, key)
