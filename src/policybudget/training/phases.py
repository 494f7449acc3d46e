"""The parts of a training: most rules have one, some a universal policy or scouts before it."""

from __future__ import annotations

from dataclasses import dataclass, replace

from policybudget.assignment.fixed import RandomGroups
from policybudget.assignment.rule import AssignmentRule
from policybudget.learning.settings import PPO

SCOUTS = "scouts"


@dataclass(frozen=True)
class Phase:
    """A part of a training: a rule, a budget and transitions per policy of its own."""

    name: str
    rule: AssignmentRule
    budget: int
    transitions: int

    def iterations(self, ppo: PPO) -> int:
        """As many whole ones as fit, at least one."""
        return max(1, self.transitions // ppo.batch)


def phases(rule: AssignmentRule, ppo: PPO, budget: int, agents: int, transitions: int) -> tuple[Phase, ...]:
    """The parts of a training with this rule.

    Scouts are left out where one policy serves everybody, where there are no more agents than policies, and where their
    transitions would not reach beyond the warm start.
    """
    main = Phase(rule.name, rule, budget, transitions)
    if rule.universal_steps:
        return Phase("universal policy", RandomGroups(), 1, transitions), main
    many = min(rule.scouts * budget, agents)
    first = Phase(SCOUTS, rule, many, int(rule.scout_share * transitions * budget / many))
    if budget == 1 or many == budget or first.transitions < (rule.warm_start + 1) * ppo.batch:
        return (main,)
    no_beginners = replace(rule, warm_start=0)  # type: ignore[call-arg] # a field of rules that have scouts
    return first, Phase(rule.name, no_beginners, budget, transitions - int(rule.scout_share * transitions))


def total_transitions(parts: tuple[Phase, ...], ppo: PPO) -> int:
    """What a training takes over all policies and phases."""
    return sum(phase.iterations(ppo) * ppo.batch * phase.budget for phase in parts)
