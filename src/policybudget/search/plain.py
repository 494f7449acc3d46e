"""No search: the rule, once."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from policybudget.search.phases import Phase, Plan
from policybudget.search.search import Search


@dataclass(frozen=True)
class Plain(Search):
    """The rule, once, for all transitions."""

    name: ClassVar[str] = "plain"

    def phases(self, plan: Plan) -> tuple[Phase, ...]:
        """One.

        Args:
            plan: what is to be trained.
        """
        rule = plan.rule
        return (Phase(rule.name, rule, plan.learner, plan.budget, plan.transitions, rule.hold()),)
