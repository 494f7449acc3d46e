"""Rewards of lifting something and putting it somewhere."""

from __future__ import annotations

import numpy as np

from policybudget.worlds.metaworld.rewards.grasping import Fingers, closing, grip, hold, hold_beside, lifted
from policybudget.worlds.metaworld.rewards.scene import FULL, RADIUS, Paid, Reward, Scene
from policybudget.worlds.metaworld.rewards.shaping import (
    above,
    both,
    distance,
    floor,
    length,
    tolerance,
    upright,
    within,
)


def _pick_place(scene: Scene) -> Paid:
    """Both held and placed; lifted, 1 + 5 placed more."""
    away = distance(scene.object, scene.target)
    placed = tolerance(away, RADIUS, distance(scene.start_object, scene.target))
    reward = both(hold_beside(scene, Fingers(0.015, 0.05, 0.005)), placed)
    reward = reward + np.where(lifted(scene, near=0.02, rise=0.01), 1.0 + 5.0 * placed, 0.0)
    return Paid(np.where(away < RADIUS, FULL, reward), away <= 0.07)


def _pick_place_wall(scene: Scene) -> Paid:
    """Both gripped and over the wall; lifted, 1 + 4 over the wall more; past it, 5 + 3 placed more."""
    scale, puck = (1.0, 1.0, 3.0), scene.object
    top = scene.target.copy()
    top[:, 1:] = 0.77, 0.25
    over = tolerance(distance(puck, top, scale), RADIUS, distance(scene.start_object, top, scale))
    away = distance(puck, scene.target)
    placed = tolerance(away, RADIUS, distance(scene.start_object, scene.target))
    reward = both(grip(scene, puck, Fingers(0.015, 0.05, 0.005)), over)
    moved = np.where(puck[:, 1] > 0.75, reward + 1.0 + 4.0 + 3.0 * placed, reward + 1.0 + 4.0 * over)
    reward = np.where(lifted(scene, near=0.02, rise=0.015), moved, reward)
    return Paid(np.where(away < RADIUS, FULL, reward), away <= 0.07)


def _shelf_place(scene: Scene) -> Paid:
    """Both gripped and placed; lifted, 1 + 5 placed more. Below the shelf it is not placed, before it less so."""
    deep, high = 3 * RADIUS, 0.24
    x, y, z = scene.object.T
    goal_x, goal_y, _ = scene.target.T
    away = distance(scene.object, scene.target)
    placed = tolerance(away, RADIUS, distance(scene.start_object, scene.target))
    reward = both(grip(scene, scene.object, Fingers(0.02, 0.05, 0.01)), placed)
    low = within(z, 0.0, high) & within(x, goal_x - 0.15, goal_x + 0.15)
    before = low & within(y, goal_y - deep, goal_y)
    lost = both((y - (goal_y - deep)) / deep, (high - z) / high)
    placed = np.where(before, np.clip(placed - lost, 0.0, 1.0), placed)
    placed = np.where(low & (y > goal_y), 0.0, placed)
    reward = reward + np.where(lifted(scene, near=0.025, rise=0.01), 1.0 + 5.0 * placed, 0.0)
    return Paid(np.where(away < RADIUS, FULL, reward), away <= 0.07)


def _bin_picking(scene: Scene) -> Paid:
    """Both held and placed; in the hand, 1 + 5 both placed and above the funnels over the two bins more."""
    hand, ground = scene.hand, scene.hand[:, :2]
    away = distance(scene.object, scene.target)
    placed = tolerance(away, RADIUS, distance(scene.start_part, scene.target))
    funnels = [floor(length(ground - at[:, :2]), 0.03, 0.02, 0.2) for at in (scene.start_object, scene.target)]
    clear = above(np.minimum(*funnels), hand[:, 2], margin=0.05)
    reward = both(hold(scene, scene.object, Fingers(0.015, 0.05, 0.01, effort=0.7)), placed)
    held = (distance(scene.object, hand) < 0.04) & (scene.object[:, 2] - 0.02 > scene.start_object[:, 2])
    held &= ~(scene.opening < 0.43)
    reward = reward + np.where(held, 1.0 + 5.0 * both(clear, placed), 0.0)
    return Paid(np.where(away < RADIUS, FULL, reward), away <= RADIUS)


def _pick_out_of_hole(scene: Scene) -> Paid:
    """Both held and placed; in the fingers, 1 + 5 both placed and above the funnel over the hole more."""
    away = distance(scene.object, scene.target)
    placed = tolerance(away, 0.02, distance(scene.start_object, scene.target))
    funnel = floor(length((scene.tcp - scene.start_object)[:, :2]), 0.03, 0.015, 0.15)
    clear = above(funnel, scene.tcp[:, 2], margin=0.02)
    reward = both(hold(scene, scene.object, Fingers(0.015, 0.02, 0.03, effort=0.1)), placed)
    held = (distance(scene.object, scene.tcp) < 0.04) & (scene.object[:, 2] - 0.02 > scene.start_object[:, 2])
    held &= ~(scene.opening < 0.33)
    reward = reward + np.where(held, 1.0 + 5.0 * both(placed, clear), 0.0)
    return Paid(np.where(away < RADIUS, FULL, reward), away <= 0.07)


def _basketball(scene: Scene) -> Paid:
    """Both held and placed; lifted, it counts as held, and 1 + 5 placed more. The place is 0.3 m up; height doubles."""
    scale = (1.0, 1.0, 2.0)
    ring = scene.target.copy()
    ring[:, 2] = 0.3
    away = distance(scene.object, ring, scale)
    placed = tolerance(away, 0.08, distance(scene.start_object, ring, scale))
    up = lifted(scene, near=0.035, rise=0.01)
    held = np.where(up, 1.0, hold(scene, scene.object, Fingers(0.025, 0.06, 0.005)))
    reward = both(held, placed) + np.where(up, 1.0 + 5.0 * placed, 0.0)
    return Paid(np.where(away < 0.08, FULL, reward), away <= 0.08)


def _hand_insert(scene: Scene) -> Paid:
    """Both held and placed; with the fingers at the block 1 + 7 placed more."""
    away = distance(scene.object, scene.target)
    placed = tolerance(away, RADIUS, distance(scene.start_object, scene.target))
    there = (distance(scene.object, scene.tcp) < 0.02) & (scene.opening > 0)
    reward = both(hold(scene, scene.object, Fingers(0.015, 0.05, 0.005)), placed)
    reward = reward + np.where(there, 1.0 + 7.0 * placed, 0.0)
    return Paid(np.where(away < RADIUS, FULL, reward), away <= RADIUS)


def _box_close(scene: Scene) -> Paid:
    """(2 both closing and over the lid + 8 lid placed) times how level the lid is."""
    lid = scene.object + np.array([0.0, 0.0, 0.02])
    funnel = floor(length((scene.hand - lid)[:, :2]), 0.02, 0.04, 0.4)
    clear = above(funnel, scene.hand[:, 2], margin=funnel / 2.0)
    ready = both(clear, tolerance(distance(scene.hand, lid), 0.02, 0.5))
    on = 0.2 * (lid[:, 2] > 0.04) + 0.8 * tolerance(distance(scene.target, lid, (1.0, 1.0, 3.0)), 0.05, 0.25)
    done = distance(scene.object, scene.target) < 0.08
    reward = np.where(done, FULL, 2.0 * both(closing(scene), ready) + 8.0 * on)
    return Paid(reward * upright(scene.turn, (0.707, 0, 0, 0.707), slack=0.2), done)


REWARDS: dict[str, Reward] = {
    "pick-place-v3": _pick_place,
    "pick-place-wall-v3": _pick_place_wall,
    "shelf-place-v3": _shelf_place,
    "bin-picking-v3": _bin_picking,
    "pick-out-of-hole-v3": _pick_out_of_hole,
    "basketball-v3": _basketball,
    "hand-insert-v3": _hand_insert,
    "box-close-v3": _box_close,
}
