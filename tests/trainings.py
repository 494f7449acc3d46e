"""Trainings without a folder and without progress, for tests of what trains."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np

from policybudget.assignment.rule import AssignmentRule
from policybudget.problem import RepresentedMDP
from policybudget.runs import tensors
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


def bits(result: Result) -> dict[str, bytes]:
    """Everything that a training decides, as bytes."""
    arrays = tensors.named(result.policies)
    arrays |= {"assignment": result.assignment, "returns": result.returns, "lengths": result.lengths}
    return {name: array.tobytes() for name, array in arrays.items()} | {"welfare": np.float64(result.welfare).tobytes()}
