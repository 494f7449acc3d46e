r"""The pieces that Meta-World's rewards are made of, a row at a time over a batch.

A *tolerance* is 1 while x lies within bounds, and falls with the distance d beyond them, in units of a margin in which
it falls to 0.1 (Tassa et al. 2018, the DeepMind Control Suite):

.. math::
    \text{long tail: } \frac{1}{1 + (3 d)^2} \qquad \text{gaussian: } e^{-(s d)^2 / 2},\; s = \sqrt{-2 \ln 0.1}.

*Both* of two tolerances is their Hamacher product :math:`ab / (a + b - ab)`, which is near 1 only if both are (Yu et
al. 2021, Meta-World's second rewards).
"""

from __future__ import annotations

import numpy as np

from policybudget.worlds.metaworld.rewards.scene import Flags, Numbers

AT_MARGIN = 0.1
"""What a tolerance has fallen to one margin beyond its bounds."""
_TAIL = np.sqrt(1 / AT_MARGIN - 1)
_BELL = np.sqrt(-2 * np.log(AT_MARGIN))


def length(vectors: Numbers) -> Numbers:
    """Euclidean lengths.

    Args:
        vectors: (..., d).

    Returns:
        (...) as ``np.linalg.norm`` of each vector gives it, to the last bit.
    """
    lengths: Numbers = np.sqrt(np.vecdot(vectors, vectors))
    return lengths


def distance(one: Numbers, other: Numbers, scale: tuple[float, float, float] | None = None) -> Numbers:
    """Euclidean distances, with axes of different weight if asked.

    Args:
        one: (..., 3) points.
        other: (..., 3) points.
        scale: of x, y and z; None for (1, 1, 1).

    Returns:
        (...) in metres.
    """
    return length(one - other if scale is None else (one - other) * np.array(scale))


def tolerance(
    x: Numbers, upper: float, margin: Numbers | float, *, lower: float = 0.0, gaussian: bool = False
) -> Numbers:
    """1 from ``lower`` to ``upper``, and less beyond.

    Args:
        x: (...) what is judged.
        upper: bound, still within.
        margin: (...) not negative; at this distance from the nearer bound the value is 0.1. With 0 it is 0 beyond them.
        lower: bound, still within.
        gaussian: whether it falls like a bell, and not with a long tail.

    Returns:
        (...) from 0 to 1.
    """
    beyond = np.maximum(lower - x, x - upper)
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):  # by a margin of 0
        margins = beyond / margin
        fallen = np.exp(-0.5 * (margins * _BELL) ** 2) if gaussian else 1 / ((margins * _TAIL) ** 2 + 1)
    return np.where(beyond > 0, fallen, 1.0)


def both(one: Numbers, other: Numbers) -> Numbers:
    """The Hamacher product of two numbers from 0 to 1.

    Args:
        one: (...) the first.
        other: (...) the second.

    Returns:
        (...) from 0 to 1; 0 where both are 0.
    """
    product = one * other
    either = one + other - product
    return np.divide(product, either, out=np.zeros_like(either), where=either > 0)


def floor(away: Numbers, radius: Numbers | float, steep: float, height: float) -> Numbers:
    """Height below which the hand should not come near an object from the side: a funnel, open around the object.

    Args:
        away: (...) horizontal distance from the middle of the funnel.
        radius: (...) of its mouth, in which the floor is 0.
        steep: how much the floor rises when the distance to the mouth grows e-fold.
        height: of the floor at 1 m from the mouth.

    Returns:
        (...) in metres; below 0 just outside the mouth.
    """
    outside = away - radius
    return np.where(away > radius, steep * np.log(np.where(away > radius, outside, 1.0)) + height, 0.0)


def above(floors: Numbers, height: Numbers, margin: Numbers | float) -> Numbers:
    """1 above a floor, and less below it.

    Args:
        floors: (...) heights.
        height: (...) of the hand.
        margin: (...) depth below the floor, and 1 cm, at which the value is 0.1.

    Returns:
        (...) from 0 to 1.
    """
    return np.where(height >= floors, 1.0, tolerance(floors - height, 0.01, margin))


def upright(turn: Numbers, wanted: tuple[float, float, float, float], slack: float) -> Numbers:
    """How near an object's turn is to a wanted one.

    Args:
        turn: (..., 4) quaternions.
        wanted: a quaternion.
        slack: distance of quaternions at which nothing is left.

    Returns:
        (...) from 0 to 1.
    """
    return np.maximum(1.0 - length(turn - np.array(wanted)) / slack, 0.0)


def within(x: Numbers, lower: Numbers | float, upper: Numbers | float) -> Flags:
    """Whether numbers lie strictly between two others.

    Args:
        x: (...) what is judged.
        lower: (...) bound.
        upper: (...) bound.

    Returns:
        (...) false on the bounds.
    """
    return (lower < x) & (x < upper)
