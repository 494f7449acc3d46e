"""Rewards of pressing buttons. Where the package speaks of closed fingers, all but one task pay for open ones."""

from __future__ import annotations

from functools import partial

import numpy as np

from policybudget.worlds.metaworld.rewards.scene import Numbers, Paid, Reward, Scene
from policybudget.worlds.metaworld.rewards.shaping import both, distance, tolerance

Y, Z = 1, 2


def _near(scene: Scene, radius: float) -> tuple[Numbers, Numbers]:
    """The fingers' distance to the button, and a tolerance for it; the margin is where they were at the reset."""
    away = distance(scene.object, scene.tcp)
    return away, tolerance(away, radius, distance(scene.object, scene.start_tcp))


def _left(scene: Scene, axis: int) -> Numbers:
    """How far the button still has to go."""
    return np.abs(scene.target[:, axis] - scene.object[:, axis])


def _pressed(scene: Scene, axis: int) -> Numbers:
    """A tolerance for that; the margin is the way that it has in all."""
    return tolerance(_left(scene, axis), 0.005, np.abs(scene.target[:, axis] - scene.start_part[:, axis]))


def _topdown(scene: Scene, wall: bool) -> Paid:
    """5 both fingers (closed, or open before a wall) and near; at the button 5 pressed more."""
    away, near = _near(scene, 0.01)
    fingers = scene.opening if wall else 1 - scene.opening
    reward = 5 * both(fingers, near) + np.where(away <= 0.03, 5 * _pressed(scene, Z), 0.0)
    return Paid(reward, _left(scene, Z) <= 0.024)


def _ahead(scene: Scene, pressed: Numbers) -> Paid:
    """2 both open and near; at the button 8 pressed more."""
    away, near = _near(scene, 0.05)
    reward = 2 * both(scene.opening, near) + np.where(away <= 0.05, 8 * pressed, 0.0)
    return Paid(reward, _left(scene, Y) <= 0.02)


def _press(scene: Scene) -> Paid:
    """A button in a box."""
    return _ahead(scene, _pressed(scene, Y))


def _coffee_button(scene: Scene) -> Paid:
    """The button of a coffee machine, which goes 3 cm."""
    return _ahead(scene, tolerance(_left(scene, Y), 0.005, 0.03))


def _press_wall(scene: Scene) -> Paid:
    """2 both half closed and near; at the button 2 + 2 (1 + open) + 4 pressed squared."""
    away, near = _near(scene, 0.01)
    coming = 2 * both((1 - scene.opening) / 2.0, near)
    there = 2 + 2 * (1 + scene.opening) + 4 * _pressed(scene, Y) ** 2
    return Paid(np.where(away > 0.07, coming, there), _left(scene, Y) <= 0.03)


REWARDS: dict[str, Reward] = {
    "button-press-topdown-v3": partial(_topdown, wall=False),
    "button-press-topdown-wall-v3": partial(_topdown, wall=True),
    "button-press-v3": _press,
    "button-press-wall-v3": _press_wall,
    "coffee-button-v3": _coffee_button,
}
