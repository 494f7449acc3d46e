r"""Placing: policies learn a little, the best k of the outcomes that they met are chosen, and a policy is sent to each.

EM finds groups that suit the policies it happens to have: a local optimum, as k-means finds with the centres it happens
to begin with. Where rewards are functions of a transition, what *would* be best can be computed from what was met: were
an outcome held for a whole episode, as a speed can be, it would be worth H times what one step of it pays. So::

    train c policies by the rule, for a share of the transitions              (c = k, or 1 where robots fall)
    φ_1, ..., φ_S <- features of transitions that they meet
    choose the k rows of [V; 0.9 M] that are worth most together, M[s, i] = H r_i(φ_s)   (k-median; selection/)
    policies whose own row was chosen stay; the others are sent to the outcomes whose rows were
    every agent goes with the chosen row that pays it most
    a policy that is sent becomes a copy of the one from which its agents have most
    train the k policies by the rule; agents stay for a while; idle policies split (search/splitting.py)
    now and then, choose again: more was met

What was met can be met again, so that no group is sent to a reward that nobody has found; and all policies may be
copies of one, the one that learned to walk. M is an upper bound where an outcome cannot be held. Which k facilities
serve their clients best is the k-median problem (Kariv & Hakimi 1979); Ge et al. 2025 cover the agents' parameters
instead, which say nothing of what a policy can do.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import jax.numpy as jnp
import numpy as np
from jaxtyping import Float, Int, PRNGKeyArray

from policybudget.assignment.em import best_served
from policybudget.assignment.rule import AssignmentRule, labels_of, one_hot
from policybudget.errors import PolicyBudgetError
from policybudget.objective import Objective
from policybudget.problem import RepresentedMDP
from policybudget.search.phases import Phase, Plan, in_words
from policybudget.search.search import Change, Standing
from policybudget.search.splitting import Splitting
from policybudget.selection.choice import choose
from policybudget.settings import option

MET = 2048
"""Transitions among which outcomes are chosen; nothing is learned from them, and they come on top."""
HELD = 0.9
"""Share of what an outcome is worth if it is held that a policy is taken to get there."""


@dataclass(frozen=True)
class Placing(Splitting):
    """Groups around the k outcomes, of those met, that would be worth most if they were held."""

    name: ClassVar[str] = "placing"
    place_after: float = option(0.2, "share of the transitions after which policies are placed, and placed again")
    placings: int = option(3, "how often policies are placed", most=1000)
    place_hold: int = option(100, "updates of the placed policies before agents move again")
    place_from: int | None = option(None, "policies that learn before the placing, k if not given")

    def __post_init__(self) -> None:
        if self.placings < 1:
            raise PolicyBudgetError(f"placings must be at least 1, got {self.placings}")
        if not 0 < self.place_after * self.placings < 1:
            raise PolicyBudgetError(
                f"place_after x placings must be between 0 and 1, got {self.place_after} x {self.placings}"
            )
        if self.place_hold < 0:
            raise PolicyBudgetError(f"place_hold must be 0 or more, got {self.place_hold}")
        if self.place_from is not None and self.place_from < 1:
            raise PolicyBudgetError(f"place_from must be at least 1, got {self.place_from}")
        super().__post_init__()

    def check(self, problem: RepresentedMDP, rule: AssignmentRule) -> None:
        """Refuse rules that do not move agents greedily, and worlds in which one transition is not everybody's.

        Args:
            problem: the r-MDP.
            rule: who is with whom.

        Raises:
            PolicyBudgetError: the rule keeps its groups, or learns α by gradient; agents have dynamics of their own;
                the budget is larger than the choice; or more policies than the budget are to learn first.
        """
        super().check(problem, rule)
        if problem.world.own_dynamics:
            raise PolicyBudgetError(
                f"search placing asks what a transition would pay every agent, whose dynamics differ in "
                f"{problem.world.name}; use --search splitting"
            )
        if problem.budget > MET:
            raise PolicyBudgetError(
                f"search placing chooses among {MET} transitions, got a budget of {problem.budget}; "
                "use --search splitting"
            )
        if self.place_from is not None and self.place_from > problem.budget:
            raise PolicyBudgetError(f"place_from must be at most the budget ({problem.budget}), got {self.place_from}")

    def phases(self, plan: Plan) -> tuple[Phase, ...]:
        """Before the first placing, and after each.

        Args:
            plan: what is to be trained.
        """
        rule, learner, first = plan.rule, plan.learner, self.place_from or plan.budget
        before = Phase(in_words(first), rule, learner, first, plan.share(self.place_after, first), rule.hold())
        again, name = int(self.place_after * plan.transitions), f"{plan.budget} placed"
        between = [Phase(f"{name} ({number})", rule, learner, plan.budget, again) for number in range(1, self.placings)]
        spent = before.total + sum(phase.total for phase in between)
        return before, *between, Phase(f"{name} ({self.placings})", rule, learner, plan.budget, plan.left(spent))

    def sees(self, phase: int) -> int:
        """Transitions among which outcomes are chosen.

        Args:
            phase: its index.
        """
        return MET

    def begin(self, phase: Phase, before: Standing | None, memory: Any, key: PRNGKeyArray) -> tuple[Change | None, Any]:
        """The policies that stay, and copies that are sent.

        Args:
            phase: that begins.
            before: where the phase before it ended.
            memory: none.
            key: not used.
        """
        if before is None or before.seen is None:
            return None, memory
        met = np.asarray(before.rewards.agents(jnp.asarray(before.seen)), np.float64) * before.episode
        returns = np.asarray(before.returns.neutral, np.float64)
        source, labels = place(before.objective, HELD * met, returns, phase.budget)
        hold = self.place_hold if (source != np.arange(phase.budget)).any() else 0
        return Change(source, one_hot(jnp.asarray(labels), phase.budget), hold), memory


def place(
    objective: Objective, met: Float[np.ndarray, "s n"], returns: Float[np.ndarray, "c n"], budget: int
) -> tuple[Int[np.ndarray, " k"], Int[np.ndarray, " n"]]:
    """Whom each of k policies is a copy of, and with whom agents are then.

    Args:
        objective: what the budget is spent for: welfare, agent weights, options outside.
        met: what agents would have of a policy that is sent to one of s outcomes, in units of return; s is at least k.
        returns: V of the c policies that there are, at most k.
        budget: k.

    Returns:
        The source of each policy, itself for those that stay, and each agent's policy; k for none. Agents whom nothing
        that was chosen pays are with the policy from which they have most already.
    """
    chosen = choose(objective, np.concatenate([returns, met]), budget)
    stay = chosen[chosen < len(returns)]
    sent = np.setdiff1d(np.arange(budget), stay)
    offers = np.zeros((budget, met.shape[1]))
    offers[stay], offers[sent] = returns[stay], met[chosen[chosen >= len(returns)] - len(returns)]
    labels = np.asarray(labels_of(best_served(objective, jnp.asarray(offers))))
    paid = (offers < offers.max(axis=0)).any(axis=0) | (budget == 1)  # to the others, all are alike
    source = np.arange(budget)
    source[sent] = [int(returns[:, paid & (labels == j)].sum(axis=1).argmax()) for j in sent]
    return source, np.where(paid | (labels == budget), labels, returns[source].argmax(axis=0))
