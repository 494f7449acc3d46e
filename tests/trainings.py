"""Trainings without progress, for tests of what trains."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from policybudget.assignment.rule import AssignmentRule
from policybudget.problem import RepresentedMDP
from policybudget.runs import tensors
from policybudget.runs.result import Result
from policybudget.studies.run import train_in
from policybudget.training.events import Event, Listener, Resume
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


def stopped_and_not(folder: Path, training: Training, stops: Iterable[tuple[int, int]]) -> tuple[Result, Result]:
    """A training in folder/stopped, stopped after given iterations of phases, and in folder/whole."""
    left = list(stops)

    def stop(event: Event) -> None:
        if left and (event.phase, event.iteration) == left[0]:
            left.pop(0)
            raise KeyboardInterrupt

    for name in ("stopped", "whole"):
        (folder / name).mkdir()
    while left:
        with pytest.raises(KeyboardInterrupt):
            train_in(folder / "stopped", training, resume=True, quiet=True, listeners=[stop])
    stopped = train_in(folder / "stopped", training, resume=True, quiet=True).result
    return stopped, train_in(folder / "whole", training, quiet=True).result
