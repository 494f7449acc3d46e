"""Rewards of nuts, a hammer, pegs and sticks."""

from __future__ import annotations

import numpy as np

from policybudget.worlds.metaworld.rewards.grasping import Fingers, hold, lifted, reach_and_grip
from policybudget.worlds.metaworld.rewards.scene import FULL, Flags, Numbers, Paid, Reward, Scene
from policybudget.worlds.metaworld.rewards.shaping import both, distance, floor, length, tolerance, upright

LEVEL = (0.707, 0.0, 0.0, 0.707)
HANDLE = Fingers(0.015, 0.02, 0.01)
"""Sizes of the handles of wrenches and hammers."""


def _anywhere_on(scene: Scene, half: float) -> Numbers:
    """The place to hold a handle along x: where the hand is, if that is on the handle."""
    where = scene.object.copy()
    on = np.abs(where[:, 0] - scene.hand[:, 0]) < half
    where[:, 0] = np.where(on, scene.hand[:, 0], where[:, 0])
    return where


def _assembly(scene: Scene) -> Paid:
    """(2 held + 6 placed) times how level the wrench is. Placed is over a funnel first, then around the peg."""
    nut, error = scene.points[:, 0], scene.target - scene.points[:, 0]
    aside = length(error[:, :2])
    done = (aside < 0.02) & (error[:, 2] > 0.0)
    mouth = np.where(done, 0.02, 0.01)
    error[:, 2] = floor(aside, mouth, 0.02, 0.2) - nut[:, 2]
    up = (nut[:, 2] > 0.02) | (aside < mouth)
    placed = 0.1 * up + 0.9 * tolerance(length(error * np.array([1.0, 1.0, 3.0])), 0.02, 0.4)
    held = reach_and_grip(scene, _anywhere_on(scene, 0.01), HANDLE, radius=0.01)
    reward = (2.0 * held + 6.0 * placed) * upright(scene.turn, LEVEL, slack=0.4)
    return Paid(np.where(done, FULL, reward), done)


def _disassemble(scene: Scene) -> Paid:
    """(2 held + 6 lifted) times how level the wrench is."""
    nut = scene.points[:, 0]
    left = distance(scene.target + np.array([0.0, 0.0, 0.1]), nut)
    placed = 0.1 * (nut[:, 2] > 0.02) + 0.9 * tolerance(left, 0.02, 0.2)
    held = hold(scene, _anywhere_on(scene, 0.01), HANDLE)
    reward = (2.0 * held + 6.0 * placed) * upright(scene.turn, LEVEL, slack=0.4)
    done = scene.object[:, 2] > scene.target[:, 2]
    return Paid(np.where(done, FULL, reward), done)


def _hammer(scene: Scene) -> Paid:
    """(2 held + 6 head at the nail) times how level the hammer is; solved when the nail is in."""
    head = scene.object + np.array([0.16, 0.06, 0.0])
    placed = 0.1 * (head[:, 2] > 0.02) + 0.9 * tolerance(distance(scene.target, head), 0.02, 0.2)
    held = hold(scene, _anywhere_on(scene, 0.07), HANDLE)
    reward = (2.0 * held + 6.0 * placed) * upright(scene.turn, (1.0, 0.0, 0.0, 0.0), slack=0.4)
    done = scene.joint > 0.09
    return Paid(np.where(done & (reward > 5.0), FULL, reward), done)


def _peg_insert(scene: Scene) -> Paid:
    """Both held and placed; lifted, it counts as held, and 1 + 5 placed more. Placed is less within two blocks."""
    scale, head = (1.0, 2.0, 2.0), scene.points[:, 0]
    away = distance(head, scene.target, scale)
    placed = tolerance(away, 0.07, distance(scene.start_part, scene.target, scale))
    lower, upper = (_through(head, scene.points[:, i], scene.points[:, i + 1]) for i in (1, 3))
    placed = both(placed, both(upper, lower))
    up = lifted(scene, near=0.08, rise=0.01)
    held = np.where(up, 1.0, hold(scene, scene.object, Fingers(0.0075, 0.03, 0.005)))
    reward = both(held, placed) + np.where(up, 1.0 + 5 * placed, 0.0)
    done = away <= 0.07
    return Paid(np.where(done, FULL, reward), done)


def _through(point: Numbers, zero: Numbers, one: Numbers) -> Numbers:
    """Within a block: the share of it between the point and corner ``zero``. Outside: 1."""
    between = (np.minimum(zero, one) <= point) & (point <= np.maximum(zero, one))
    shares = np.prod((point - zero) / (one - zero), axis=1)
    return np.where(np.all(between, axis=1), shares, 1.0)


def _peg_unplug(scene: Scene) -> Paid:
    """2 held; on its way out, 1 + 2 held + 5 placed."""
    away = distance(scene.object, scene.target)
    placed = tolerance(away, 0.05, distance(scene.start_object, scene.target))
    held = 2 * hold(scene, scene.object, Fingers(0.025, 0.05, 0.005, effort=0.8))
    moved = (scene.opening > 0.5) & (scene.object[:, 0] - scene.start_object[:, 0] > 0.015)
    moved &= distance(scene.object, scene.tcp) < 0.035
    reward = np.where(moved, 1 + held + 5 * placed, held)
    return Paid(np.where(away <= 0.05, FULL, reward), away <= 0.07)


def _stick_push(scene: Scene) -> Paid:
    """Held; lifted, 2 + 5 stick + 3 container placed. Solved only while both pads press on the stick."""
    radius = 0.12
    stick = scene.object + np.array([0.015, 0.0, 0.0])
    stick_placed = tolerance(distance(stick, scene.target), radius, distance(scene.start_part, scene.target) - radius)
    away = distance(scene.second, scene.target)
    placed = tolerance(away, radius, distance(scene.start_object, scene.target) - radius)
    held = hold(scene, stick, Fingers(0.04, 0.05, 0.01), scene.start_part)
    up = lifted(scene, near=0.02, rise=0.01, what=stick, start=scene.start_part)
    moved = np.where(away <= radius, FULL, 2.0 + 5.0 * stick_placed + 3.0 * placed)
    return Paid(np.where(up, moved, held), touch_matters(scene) & scene.touching)


def touch_matters(scene: Scene) -> Flags:
    """Where it depends on ``Scene.touching`` whether stick-push is solved: the stick is up, the container there.

    Args:
        scene: N rows of stick-push.

    Returns:
        (N); elsewhere it is not solved.
    """
    up = (scene.opening > 0) & (scene.object[:, 2] - 0.01 > scene.start_part[:, 2])
    return up & (distance(scene.second, scene.target) <= 0.12)


def _stick_pull(scene: Scene) -> Paid:
    """Both held and at the container; lifted, it counts as held: 1 + that + 5 at the container.

    In the handle of the container it is 6 + that + 2 stick + container at the target.
    """
    radius, scale = 0.05, (1.0, 1.0, 2.0)
    stick, handle, offset = scene.object, scene.second, np.array([0.05, 0.0, 0.0])
    container = handle + offset
    margin = distance(scene.start_part, scene.start_object + offset, scale)
    there = tolerance(distance(stick, container, scale), radius, margin)
    stick_placed = tolerance(distance(stick, scene.target), radius, distance(scene.start_part, scene.target))
    margin = distance(scene.start_object, scene.target)
    placed = tolerance(distance(container, scene.target), radius, margin)
    up = lifted(scene, near=0.02, rise=0.01, start=scene.start_part)
    base = both(np.where(up, 1.0, hold(scene, stick, Fingers(0.014, 0.05, 0.01))), there)
    inside = _inserted(scene.points[:, 0], handle)
    done = inside & (distance(handle, scene.target) <= 0.12)
    moved = np.where(inside, 1.0 + base + 5.0 + 2.0 * stick_placed + placed, 1.0 + base + 5.0 * there)
    return Paid(np.where(up, np.where(done, FULL, moved), base), done)


def _inserted(end: Numbers, handle: Numbers) -> Flags:
    """Whether the end of the stick is past the handle's plane, and within it."""
    aside = np.abs(end - handle)
    return (end[:, 0] >= handle[:, 0]) & (aside[:, 1] <= 0.04) & (aside[:, 2] <= 0.06)


REWARDS: dict[str, Reward] = {
    "assembly-v3": _assembly,
    "disassemble-v3": _disassemble,
    "hammer-v3": _hammer,
    "peg-insert-side-v3": _peg_insert,
    "peg-unplug-side-v3": _peg_unplug,
    "stick-push-v3": _stick_push,
    "stick-pull-v3": _stick_pull,
}
