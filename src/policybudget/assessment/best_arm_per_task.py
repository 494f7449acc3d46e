"""Best-arm identification in each of many new tasks, and what the chosen policies are worth."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Float, Int

from policybudget.assessment.best_arm import CERTAIN, NONE, SPENT, WITHIN, Choice
from policybudget.assessment.episodes import Tape
from policybudget.assessment.few_shot import select
from policybudget.assessment.generalise import summary

REASONS = (CERTAIN, WITHIN, SPENT, NONE)
NO_POLICY = -1


@dataclass(frozen=True)
class Choices:
    """The choice of each task.

    Attributes:
        choices: one per task.
    """

    choices: tuple[Choice, ...]

    @property
    def serves(self) -> Int[np.ndarray, " tasks"]:
        """The policy of each task; ``NO_POLICY`` where no policy is good enough."""
        return np.array([NO_POLICY if choice.policy is None else choice.policy for choice in self.choices])

    def means(self, returns: Float[np.ndarray, "k tasks e"]) -> Float[np.ndarray, " served"]:
        """What the chosen policies are worth to the tasks that got one.

        Args:
            returns: (k, tasks, episodes) of episodes that had no part in the choice.

        Returns:
            (served,) mean returns.
        """
        served = np.flatnonzero(self.serves != NO_POLICY)
        found: np.ndarray = returns[self.serves[served], served].mean(axis=1)
        return found

    def as_record(self, returns: Float[np.ndarray, "k tasks e"]) -> dict[str, Any]:
        """For JSON: how many tasks ended for which reason, episodes used, returns to those that got a policy.

        Args:
            returns: (k, tasks, episodes) of episodes that had no part in the choice.

        Returns:
            The record.
        """
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
        """Of all policies together, until each choice was made."""
        return np.array([choice.episodes for choice in self.choices])

    def reasons(self) -> dict[str, int]:
        """How many tasks ended for each reason."""
        ended = Counter(choice.reason for choice in self.choices)
        return {reason: ended[reason] for reason in REASONS}

    def floor(self) -> dict[str, int]:
        """How many tasks have a policy that surely reaches the floor, surely have none, or are undecided."""
        ended = Counter(choice.reaches_floor for choice in self.choices)
        return {"reached": ended[True], "by no policy": ended[False], "undecided": ended[None]}


def select_each(tape: Tape, low: float, high: float, **how: Any) -> Choices:
    """Run :func:`policybudget.assessment.few_shot.select` in every task of a tape.

    The guarantee of each choice is its own: it fails in a share ``alpha`` of the tasks on average. Tasks may fail
    together, for they share the tape.

    Args:
        tape: of the policies in the tasks.
        low: no return is ever less.
        high: no return is ever more.
        **how: the keywords of ``select``.

    Returns:
        The choice of each task.

    Raises:
        PolicyBudgetError: an argument does not fit, or a return lies outside [low, high].
    """
    policies = len(tape.policies)
    return Choices(tuple(select(tape.player(task), policies, low, high, **how) for task in range(tape.tasks.size)))
