"""Trainings without a folder and without progress, for tests of what trains."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from policybudget.assignment.rule import AssignmentRule
from policybudget.problem import RepresentedMDP
from policybudget.runs.result import Result
from policybudget.training.events import Listener, Resume
from policybudget.training.train import Training


def train(
    problem: RepresentedMDP,
    rule: AssignmentRule | str = "em",
    *,
    listeners: Iterable[Listener] = (),
    resume: Resume | None = None,
    **settings: Any,
) -> Result:
    """What :meth:`Training.of` makes of these settings, run to its end."""
    return Training.of(problem, rule, **settings).run(listeners, resume)
