"""The phases of a training: what a search makes of a plan."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

from policybudget.assignment.rule import AssignmentRule
from policybudget.learning.settings import PPO
from policybudget.welfare import Welfare


class Plan(NamedTuple):
    """What is to be trained.

    Attributes:
        rule: who is with whom.
        learner: its settings.
        budget: k.
        agents: n.
        transitions: per policy of the budget, in all.
        episode: steps of an episode at most.
        own: whether agents have dynamics of their own.
    """

    rule: AssignmentRule
    learner: PPO
    budget: int
    agents: int
    transitions: int
    episode: int = 1
    own: bool = False

    def share(self, part: float, policies: int = 1) -> int:
        """Transitions of each of some policies that have a part of all between them.

        Args:
            part: of the transitions of the whole budget.
            policies: how many.
        """
        return int(part * self.budget * self.transitions / policies)

    def left(self, spent: int) -> int:
        """Transitions that are left for each policy of the budget.

        Args:
            spent: of all policies together, before.
        """
        return self.transitions - math.ceil(spent / self.budget)


def in_words(policies: int) -> str:
    """The name of a phase of so many policies, where nothing else tells phases apart.

    Args:
        policies: how many.
    """
    return f"{policies} polic{'y' if policies == 1 else 'ies'}"


@dataclass(frozen=True)
class Phase:
    """A part of a training, with fresh optimisers in fresh worlds.

    Attributes:
        name: for people.
        rule: who is with whom.
        learner: settings of the learner.
        budget: the number of policies in this phase.
        transitions: per policy of this phase.
        hold: updates of the policies before the rule first changes α.
        welfare: what is maximised, if it is not the problem's welfare function.
        shuffle: whether agents change places at random in the first α.
        look_every: iterations between two looks at all cells of the table of returns, where agents have dynamics of
            their own and training fills the cells of a policy's own agents alone; 0 for none.
        look_cost: transitions of each policy that a look takes.
        chosen: whether it begins with the best policies of the phase before.
        span: shares of the training's transitions that are spent at its start and at its end, where the learner asks.
        keep: times that the search is shown its policies, evenly, the last at its end.
    """

    name: str
    rule: AssignmentRule
    learner: PPO
    budget: int
    transitions: int
    hold: int = 0
    welfare: Welfare | None = None
    shuffle: bool = False
    look_every: int = 0
    look_cost: int = 0
    chosen: bool = False
    span: tuple[float, float] = (0.0, 1.0)
    keep: int = 0

    def keeps_at(self, iteration: int) -> bool:
        """Whether the search is shown the policies after an iteration.

        Args:
            iteration: from 1.
        """
        if not self.keep:
            return False
        iterations = self.iterations
        return iteration * self.keep // iterations > (iteration - 1) * self.keep // iterations

    @property
    def iterations(self) -> int:
        """As many whole ones as fit, at least one."""
        most = max(1, self.transitions // self.learner.batch)
        return next((count for count in range(most, 1, -1) if self.after(count) <= self.transitions), 1)

    def after(self, iterations: int) -> int:
        """Transitions of each policy, those of evaluation episodes included.

        Args:
            iterations: that were run.
        """
        looks = iterations // self.look_every if self.look_every else 0
        return iterations * self.learner.batch + looks * self.look_cost

    @property
    def each(self) -> int:
        """Transitions of each of its policies."""
        return self.after(self.iterations)

    @property
    def total(self) -> int:
        """Transitions of all its policies together."""
        return self.each * self.budget


def spanned(phases: Sequence[Phase]) -> Iterator[Phase]:
    """Phases that know which part of all transitions is theirs.

    Args:
        phases: of a training.
    """
    spent, whole = 0, sum(phase.total for phase in phases)
    for phase in phases:
        yield replace(phase, span=(spent / whole, (spent + phase.total) / whole))
        spent += phase.total
