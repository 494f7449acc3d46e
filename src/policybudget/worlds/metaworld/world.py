"""Meta-World as a world: agents are tasks, each with a dynamics of its own; observations and actions are alike."""

from __future__ import annotations

import numpy as np

from policybudget.worlds.interface import ActionSpace, Box, HostWorld
from policybudget.worlds.metaworld.copies import STEPS, MetaworldCopies
from policybudget.worlds.metaworld.names import tasks, tasks_in
from policybudget.worlds.metaworld.package import environment
from policybudget.worlds.metaworld.physics import OBSERVED

COMPONENTS = ("reward", "success")
"""Of an outcome: the package's reward, 100 in an episode if each is 10; and 100 in the first step of success."""


class MetaworldWorld(HostWorld):
    """Tasks of Meta-World v3.

    An episode has 500 steps, whatever happens. Its goal is one of 50 of its task, drawn at random; policies observe it,
    but not the task.

    Attributes:
        label: as given to ``--world``.
        threads: of the physics.
    """

    label: str
    threads: int = 2

    @property
    def name(self) -> str:
        """As given to ``--world``."""
        return self.label

    @property
    def observation_size(self) -> int:
        """Two frames and the goal."""
        return OBSERVED

    @property
    def outcome_size(self) -> int:
        """Reward and success."""
        return len(COMPONENTS)

    @property
    def actions(self) -> ActionSpace:
        """Where the hand is led, and how hard the fingers close."""
        return Box(4, (-1.0,) * 4, (1.0,) * 4)

    @property
    def time_limit(self) -> int:
        """Steps of every episode."""
        return STEPS

    @property
    def own_dynamics(self) -> bool:
        """Each task has its own."""
        return True

    def copies(self, number: int, dynamics: np.ndarray | None = None) -> MetaworldCopies:
        """E parallel copies.

        Args:
            number: E.
            dynamics: (n, 50) which task each agent has: a 1 in its column, in alphabetical order.
        """
        assert dynamics is not None
        known = tuple(tasks())
        return MetaworldCopies(tuple(known[task] for task in np.asarray(dynamics).argmax(axis=1)), number, self.threads)


def metaworld_world(name: str, threads: int = 2) -> MetaworldWorld:
    """The world of a set of tasks.

    Args:
        name: ``metaworld:`` and a set, or tasks with commas between them (:func:`tasks_in`).
        threads: of the physics.

    Returns:
        The world.

    Raises:
        PolicyBudgetError: there is no such task, or MuJoCo or Meta-World is not installed.
    """
    environment(tasks_in(name)[0]).close()
    return MetaworldWorld(name, threads)
