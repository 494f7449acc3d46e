"""A search of one's own: twice as many policies at first, of which the k that serve everybody best go on."""

import sys
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

import policybudget as pb
from policybudget.search.phases import Phase
from policybudget.search.search import Change
from policybudget.selection.choice import choose


@dataclass(frozen=True)
class Pool(pb.Search):
    name: ClassVar[str] = "pool"
    share: float = 0.5  # of the transitions, for the pool

    def phases(self, plan):
        rule, learner, hold = plan.rule, plan.learner, plan.rule.hold()
        many = min(2 * plan.budget, plan.agents)
        pooled = int(self.share * plan.transitions * plan.budget / many)
        return (
            Phase("pool", rule, learner, many, pooled, hold),
            Phase(rule.name, rule, learner, plan.budget, int((1 - self.share) * plan.transitions)),
        )

    def begin(self, phase, before, memory, key):
        if before is None or not np.all(before.returns.known):
            return None, memory
        chosen = choose(before.objective, np.asarray(before.returns.value), phase.budget)
        return Change(chosen, None), memory  # the rule reassigns after the first update


transitions = int(sys.argv[1]) if len(sys.argv) > 1 else 200_000
result = pb.train(pb.make_problem("resource-gathering", budget=3), search=Pool(), transitions=transitions)
print(result.search, f"welfare {result.welfare:.2f}", sep="\n")
