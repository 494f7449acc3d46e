"""Rewards of reaching a place, and of moving things along the table."""

from __future__ import annotations

from functools import partial

import numpy as np

from policybudget.worlds.metaworld.rewards.grasping import Fingers, hold, pinch, reach_and_grip
from policybudget.worlds.metaworld.rewards.scene import FULL, RADIUS, Paid, Reward, Scene
from policybudget.worlds.metaworld.rewards.shaping import both, distance, tolerance, within

HAND = np.array([0.0, 0.6, 0.2])
"""Where resets put the hand."""


def _reach(scene: Scene) -> Paid:
    """10 times a tolerance for the fingers' distance to the target."""
    away = distance(scene.tcp, scene.target)
    return Paid(10 * tolerance(away, RADIUS, distance(HAND, scene.target)), away <= RADIUS)


def _push(scene: Scene) -> Paid:
    """2 hold; with the fingers at the puck 1 + 4 hold + 5 placed; 10 at the target."""
    away = distance(scene.object, scene.target)
    placed = tolerance(away, RADIUS, distance(scene.start_object, scene.target))
    held = 2 * hold(scene, scene.object, Fingers(0.015, 0.05, 0.005))
    there = (distance(scene.object, scene.tcp) < 0.02) & (scene.opening > 0)
    reward = held + np.where(there, 1.0 + held + 5.0 * placed, 0.0)
    return Paid(np.where(away < RADIUS, FULL, reward), away <= RADIUS)


def _push_wall(scene: Scene) -> Paid:
    """As push, by way of a point beside the wall; past it, by way of the target."""
    scale, puck = (3.0, 1.0, 1.0), scene.object
    corner = np.stack((np.full(len(puck), -0.05), np.full(len(puck), 0.77), puck[:, 2]), axis=1)
    rounded = tolerance(distance(puck, corner, scale), RADIUS, distance(scene.start_object, corner, scale))
    away = distance(puck, scene.target)
    placed = tolerance(away, RADIUS, distance(scene.start_object, scene.target))
    held = 2 * hold(scene, puck, Fingers(0.015, 0.05, 0.005))
    there = (distance(puck, scene.tcp) < 0.02) & (scene.opening > 0)
    moved = np.where(puck[:, 1] > 0.75, held + 1.0 + 4.0 + 3.0 * placed, held + 1.0 + 4.0 * rounded)
    return Paid(np.where(away < RADIUS, FULL, np.where(there, moved, held)), away <= 0.07)


def _push_back(scene: Scene) -> Paid:
    """Both pinched and placed; with the puck in half-closed fingers and 1 cm on its way, 1 + 5 placed more."""
    away, at_first = distance(scene.object, scene.target), distance(scene.start_object, scene.target)
    placed = tolerance(away, RADIUS, at_first)
    reward = both(pinch(scene, Fingers(0.007, 0.05, 0.01), slack=0.003), placed)
    moved = (distance(scene.object, scene.tcp) < 0.01) & within(scene.opening, 0, 0.55) & (at_first - away > 0.01)
    reward = reward + np.where(moved, 1.0 + 5.0 * placed, 0.0)
    return Paid(np.where(away < RADIUS, FULL, reward), away <= 0.07)


def _coffee(scene: Scene) -> Paid:
    """Both held and placed; with the fingers at the mug 1 + 5 placed more. Height counts half."""
    scale = (2.0, 2.0, 1.0)
    away = distance(scene.object, scene.target, scale)
    placed = tolerance(away, 0.05, distance(scene.start_object, scene.target, scale))
    held = reach_and_grip(scene, scene.object, Fingers(0.02, 0.05, 0.05, effort=0.7), radius=0.04)
    there = (distance(scene.object, scene.tcp) < 0.04) & (scene.opening > 0)
    reward = both(held, placed) + np.where(there, 1.0 + 5.0 * placed, 0.0)
    return Paid(np.where(away < 0.05, FULL, reward), distance(scene.object, scene.target) <= 0.07)


def _soccer(scene: Scene) -> Paid:
    """3 pinched + 6.5 placed; a ball beside the goal is placed less, the nearer it is to the end of the table.

    The margin is how far the ball has come, not how far it had to go.
    """
    scale, ball, goal = (3.0, 1.0, 1.0), scene.object, scene.target
    away = distance(ball, goal, scale)
    placed = tolerance(away, 0.07, distance(ball, scene.start_object, scale))
    line = goal[:, 1] - 0.1
    missed = (ball[:, 1] > line) & (np.abs(ball[:, 0] - goal[:, 0]) > 0.1)
    placed = np.where(missed, np.clip(placed - 2 * ((ball[:, 1] - line) / (1 - line)), 0.0, 1.0), placed)
    reward = 3 * pinch(scene, Fingers(0.013, 0.05, 0.005), slack=0.01) + 6.5 * placed
    return Paid(np.where(away < 0.07, FULL, reward), distance(ball, goal) <= 0.07)


def _sweep(scene: Scene) -> Paid:
    """2 pinched + 6 both pinched and placed."""
    return _swept(scene, pinch(scene, Fingers(0.02, 0.05, 0.005), slack=0.01))


def _sweep_into(scene: Scene) -> Paid:
    """As sweep, to a target at the puck's own height: it falls into a hole."""
    level = scene.target.copy()
    level[:, 2] = scene.object[:, 2]
    return _swept(scene._replace(target=level), pinch(scene, Fingers(0.02, 0.05, 0.01), slack=0.005))


def _swept(scene: Scene, pinched: np.ndarray) -> Paid:
    away = distance(scene.object, scene.target)
    placed = tolerance(away, RADIUS, distance(scene.start_object, scene.target))
    reward = 2 * pinched + 6 * both(pinched, placed)
    return Paid(np.where(away < RADIUS, FULL, reward), away <= RADIUS)


def _plate(scene: Scene, from_above: bool) -> Paid:
    """8 both reached and placed. From above: 1.5 reached; with the fingers down on the plate 2 + 7 placed."""
    less = RADIUS if from_above else 0.0
    away, to_plate = distance(scene.object, scene.target), distance(scene.tcp, scene.object)
    placed = tolerance(away, RADIUS, distance(scene.start_object, scene.target) - less)
    reached = tolerance(to_plate, RADIUS, distance(scene.start_tcp, scene.start_object) - less)
    if from_above:
        down = (scene.tcp[:, 2] <= 0.03) & (to_plate < 0.07)
        reward = np.where(down, 2.0 + 7.0 * placed, 1.5 * reached)
    else:
        reward = 8 * both(reached, placed)
    return Paid(np.where(away < RADIUS, FULL, reward), away <= 0.07)


REWARDS: dict[str, Reward] = {
    "reach-v3": _reach,
    "reach-wall-v3": _reach,
    "push-v3": _push,
    "push-wall-v3": _push_wall,
    "push-back-v3": _push_back,
    "coffee-push-v3": _coffee,
    "coffee-pull-v3": _coffee,
    "soccer-v3": _soccer,
    "sweep-v3": _sweep,
    "sweep-into-v3": _sweep_into,
    "plate-slide-v3": partial(_plate, from_above=False),
    "plate-slide-side-v3": partial(_plate, from_above=True),
    "plate-slide-back-v3": partial(_plate, from_above=True),
    "plate-slide-back-side-v3": partial(_plate, from_above=True),
}
