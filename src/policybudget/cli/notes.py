"""What commands remark on standard error, quiet or not."""

from __future__ import annotations

import sys

from policybudget.runs import inputs
from policybudget.training.configuration import Configuration, settings_of
from policybudget.training.train import Training
from policybudget.worlds.interface import Box

FEW = 100_000
"""Transitions per policy up to which one policy for all, first, was found to be better (docs/findings.md)."""


def differences(configuration: Configuration) -> None:
    """Say which files are no longer what the copies in the run folder are, which are used.

    Args:
        configuration: of a run.
    """
    for line in inputs.differences(settings_of(configuration)):
        print(f"policybudget: {line}", file=sys.stderr)


def few_transitions(training: Training) -> None:
    """Say what was found to be better, where k policies are to learn to move on their own from little.

    Args:
        training: that is about to begin.
    """
    each, budget = training.transitions, training.problem.budget
    alone = training.method.search.name == "splitting" and isinstance(training.problem.world.actions, Box)
    if alone and budget > 1 and each <= FEW:
        print(
            f"policybudget: {each:,} transitions for each of {budget} policies are few; where users want much the "
            "same, robots learned more from one policy for all: --search growing --whole 0.2 (docs/choosing.md)",
            file=sys.stderr,
        )
