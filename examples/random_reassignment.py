"""What does EM gain from the returns? A rule that ignores them: some users change to a random policy, at every update.

``policybudget train --algorithm python:examples/random_reassignment.py:RandomReassignment --share 0.05``
"""

from dataclasses import dataclass
from typing import ClassVar

import jax
import jax.numpy as jnp

import policybudget as pb
from policybudget.assignment.rule import one_hot


@dataclass(frozen=True)
class RandomReassignment(pb.AssignmentRule):
    name: ClassVar[str] = "random-reassignment"
    reassigns: ClassVar[str] = "never"  # not by the returns, which a search could build on
    share: float = pb.option(0.01, "of the users, that moves at an update")

    def start(self, known, key):
        return one_hot(jnp.arange(known.agents) % known.budget, known.budget)

    def update(self, objective, returns, assignment, logits, key):
        budget, agents = assignment.shape
        moves = jax.random.bernoulli(jax.random.fold_in(key, 0), self.share, (agents,))
        to = jax.random.randint(jax.random.fold_in(key, 1), (agents,), 0, budget)
        return jnp.where(moves, one_hot(to, budget), assignment)

    def finalise(self, objective, assignment, returns):
        return assignment
