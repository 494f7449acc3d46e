"""An assignment rule of one's own: agents move only to a policy that is clearly better for them."""

import sys
from dataclasses import dataclass
from typing import ClassVar

import jax.numpy as jnp

import policybudget as pb
from policybudget.assignment.rule import labels_of, one_hot


@dataclass(frozen=True)
class Reluctant(pb.AssignmentRule):
    name: ClassVar[str] = "reluctant"
    reassigns: ClassVar[str] = "greedily"
    margin: float = 2.0  # in units of return

    def start(self, known, key):
        return one_hot(jnp.arange(known.agents) % known.budget, known.budget)

    def update(self, objective, returns, assignment, logits, key):
        value = jnp.where(returns.known, returns.value, -jnp.inf)  # never read what was not measured
        gains = value - jnp.sum(assignment * returns.neutral, axis=0)
        moves = (gains.max(axis=0) > self.margin) & jnp.any(returns.known & (assignment > 0), axis=0)
        return one_hot(jnp.where(moves, value.argmax(axis=0), labels_of(assignment)), len(assignment))

    def finalise(self, objective, assignment, returns):
        return one_hot(returns.argmax(axis=0), len(returns))


print(*(f"{finding.level:<6}{finding.check}: {finding.text}" for finding in pb.check_rule(Reluctant())), sep="\n")
transitions = int(sys.argv[1]) if len(sys.argv) > 1 else 200_000
result = pb.train(pb.make_problem("resource-gathering", budget=3), Reluctant(), search="plain", transitions=transitions)
print(f"welfare {result.welfare:.2f}")
