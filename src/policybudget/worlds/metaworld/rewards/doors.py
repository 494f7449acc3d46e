"""Rewards of doors and their locks, drawers and windows."""

from __future__ import annotations

from functools import partial

import numpy as np

from policybudget.worlds.metaworld.rewards.grasping import closed, closing
from policybudget.worlds.metaworld.rewards.scene import FULL, RADIUS, SHOULDER, Paid, Reward, Scene
from policybudget.worlds.metaworld.rewards.shaping import above, both, distance, floor, length, tolerance

CLOSING_HAND = np.array([-0.5, 0.6, 0.2], np.float32).astype(np.float64)
"""Where the reset of door-close puts the hand; the package keeps it in single precision."""
LOCK_LENGTH = 0.1
DRAWER_LENGTH = 0.2


def _door_open(scene: Scene) -> Paid:
    """2 both closing and at the handle + 8 opened."""
    door = scene.object + np.array([-0.05, 0.0, 0.0])
    funnel = floor(length((scene.hand - door)[:, :2]), 0.12, 0.04, 0.4)
    clear = above(funnel, scene.hand[:, 2], margin=funnel / 2.0)
    at_handle = length(scene.hand - door - np.array([0.05, 0.03, -0.01]))
    ready = both(clear, tolerance(at_handle, 0.06, 0.5))
    left = np.pi / 2.0 + np.pi / 6 + scene.joint
    opened = 0.2 * (scene.joint < -np.pi / 90.0) + 0.8 * tolerance(left, 0.5, np.pi / 3.0)
    done = np.abs(scene.object[:, 0] - scene.target[:, 0]) <= 0.08
    return Paid(np.where(done, FULL, 2.0 * both(ready, closing(scene)) + 8.0 * opened), done)


def _door_close(scene: Scene) -> Paid:
    """3 fingers at the target + 6 handle at the target."""
    away = distance(scene.object, scene.target)
    placed = tolerance(away, RADIUS, distance(scene.start_object, scene.target), gaussian=True)
    margin = distance(CLOSING_HAND, scene.object) + 0.1
    there = tolerance(distance(scene.tcp, scene.target), 0.25 * RADIUS, margin, gaussian=True)
    return Paid(np.where(away < RADIUS, FULL, 3 * there + 6 * placed), away <= 0.08)


def _door_lock(scene: Scene) -> Paid:
    """2 both open and near + 8 pressed. The left pad pushes; the margin that is meant to be fixed follows it."""
    away = distance(scene.object, scene.left_pad, (0.25, 1.0, 0.5))
    left = np.abs(scene.target[:, 2] - scene.object[:, 2])
    reward = 2 * both(scene.opening, tolerance(away, 0.01, away)) + 8 * tolerance(left, 0.005, LOCK_LENGTH)
    return Paid(reward, left <= 0.02)


def _door_unlock(scene: Scene) -> Paid:
    """2 ready + 8 pushed."""
    scale = (0.25, 1.0, 0.5)
    margin = distance(scene.start_tcp + SHOULDER, scene.points[:, 0], scale)
    ready = tolerance(distance(scene.hand + SHOULDER, scene.object, scale), 0.02, margin)
    left = np.abs(scene.target[:, 0] - scene.object[:, 0])
    return Paid(2 * ready + 8 * tolerance(left, 0.005, LOCK_LENGTH), left <= 0.02)


def _drawer_open(scene: Scene) -> Paid:
    """5 at the handle + 5 opened."""
    scale = (3.0, 3.0, 1.0)
    away = distance(scene.object, scene.target)
    shut = scene.target + np.array([0.0, DRAWER_LENGTH, 0.0])
    there = tolerance(distance(scene.object, scene.hand, scale), 0.01, distance(shut, scene.start_tcp, scale))
    return Paid((there + tolerance(away, 0.02, DRAWER_LENGTH)) * 5.0, away <= 0.03)


def _drawer_close(scene: Scene) -> Paid:
    """10 both closing at the handle and placed."""
    away = distance(scene.object, scene.target)
    placed = tolerance(away, RADIUS, np.abs(distance(scene.start_object, scene.target) - RADIUS))
    margin = np.abs(distance(scene.start_object, scene.start_tcp) - 0.005)
    reached = tolerance(distance(scene.object, scene.tcp), 0.005, margin, gaussian=True)
    done = away <= RADIUS + 0.015
    return Paid(np.where(done, 1.0, both(both(reached, closed(scene)), placed)) * 10, done)


def _window(scene: Scene, opens: bool) -> Paid:
    """10 both at the handle and slid."""
    left = np.abs(scene.object[:, 0] - scene.target[:, 0])
    start = scene.start_object if opens else scene.start_part
    slid = tolerance(left, RADIUS, np.abs(np.abs(start[:, 0] - scene.target[:, 0]) - RADIUS))
    margin = np.abs(distance(scene.start_part, scene.start_tcp) - 0.02)
    reached = tolerance(distance(scene.object, scene.tcp), 0.02, margin, gaussian=not opens)
    return Paid(10 * both(reached, slid), left <= RADIUS)


REWARDS: dict[str, Reward] = {
    "door-open-v3": _door_open,
    "door-close-v3": _door_close,
    "door-lock-v3": _door_lock,
    "door-unlock-v3": _door_unlock,
    "drawer-open-v3": _drawer_open,
    "drawer-close-v3": _drawer_close,
    "window-open-v3": partial(_window, opens=True),
    "window-close-v3": partial(_window, opens=False),
}
