r"""How well the fingers hold an object, or are about to.

Caging is the Hamacher product of "between the pads" (along y, one tolerance per pad) and "at the object" (in the xz
plane). The fingers are asked to close once caging exceeds a threshold; what they then do is the grip:

.. math::
    \text{hold} = \tfrac12 (\text{caging} + \text{grip}), \qquad
    \text{grip} = [\text{caging} > 0.97] \cdot (\text{caging and effort}).

Meta-World has two forms. In the first (``hold``, ``grip``, ``reach_and_grip``) margins of the pads grow with their
distance from where the object was. In the second (``hold_beside``, ``pinch``) the package means their distance at the
reset, but keeps a reference to where pads *are* (``init_left_pad`` follows ``leftpad``). That is what it pays, and what
policies are trained on, so the margins here follow the pads, too.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from policybudget.worlds.metaworld.rewards.scene import Flags, Numbers, Scene
from policybudget.worlds.metaworld.rewards.shaping import both, distance, length, tolerance

XZ = np.array([0, 2])
CLOSE_FROM, PINCH_FROM = 0.97, 0.95
"""Caging above which grip, and pinch, count."""


class Fingers(NamedTuple):
    """Sizes that a grasp of an object goes by, in metres.

    Attributes:
        radius: of the object: no pad should come nearer.
        reach: distance along y within which a pad is at the object.
        xz: distance in the xz plane within which the fingers are at the object.
        effort: of the fourth action that counts as closed.
    """

    radius: float
    reach: float
    xz: float
    effort: float = 1.0


def closed(scene: Scene, effort: float = 1.0) -> Numbers:
    """How much the fingers are told to close.

    Args:
        scene: N rows.
        effort: the fourth action that is enough.

    Returns:
        (N) from 0 to 1.
    """
    return np.clip(scene.action[:, 3], 0, effort) / effort


def closing(scene: Scene) -> Numbers:
    """As :func:`closed`, with fingers that are told nothing half closed.

    Args:
        scene: N rows.

    Returns:
        (N) from 0 (open) to 1.
    """
    return (np.clip(scene.action[:, 3], -1, 1) + 1.0) / 2.0


def lifted(scene: Scene, near: float, rise: float, what: Numbers | None = None, start: Numbers | None = None) -> Flags:
    """Whether open fingers have an object between them that is off the ground.

    Args:
        scene: N rows.
        near: the fingers are nearer than this to the place to hold.
        rise: it is more than this above where it was.
        what: (N, 3) the place to hold; None for the scene's object.
        start: (N, 3) where it was at the reset; None for the scene's object.

    Returns:
        (N).
    """
    what, start = scene.object if what is None else what, scene.start_object if start is None else start
    return (distance(what, scene.tcp) < near) & (scene.opening > 0) & (what[:, 2] - rise > start[:, 2])


def hold(scene: Scene, what: Numbers, fingers: Fingers, start: Numbers | None = None) -> Numbers:
    """The mean of caging and grip.

    Args:
        scene: N rows.
        what: (N, 3) the place to hold.
        fingers: sizes.
        start: (N, 3) where it was at the reset; None for the scene's object.

    Returns:
        (N) from 0 to 1.
    """
    cage = _cage(scene, what, fingers, start)
    return (_grip(scene, cage, fingers) + cage) / 2


def grip(scene: Scene, what: Numbers, fingers: Fingers) -> Numbers:
    """Grip alone: nothing until the object is caged.

    Args:
        scene: N rows.
        what: (N, 3) the place to hold.
        fingers: sizes.

    Returns:
        (N) from 0 to 1.
    """
    return _grip(scene, _cage(scene, what, fingers, None), fingers)


def reach_and_grip(scene: Scene, what: Numbers, fingers: Fingers, radius: float) -> Numbers:
    """The mean of grip and a tolerance for the fingers' distance to the object.

    Args:
        scene: N rows.
        what: (N, 3) the place to hold.
        fingers: sizes.
        radius: distance that counts as there.

    Returns:
        (N) from 0 to 1.
    """
    margin = np.abs(distance(scene.start_object, scene.start_tcp) - radius)
    near = tolerance(distance(what, scene.tcp), radius, margin)
    return (grip(scene, what, fingers) + near) / 2


def hold_beside(scene: Scene, fingers: Fingers) -> Numbers:
    """The mean of caging and grip, of pads that are each on their side of the object.

    Args:
        scene: N rows.
        fingers: sizes.

    Returns:
        (N) from 0 to 1.
    """
    cage, _ = _beside(scene, fingers, fingers.reach)
    return (_grip(scene, cage, fingers) + cage) / 2


def pinch(scene: Scene, fingers: Fingers, slack: float) -> Numbers:
    """The mean of caging and of pads that touch the object, each on its side; the action does not matter.

    Args:
        scene: N rows.
        fingers: sizes.
        slack: distance from the object's radius within which a pad touches it.

    Returns:
        (N) from 0 to 1.
    """
    cage, touch = _beside(scene, fingers, fingers.radius + slack)
    return (cage + np.where(cage > PINCH_FROM, touch, 0.0)) / 2


def _grip(scene: Scene, cage: Numbers, fingers: Fingers) -> Numbers:
    """Effort counts from some caging on."""
    return both(cage, np.where(cage > CLOSE_FROM, closed(scene, fingers.effort), 0.0))


def _cage(scene: Scene, what: Numbers, fingers: Fingers, start: Numbers | None) -> Numbers:
    """Pads around a place, at any side of it."""
    start = scene.start_object if start is None else start
    pads = np.stack((scene.left_pad[:, 1], scene.right_pad[:, 1]), axis=1)
    margins = np.abs(np.abs(pads - start[:, 1:2]) - fingers.reach)
    sides = tolerance(np.abs(pads - what[:, 1:2]), fingers.reach, margins, lower=fingers.radius)
    return both(both(sides[:, 0], sides[:, 1]), _at(scene, what, start, fingers.xz))


def _beside(scene: Scene, fingers: Fingers, touching: float) -> tuple[Numbers, Numbers]:
    """Caging, and touching, of the object by pads that are each on their side."""
    y = scene.object[:, 1]
    pads = np.stack((y - scene.right_pad[:, 1], scene.left_pad[:, 1] - y), axis=1)
    margins = np.abs(np.abs(pads) - fingers.reach)
    around = tolerance(pads, fingers.reach, margins, lower=fingers.radius)
    touch = tolerance(pads, touching, margins, lower=fingers.radius)
    cage = both(both(around[:, 0], around[:, 1]), _at(scene, scene.object, scene.start_object, fingers.xz))
    return cage, both(touch[:, 0], touch[:, 1])


def _at(scene: Scene, what: Numbers, start: Numbers, upper: float) -> Numbers:
    """The fingers' distance in the xz plane, by that at the reset."""
    margin = length((start - scene.start_tcp)[:, XZ]) - upper
    return tolerance(length((scene.tcp - what)[:, XZ]), upper, margin)
