"""The parts of a training: most rules have one; some a universal policy or scouts first, or begin several times."""

from __future__ import annotations

from dataclasses import dataclass, replace

from policybudget.assignment.fixed import RandomGroups
from policybudget.assignment.rule import AssignmentRule
from policybudget.learning.settings import PPO

SCOUTS = "scouts"
SHORTEST, ALONE = 25, 240
"""Iterations that a beginning must have, and those of one policy for everybody: the fewer the policies, the longer the
way of each. Where there are not so many, there are fewer beginnings."""


@dataclass(frozen=True)
class Phase:
    """A part of a training.

    Attributes:
        rule, budget, transitions: of its own; transitions per policy.
        fair: whether it is for the worst-off agents, whatever the welfare function.
        crowding: times as many policies as later; each then has that many times fewer worlds, for longer.
    """

    name: str
    rule: AssignmentRule
    budget: int
    transitions: int
    fair: bool = False
    crowding: int = 1

    def iterations(self, ppo: PPO) -> int:
        """As many whole ones as fit, at least one."""
        return max(1, self.transitions // ppo.batch)

    def learner(self, ppo: PPO) -> PPO:
        """With as many worlds in all as later, where that divides: more of them slow a simulator down."""
        if ppo.copies % self.crowding:
            return ppo
        return replace(ppo, copies=ppo.copies // self.crowding, steps=ppo.steps * self.crowding)


def phases(rule: AssignmentRule, ppo: PPO, budget: int, agents: int, transitions: int) -> tuple[Phase, ...]:
    """The parts of a training with this rule.

    Scouts are left out where one policy serves everybody, where there are no more agents than policies, and where their
    transitions would not reach beyond the warm start.
    """
    main = Phase(rule.name, rule, budget, transitions)
    if rule.universal_steps:
        return Phase("universal policy", RandomGroups(), 1, transitions), main
    if rule.restarts > 1:
        return _beginnings(rule, ppo, budget, transitions)
    many = min(rule.scouts * budget, agents)
    share = int(rule.scout_share * transitions * budget / many)
    first = Phase(SCOUTS, rule, many, share, crowding=rule.scouts)
    if budget == 1 or many == budget or first.transitions < (rule.warm_start + 1) * ppo.batch:
        return (main,)
    no_beginners = replace(rule, warm_start=0, split_every=0)  # type: ignore[call-arg] # fields of rules with scouts
    return first, Phase(rule.name, no_beginners, budget, transitions - int(rule.scout_share * transitions))


def _beginnings(rule: AssignmentRule, ppo: PPO, budget: int, transitions: int) -> tuple[Phase, ...]:
    """As many beginnings as the rule wants, unless too short; all alike but for their welfare, so that one compiles."""
    whole = max(1, transitions // ppo.batch)
    number = min(rule.restarts, max(1, whole // max(SHORTEST, ALONE // budget)))
    iterations = whole // number
    mine = replace(rule, warm_start=min(rule.warm_start, iterations // 5))  # type: ignore[call-arg]
    parts = []
    for index in range(number):
        fair = rule.fair_restarts and index % 2 == 1
        name = rule.name if number == 1 else f"{rule.name} {index + 1}" + (" (fair)" if fair else "")
        parts.append(Phase(name, mine, budget, iterations * ppo.batch, fair))
    return tuple(parts)


def total_transitions(parts: tuple[Phase, ...], ppo: PPO) -> int:
    """What a training takes over all policies and phases."""
    return sum(phase.iterations(ppo) * ppo.batch * phase.budget for phase in parts)
