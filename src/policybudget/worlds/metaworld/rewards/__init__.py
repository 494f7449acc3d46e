"""The rewards of Meta-World's 50 tasks, in NumPy over a batch: those of the package, bit for bit where possible.

A reward is a pure function of a scene (``scene.py`` says what that is, and where MuJoCo's state has it), in files by
family. They are the package's rewards of version 2, which its v3 environments pay by default (Yu et al. 2021; McLean
et al. 2025, Meta-World+). Where those do something else than they seem to mean, it is kept, and said.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from policybudget.worlds.metaworld.rewards import buttons, doors, handles, placing, pushing, tools
from policybudget.worlds.metaworld.rewards.scene import JOINTS, MOST_POINTS, PARTS, POINTS, Paid, Reward, Scene
from policybudget.worlds.metaworld.rewards.tools import touch_matters

__all__ = ["JOINTS", "MOST_POINTS", "PARTS", "POINTS", "REWARDS", "Paid", "Reward", "Scene", "pay", "touch_matters"]

REWARDS: dict[str, Reward] = {
    **buttons.REWARDS,
    **doors.REWARDS,
    **handles.REWARDS,
    **placing.REWARDS,
    **pushing.REWARDS,
    **tools.REWARDS,
}
"""The reward of each task, by the package's name."""


def pay(tasks: tuple[str, ...], which: NDArray[np.integer], scene: Scene) -> Paid:
    """Rewards of copies of several tasks.

    Args:
        tasks: names of tasks.
        which: (N) the task of each row, as an index of ``tasks``.
        scene: N rows.

    Returns:
        Rewards and successes of all rows.
    """
    paid = Paid(np.empty(len(which)), np.empty(len(which), bool))
    for number, task in enumerate(tasks):
        rows = np.flatnonzero(which == number)
        if len(rows):
            paid.reward[rows], paid.success[rows] = REWARDS[task](scene.rows(rows))
    return paid
