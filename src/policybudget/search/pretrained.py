"""A universal policy for everybody first, as the clustering baseline of Ivanov & Ben-Porat (2024, Section 4) has it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from jaxtyping import PRNGKeyArray

from policybudget.assignment.fixed import RandomGroups
from policybudget.assignment.rule import AssignmentRule
from policybudget.errors import PolicyBudgetError, check_choice
from policybudget.problem import RepresentedMDP
from policybudget.search.phases import Phase, Plan
from policybudget.search.search import Change, Search, Standing
from policybudget.settings import check_options, option

BEGINNINGS = ("fresh", "copies")


@dataclass(frozen=True)
class Pretrained(Search):
    """One policy is trained for all agents; the rule may look at what it meets; then k policies are trained.

    The universal policy takes as many transitions as each of the k, on top of theirs, or a share of them all.
    """

    name: ClassVar[str] = "pretrained"
    universal_steps: int = option(10_000, "stochastic transitions of the universal policy that the rule sees")
    begin_with: str = option("fresh", "the k policies begin fresh, or as copies of the universal one")
    universal_share: float | None = option(
        None, "share of all transitions that train the universal policy; if not given, as many as each has, on top"
    )

    def __post_init__(self) -> None:
        if self.universal_steps < 1:
            raise PolicyBudgetError(f"universal_steps must be at least 1, got {self.universal_steps}")
        check_choice("begin_with", self.begin_with, BEGINNINGS)
        if self.universal_share is not None and not 0 < self.universal_share < 1:
            raise PolicyBudgetError(f"universal_share must be between 0 and 1, got {self.universal_share}")
        check_options(self)

    def check(self, problem: RepresentedMDP, rule: AssignmentRule) -> None:
        """Refuse rules to which a universal policy makes no difference.

        Args:
            problem: the r-MDP.
            rule: who is with whom.

        Raises:
            PolicyBudgetError: the rule does not look at it, and no policy is a copy of it.
        """
        if self.begin_with == "copies" and rule.reassigns == "by gradient":
            raise PolicyBudgetError(
                f"search pretrained with --begin-with copies makes all policies alike, from which {rule.name} does not "
                "get away; use --search plain"
            )
        if self.begin_with == "fresh" and not rule.needs_universal_policy:
            raise PolicyBudgetError(
                f"search pretrained: {rule.name} does not look at a universal policy; use --begin-with copies, or "
                "--search plain"
            )

    def phases(self, plan: Plan) -> tuple[Phase, ...]:
        """Two.

        Args:
            plan: what is to be trained.
        """
        rule, each, universal = plan.rule, plan.transitions, plan.transitions
        if self.universal_share is not None:
            universal = plan.share(self.universal_share)
            each = plan.left(universal)
        return (
            Phase("universal policy", RandomGroups(), plan.learner, 1, universal),
            Phase(rule.name, rule, plan.learner, plan.budget, each, rule.hold()),
        )

    def sees(self, phase: int) -> int:
        """Transitions of the universal policy.

        Args:
            phase: its index.
        """
        return self.universal_steps if phase == 0 else 0

    def begin(self, phase: Phase, before: Standing | None, memory: Any, key: PRNGKeyArray) -> tuple[Change | None, Any]:
        """Fresh policies, or copies of the universal one.

        Args:
            phase: that begins.
            before: where the phase before it ended.
            memory: none.
            key: not used.
        """
        if before is None or self.begin_with == "fresh":
            return None, memory
        return Change(np.zeros(phase.budget, int), None, phase.hold), memory
