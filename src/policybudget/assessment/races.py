"""A race between the members of a committee in each of many new tasks, and what its winners are worth."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Float, Int

from policybudget.assessment.episodes import Tape
from policybudget.assessment.few_shot import select
from policybudget.assessment.generalise import summary
from policybudget.assessment.race import CERTAIN, NONE, SPENT, WITHIN, Choice

REASONS = (CERTAIN, WITHIN, SPENT, NONE)
NOBODY = -1


@dataclass(frozen=True)
class Races:
    """How each task's race ended.

    Attributes:
        choices: one per task.
    """

    choices: tuple[Choice, ...]

    @property
    def members(self) -> Int[np.ndarray, " tasks"]:
        """Who serves each task; ``NOBODY`` where no member is good enough."""
        return np.array([NOBODY if choice.member is None else choice.member for choice in self.choices])

    def means(self, returns: Float[np.ndarray, "K tasks e"]) -> Float[np.ndarray, " served"]:
        """Mean returns of the chosen members to the tasks that got one, in episodes that had no part in the races."""
        served = np.flatnonzero(self.members != NOBODY)
        found: np.ndarray = returns[self.members[served], served].mean(axis=1)
        return found

    def as_record(self, returns: Float[np.ndarray, "K tasks e"]) -> dict[str, Any]:
        """For JSON: how many tasks ended for which reason, episodes used, returns to those who were served."""
        means = self.means(returns)
        record: dict[str, Any] = {
            "reasons": self.reasons(),
            "episodes": {"mean": float(self.episodes.mean()), "most": int(self.episodes.max())},
            "returns": summary(means) if len(means) else None,
            "tasks": [choice.as_record() for choice in self.choices],
        }
        if self.choices[0].floor is not None:
            record["floor"] = self.floor()
        return record

    @property
    def episodes(self) -> Int[np.ndarray, " tasks"]:
        """Of all members together, until each race was over."""
        return np.array([choice.episodes for choice in self.choices])

    def reasons(self) -> dict[str, int]:
        """How many tasks ended for each reason."""
        ended = Counter(choice.reason for choice in self.choices)
        return {reason: ended[reason] for reason in REASONS}

    def floor(self) -> dict[str, int]:
        """How many tasks have a member that surely reaches the floor, surely have none, or are undecided."""
        ended = Counter(choice.reaches_floor for choice in self.choices)
        return {"reached": ended[True], "by no member": ended[False], "undecided": ended[None]}


def race(tape: Tape, low: float, high: float, **how: Any) -> Races:
    """Run :func:`policybudget.assessment.few_shot.select` in every task of a tape.

    The promise of each race is its own: it fails in a share ``alpha`` of the tasks on average, and tasks whose races
    fail may fail together, for they share the tape.

    Args:
        tape: of the committee in the tasks.
        low: no return is ever less.
        high: no return is ever more.
        **how: the keywords of ``select``.

    Raises:
        PolicyBudgetError: an argument does not fit, or a return lies outside [low, high].
    """
    members = len(tape.members)
    return Races(tuple(select(tape.player(task), members, low, high, **how) for task in range(tape.tasks.size)))
