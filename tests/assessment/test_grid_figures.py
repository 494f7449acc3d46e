from __future__ import annotations

import numpy as np
from matplotlib import pyplot as plt

from policybudget.assessment import grid_figures

SIDE, HOME = 5, (4, 2)
WALK = np.array([(4, 2), (3, 2), (3, 1), (4, 1), (4, 2)])


def test_drawing() -> None:
    assert grid_figures.drawing(SIDE, HOME, WALK) == [
        "·   ·   ·   ·   ·",
        "                 ",
        "·   ·   ·   ·   ·",
        "                 ",
        "·   ·   ·   ·   ·",
        "                 ",
        "·   ●───●   ·   ·",
        "    │   │        ",
        "·   ●───■   ·   ·",
    ]


def test_paths() -> None:
    assignment = np.zeros((2, 25))
    assignment[0, :10] = assignment[1, 10:] = 1.0
    figure = grid_figures.paths(SIDE, HOME, [WALK, WALK[:2]], assignment)
    assert [axis.get_title() for axis in figure.axes] == [
        "policy 0\n4 steps, 10 users", "policy 1\n1 steps, 15 users",
    ]  # fmt: skip
    shaded = [np.asarray(axis.images[0].get_array(), bool) for axis in figure.axes]
    np.testing.assert_array_equal(shaded[0].ravel(), assignment[0] == 1)
    np.testing.assert_array_equal(shaded[1].ravel(), assignment[1] == 1)
    plt.close(figure)
