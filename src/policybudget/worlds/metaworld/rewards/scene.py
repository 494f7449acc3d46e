"""What the rewards of Meta-World look at, and where MuJoCo's state has it.

A scene is read as ``env.step`` reads it: after the physics of the step and one ``mj_forward``. Positions are in metres,
in the frame of the world. N rows are N copies of one task.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Numbers = NDArray[np.float64]
Flags = NDArray[np.bool_]

POINTS: dict[str, tuple[tuple[str, str], ...]] = {
    "assembly-v3": (("site", "RoundNut"),),
    "disassemble-v3": (("site", "RoundNut"),),
    "door-unlock-v3": (("body", "lock_link"),),
    "peg-insert-side-v3": (
        ("site", "pegHead"),
        ("site", "bottom_right_corner_collision_box_1"),
        ("site", "top_left_corner_collision_box_1"),
        ("site", "bottom_right_corner_collision_box_2"),
        ("site", "top_left_corner_collision_box_2"),
    ),
    "stick-pull-v3": (("site", "stick_end"),),
}
"""What ``Scene.points`` holds, by task: kind and name of what MuJoCo has a position of."""

MOST_POINTS = max(map(len, POINTS.values()))
"""Length of the axis of points, whatever the task."""

JOINTS: dict[str, str] = {
    "door-open-v3": "doorjoint",
    "hammer-v3": "NailSlideJoint",
    "lever-pull-v3": "LeverAxis",
}
"""The joint that ``Scene.joint`` is the position of, by task."""

PARTS: dict[str, str] = {
    **dict.fromkeys(("button-press-v3", "button-press-wall-v3"), "site buttonStart"),
    **dict.fromkeys(("button-press-topdown-v3", "button-press-topdown-wall-v3"), "site buttonStart"),
    "bin-picking-v3": "observation[4:7] after the first step",
    "dial-turn-v3": "dial_push_position",
    **dict.fromkeys(("handle-press-v3", "handle-press-side-v3"), "_handle_init_pos"),
    "peg-insert-side-v3": "peg_head_pos_init",
    **dict.fromkeys(("stick-pull-v3", "stick-push-v3"), "stick_init_pos"),
    **dict.fromkeys(("window-close-v3", "window-open-v3"), "window_handle_pos_init"),
}
"""What ``Scene.start_part`` holds, by task: a site's place after the reset, or what the environment calls it."""


class Scene(NamedTuple):
    """One moment of N copies. Rewards of a task read what that task needs; the rest of a row may be NaN.

    Attributes:
        observation: (N, 39) as the agent sees it: clipped to the bounds of the space. Only the first 14 numbers are
            read: hand (3), opening of the gripper (1), object (3), its quaternion (4), second object (3).
        action: (N, 4) that led here, as it was given to ``step``; float64, as parity is promised for those. (With
            float32 actions the package computes some rewards in float32.)
        tcp: (N, 3) between the fingers: the mean of sites ``rightEndEffector`` and ``leftEndEffector``.
        left_pad: (N, 3) body ``leftpad``.
        right_pad: (N, 3) body ``rightpad``.
        points: (N, MOST_POINTS, 3) now, those that ``POINTS`` names first, in that order.
        joint: (N) position now of the joint that ``JOINTS`` names, in radians or metres.
        touching: (N) whether both pads press on geom ``objGeom``: forces of the contacts of ``leftpad_geom`` with it,
            ``efc_force[contact.efc_address]``, sum to more than 0, and so do those of ``rightpad_geom``. Only the
            success of stick-push reads it, and only where ``rewards.touch_matters``.
        target: (N, 3) the environment's ``_target_pos``, fixed at the reset.
        start_tcp: (N, 3) ``init_tcp``: tcp when the reset had moved the hand to its place.
        start_object: (N, 3) ``obj_init_pos``, fixed at the reset. (That of door-unlock follows the lock, and is
            a point instead.)
        start_part: (N, 3) fixed at the reset: what ``PARTS`` names.
    """

    observation: Numbers
    action: Numbers
    tcp: Numbers
    left_pad: Numbers
    right_pad: Numbers
    points: Numbers
    joint: Numbers
    touching: Flags
    target: Numbers
    start_tcp: Numbers
    start_object: Numbers
    start_part: Numbers

    @property
    def hand(self) -> Numbers:
        """(N, 3) the hand, above the fingers."""
        return self.observation[:, :3]

    @property
    def opening(self) -> Numbers:
        """(N) of the gripper, from 0 (closed) to 1."""
        return self.observation[:, 3]

    @property
    def object(self) -> Numbers:
        """(N, 3) what the task is about."""
        return self.observation[:, 4:7]

    @property
    def turn(self) -> Numbers:
        """(N, 4) its quaternion."""
        return self.observation[:, 7:11]

    @property
    def second(self) -> Numbers:
        """(N, 3) the other object."""
        return self.observation[:, 11:14]


class Paid(NamedTuple):
    """What a step is worth.

    Attributes:
        reward: (N) from 0 to 10.
        success: (N) whether the task is solved at this moment.
    """

    reward: Numbers
    success: Flags


Reward = Callable[[Scene], Paid]
FULL = 10.0
"""The reward of a solved task."""
RADIUS = 0.05
"""Of a target, in metres, where a task has none of its own."""
SHOULDER = np.array([0.0, 0.055, 0.07])
"""From the hand to the part of it that pushes locks and levers."""
