"""The policies of every phase, and those that the search proposes for every budget, for a later choice among them."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from policybudget.policies.stacked import Policies
from policybudget.runs.kept import keep
from policybudget.streams import Stream, derive, root
from policybudget.training.events import Event
from policybudget.training.train import Training


class Kept:
    """A listener that writes policies at the end of every phase.

    It must hear of an iteration before its checkpoint is saved: a run that is killed in between then goes on before it.

    Args:
        folder: of the run.
        training: whose search keeps policies.
    """

    def __init__(self, folder: Path, training: Training) -> None:
        self.folder, self.training = folder, training

    def __call__(self, event: Event) -> None:
        """Write, if a phase has ended.

        Args:
            event: the iteration that has ended.
        """
        if event.iteration < event.iterations:
            return
        keep(self.folder, f"phase-{event.phase:03d}", event.snapshot.state.policies.arrays())
        if event.phase + 1 == len(self.training.phases):
            self._proposed(event)

    def _proposed(self, event: Event) -> None:
        """What the search proposes for each budget of the phases."""
        method, problem, state = self.training.method, self.training.problem, event.snapshot.state
        for budget in sorted({phase.budget for phase in self.training.phases if phase.chosen}):
            key = derive(root(self.training.seed), Stream.PROPOSAL, budget)
            there = replace(problem, budget=budget)
            found = method.search.proposals(there, method.learner, state.normaliser, event.snapshot.memory, key)
            for index, proposal in enumerate(found):
                policies = Policies(proposal.actor, state.normaliser)
                keep(self.folder, f"proposed-{budget:05d}-{index}", policies.arrays())
