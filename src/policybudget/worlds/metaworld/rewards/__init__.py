"""The rewards of Meta-World's 50 tasks, in NumPy over a batch: those of the package, bit for bit where possible.

A reward is a pure function of a scene (``scene.py`` says what that is, and where MuJoCo's state has it), in files by
family. They are the package's rewards of version 2, which its v3 environments pay by default (Yu et al. 2021; McLean
et al. 2025, Meta-World+). Where those do something else than they seem to mean, it is kept, and said.
"""

from __future__ import annotations

from policybudget.worlds.metaworld.rewards import buttons, doors, handles, placing, pushing, tools
from policybudget.worlds.metaworld.rewards.scene import JOINTS, MOST_POINTS, PARTS, POINTS, Paid, Reward, Scene
from policybudget.worlds.metaworld.rewards.tools import touch_matters

__all__ = ["JOINTS", "MOST_POINTS", "PARTS", "POINTS", "REWARDS", "Paid", "Reward", "Scene", "touch_matters"]

REWARDS: dict[str, Reward] = {
    **buttons.REWARDS,
    **doors.REWARDS,
    **handles.REWARDS,
    **placing.REWARDS,
    **pushing.REWARDS,
    **tools.REWARDS,
}
"""The reward of each task, by the package's name."""
