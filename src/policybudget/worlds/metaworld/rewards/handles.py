"""Rewards of handles, a lever, a dial and faucets."""

from __future__ import annotations

from functools import partial

import numpy as np

from policybudget.worlds.metaworld.rewards.grasping import Fingers, closed, hold, lifted
from policybudget.worlds.metaworld.rewards.scene import FULL, RADIUS, SHOULDER, Flags, Numbers, Paid, Reward, Scene
from policybudget.worlds.metaworld.rewards.shaping import both, distance, tolerance

LEVER = 0.2
"""Length of the lever."""


def _press(scene: Scene) -> Paid:
    """10 both at the handle and down."""
    radius = 0.02
    left = np.abs(scene.object[:, 2] - scene.target[:, 2])
    down = tolerance(left, radius, np.abs(np.abs(scene.start_part[:, 2] - scene.target[:, 2]) - radius))
    margin = np.abs(distance(scene.start_part, scene.start_tcp) - radius)
    reached = tolerance(distance(scene.object, scene.tcp), radius, margin)
    done = left <= radius
    return Paid(np.where(done, 1.0, both(reached, down)) * 10, done)


def _pull(scene: Scene) -> Paid:
    """As from the side, by height alone. What counts as lifted compares y with a height, as in the package."""
    left = np.abs(scene.target[:, 2] - scene.object[:, 2])
    margin = np.abs(scene.target[:, 2] - scene.start_object[:, 2])
    there = (distance(scene.object, scene.tcp) < 0.035) & (scene.opening > 0)
    up = there & (scene.object[:, 1] - 0.01 > scene.start_object[:, 2])
    return Paid(_pulled(scene, left, margin, Fingers(0.022, 0.05, 0.01), up), left <= RADIUS)


def _pull_side(scene: Scene) -> Paid:
    """Both held and up; lifted, 1 + 5 up more."""
    away = distance(scene.object, scene.target)
    margin = distance(scene.start_object, scene.target)
    up = lifted(scene, near=0.035, rise=0.01)
    return Paid(_pulled(scene, away, margin, Fingers(0.032, 0.06, 0.01), up), away <= 0.08)


def _pulled(scene: Scene, left: Numbers, margin: Numbers, fingers: Fingers, up: Flags) -> Numbers:
    placed = tolerance(left, RADIUS, margin)
    reward = both(hold(scene, scene.object, fingers), placed) + np.where(up, 1.0 + 5.0 * placed, 0.0)
    return np.where(left < RADIUS, FULL, reward)


def _lever_pull(scene: Scene) -> Paid:
    """10 both under the lever and up; solved where the lever stands upright."""
    scale = (4.0, 1.0, 4.0)
    start = scene.start_object + np.array([0.12, -LEVER, 0.25])
    margin = distance(scene.start_tcp + SHOULDER, start, scale)
    ready = tolerance(distance(scene.hand + SHOULDER, scene.object, scale), 0.02, margin)
    up = tolerance(distance(scene.object, scene.target), 0.04, distance(start, scene.target))
    return Paid(10.0 * both(ready, up), np.abs(-scene.joint - np.pi / 2.0) <= np.pi / 24)


def _dial_turn(scene: Scene) -> Paid:
    """10 both closing where one pushes the dial and turned."""
    radius, near = 0.07, 0.005
    away = distance(scene.object, scene.target)
    turned = tolerance(away, radius, np.abs(distance(scene.start_part, scene.target) - radius))
    push_at = scene.object + np.array([0.05, 0.02, 0.09])
    margin = np.abs(distance(scene.start_part, scene.start_tcp) - near)
    reached = tolerance(distance(push_at, scene.tcp), near, margin, gaussian=True)
    return Paid(10 * both(both(reached, closed(scene)), turned), away <= radius)


def _faucet(scene: Scene, handle: tuple[float, float, float]) -> Paid:
    """4 at the handle + 6 turned."""
    radius, near = 0.07, 0.01
    what = scene.object + np.array(handle)
    away = distance(what, scene.target)
    turned = tolerance(away, radius, np.abs(distance(scene.start_object, scene.target) - radius))
    margin = np.abs(distance(scene.start_object, scene.start_tcp) - near)
    reached = tolerance(distance(what, scene.tcp), near, margin, gaussian=True)
    done = away <= radius
    return Paid(np.where(done, FULL, (2 * reached + 3 * turned) * 2), done)


REWARDS: dict[str, Reward] = {
    "handle-press-v3": _press,
    "handle-press-side-v3": _press,
    "handle-pull-v3": _pull,
    "handle-pull-side-v3": _pull_side,
    "lever-pull-v3": _lever_pull,
    "dial-turn-v3": _dial_turn,
    "faucet-open-v3": partial(_faucet, handle=(-0.04, 0.0, 0.03)),
    "faucet-close-v3": partial(_faucet, handle=(0.0, 0.0, 0.0)),
}
