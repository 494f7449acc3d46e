"""What a training tells its listeners, and a point from which it goes on exactly."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol, runtime_checkable

from policybudget.training.report import Report
from policybudget.training.state import TrainState


@dataclass(frozen=True)
class Snapshot:
    """A point of a training from which it goes on exactly.

    Attributes:
        phase: its index.
        state: of the phase.
        seconds: that the training took so far.
        memory: of the search.
        best: the best welfare that is known so far; NaN before any is.
    """

    phase: int
    state: TrainState
    seconds: float
    memory: Any = ()
    best: float = math.nan


@dataclass(frozen=True)
class Event:
    """What listeners hear after every iteration.

    Attributes:
        phase: index of the part of the training.
        phases: names of all parts.
        iteration: of this phase, from 1.
        iterations: of this phase.
        transitions: over all policies and phases, so far.
        of: the same, in the end, and those of the episodes that the search plays after the last iteration, at most.
        each: transitions per policy, over all phases, so far.
        each_of: the same, in the end.
        seconds: wall time of the training so far, over all resumptions.
        best: the best welfare that is known so far: by the table of returns, or of what the search remembers; NaN
            before any is.
        report: as NumPy arrays.
        snapshot: the point after this iteration; valid until the next one begins.
    """

    phase: int
    phases: tuple[str, ...]
    iteration: int
    iterations: int
    transitions: int
    of: int
    each: int
    each_of: int
    seconds: float
    best: float
    report: Report
    snapshot: Snapshot


@runtime_checkable
class Listener(Protocol):
    """Something that follows a training and never changes it."""

    def __call__(self, event: Event) -> None:
        """Hear of an iteration.

        Args:
            event: the iteration that has ended.
        """


Resume = Callable[[TrainState, int, Any], Snapshot | None]
"""Given a template of a phase's state, the phase's index and a template of the search's memory: the snapshot to go on
from, if there is one of that phase."""
