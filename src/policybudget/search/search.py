"""What a search is. The rule and the loop do not know which one they work for.

A training is a sequence of phases. A search says what they are, what a phase takes over from the one before, whether
policies become copies of others on the way, and which policies it proposes beside the trained ones at the end.
"""

from __future__ import annotations

import abc
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, NamedTuple

import numpy as np
from jaxtyping import Array, Float, Int, PRNGKeyArray

from policybudget.assignment.returns import Returns
from policybudget.assignment.rule import AssignmentRule, AssignmentState, labels_of
from policybudget.errors import PolicyBudgetError
from policybudget.learning.settings import PPO
from policybudget.objective import Objective
from policybudget.policies.normaliser import Normaliser
from policybudget.policies.stacked import Actor, Policies
from policybudget.population import Rewards
from policybudget.problem import RepresentedMDP
from policybudget.search.episodes import Seen
from policybudget.search.phases import Phase, Plan


def check_greedy(search: str, does: str, rule: AssignmentRule) -> None:
    """Refuse rules that do not move agents greedily.

    Args:
        search: its name.
        does: what it does that the rule would undo.
        rule: who is with whom.

    Raises:
        PolicyBudgetError: the rule keeps its groups, or learns α by gradient.
    """
    if rule.reassigns != "greedily":
        raise PolicyBudgetError(
            f"search {search} {does}, which algorithm {rule.name} reassigns {rule.reassigns}; use --search plain"
        )


class Standing(NamedTuple):
    """Where a phase stands after an iteration.

    Attributes:
        objective: what the budget is spent for.
        rewards: of the n agents.
        state: α and the table of returns.
        iteration: of the phase, from 1.
        iterations: of the phase.
    """

    objective: Objective
    rewards: Rewards
    state: AssignmentState
    iteration: int
    iterations: int

    @property
    def returns(self) -> Returns:
        """V, with what is known of each cell."""
        return self.state.table.estimate(self.rewards)

    @property
    def labels(self) -> Int[np.ndarray, " n"]:
        """Each agent's policy; k for none."""
        return np.asarray(labels_of(self.state.assignment))

    @property
    def held(self) -> bool:
        """Whether α may not change yet."""
        return self.iteration < int(self.state.held)


class Change(NamedTuple):
    """Policies become copies of others.

    Attributes:
        source: whom each policy is a copy of from now on: itself, or one of those that there were before.
        assignment: who is with whom then; None leaves α as it is.
        hold: updates of the policies before the rule changes α again.
    """

    source: Int[np.ndarray, " k"]
    assignment: Float[Array, "k n"] | None
    hold: int = 0


class Proposal(NamedTuple):
    """Policies that compete with the trained ones at the end.

    Attributes:
        actor: k policies.
        assignment: who is with whom.
        normaliser: of their observations; None for that of the trained ones.
    """

    actor: Actor
    assignment: Float[Array, "k n"]
    normaliser: Normaliser | None = None


@dataclass(frozen=True)
class Search(abc.ABC):
    """How the loop is spent. Searches are values: frozen dataclasses without state of their own.

    A search of one's own gives a ``name`` and implements :meth:`phases`; the other methods do nothing by default. What
    it remembers on the way is a pytree of arrays (:meth:`memory`), which checkpoints keep.
    """

    name: ClassVar[str]
    limits: ClassVar[str] = ""
    """Where alone the search works, in words; printed wherever the search is."""

    @property
    def title(self) -> str:
        """The name, and where alone it works."""
        return f"{self.name} ({self.limits})" if self.limits else self.name

    def check(self, problem: RepresentedMDP, rule: AssignmentRule) -> None:  # noqa: B027 - most fit everywhere
        """Refuse what the search cannot work with.

        Args:
            problem: the r-MDP.
            rule: who is with whom.

        Raises:
            PolicyBudgetError: the search does not fit the world or the rule.
        """

    @abc.abstractmethod
    def phases(self, plan: Plan) -> tuple[Phase, ...]:
        """The parts of a training; the last one has the whole budget of policies.

        Args:
            plan: what is to be trained.
        """

    def spends(self, plan: Plan) -> int:
        """Transitions, of all policies, that are used before the first phase; none by default.

        Args:
            plan: what is to be trained.
        """
        return 0

    def spends_after(self, plan: Plan) -> int:
        """Transitions, of all policies, that are used after the last phase; none by default.

        Args:
            plan: what is to be trained.
        """
        return 0

    def in_pool(self) -> Search:
        """As it trains a pool, of which the best are chosen in any case; as it is by default."""
        return self

    def first_policies(self, problem: RepresentedMDP, plan: Plan, actor: Actor, key: PRNGKeyArray) -> Proposal | None:
        """Policies and groups that the first phase begins with; fresh ones and the rule's by default.

        Args:
            problem: the r-MDP.
            plan: what is to be trained.
            actor: as the phase would begin.
            key: of whatever is drawn.
        """
        return None

    @property
    def keeps_episodes(self) -> bool:
        """Whether :meth:`remember` is to be shown every batch, step by step."""
        return False

    @property
    def writes_policies(self) -> bool:
        """Whether the policies of every phase are kept in the run folder."""
        return False

    def memory(self, problem: RepresentedMDP) -> Any:
        """What is remembered before the first phase: a pytree of NumPy arrays.

        Args:
            problem: the r-MDP.
        """
        return ()

    def begin(self, phase: Phase, before: Standing | None, memory: Any, key: PRNGKeyArray) -> tuple[Change | None, Any]:
        """What a phase takes over.

        Args:
            phase: that begins.
            before: where the phase before it ended; None for the first.
            memory: what is remembered.
            key: of ties.

        Returns:
            Whom the policies of the phase are copies of, among those of the phase before (None: they are fresh), and
            the memory.
        """
        return None, memory

    def sees(self, phase: int) -> int:
        """Stochastic transitions of a finished phase that the next phase and its rule may look at; 0 for none.

        Args:
            phase: its index.
        """
        return 0

    def remember(self, memory: Any, seen: Seen) -> Any:
        """The memory after a batch, where the search keeps episodes.

        Args:
            memory: as it was.
            seen: what the batch showed.
        """
        return memory

    def keep(self, memory: Any, policies: Policies) -> Any:
        """The memory with policies as they are now, called as often as the phase says (``Phase.keep``).

        Args:
            memory: as it was.
            policies: of the phase.
        """
        return memory

    def change(self, standing: Standing) -> Change | None:
        """Called after every iteration: whether policies become copies of others.

        Args:
            standing: where the phase stands; what it computes costs time only where it is read.
        """
        return None

    def worth(self, problem: RepresentedMDP, memory: Any) -> float:
        """The welfare that policies like those in the memory would have, for people: called now and then; NaN for none.

        Args:
            problem: the r-MDP.
            memory: what is remembered.
        """
        return math.nan

    def proposals(
        self, problem: RepresentedMDP, learner: PPO, normaliser: Normaliser, memory: Any, key: PRNGKeyArray
    ) -> Sequence[Proposal]:
        """Policies that compete with the trained ones at the end: those of more welfare are kept.

        Args:
            problem: the r-MDP.
            learner: settings of the last phase.
            normaliser: of observations, as trained.
            memory: what is remembered.
            key: of first weights.
        """
        return ()
