"""What plays episodes: k trained policies of ours, or policies that were trained elsewhere."""

from __future__ import annotations

from typing import Any, Protocol, TypeVar, runtime_checkable

import numpy as np

from policybudget.worlds.interface import ActionSpace

Same = TypeVar("Same", bound="Acting")


@runtime_checkable
class ActingOnHost(Protocol):
    """k policies that act in NumPy."""

    def act(self, observation: np.ndarray, random: np.ndarray | None) -> np.ndarray:
        """Actions as worlds of this package take them.

        Args:
            observation: (k, B, o) B raw observations per policy.
            random: numbers to sample by, (k, B, ..); None for greedy actions.

        Returns:
            (k, B) or (k, B, a) actions.
        """


@runtime_checkable
class Acting(Protocol):
    """k policies."""

    @property
    def budget(self) -> int:
        """k."""

    def of(self: Same, chosen: Any) -> Same:
        """Some of the policies.

        Args:
            chosen: (c) their indices; any of them once, twice or not at all.
        """

    def on_host(self, space: ActionSpace) -> ActingOnHost:
        """The same policies in NumPy.

        Args:
            space: of their actions.
        """
