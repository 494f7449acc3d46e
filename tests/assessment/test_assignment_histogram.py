from __future__ import annotations

import numpy as np
import pytest
from matplotlib import pyplot as plt
from matplotlib.colors import to_hex

from policybudget.assessment import figures


@pytest.mark.parametrize("budget", [3, 20])
def test_bars_count_every_agent_in_its_policies_colour(budget: int) -> None:
    parameter = np.linspace(0.05, 3.95, 200)
    serves = np.minimum((parameter / 4 * budget).astype(int), budget - 1)
    figure = figures.assignment_histogram(parameter, np.eye(budget)[serves].T, "target velocity (m/s)")
    (axis,) = figure.axes
    heights: dict[str, float] = {}
    for bar in axis.patches:
        heights[to_hex(bar.get_facecolor())] = heights.get(to_hex(bar.get_facecolor()), 0.0) + bar.get_height()
    assert len(heights) == budget and sum(heights.values()) == pytest.approx(200)
    assert list(heights.values()) == pytest.approx(np.bincount(serves).astype(float).tolist())
    if budget == 3:
        assert list(heights) == [figures.colour(j).lower() for j in range(3)]
    assert (axis.get_xlabel(), axis.get_ylabel()) == ("target velocity (m/s)", "agents")
    plt.close(figure)


def test_policies_that_serve_nobody_have_no_bars() -> None:
    figure = figures.assignment_histogram(np.array([1.0, 2.0]), np.array([[0.0, 0.0], [1.0, 1.0]]), "target")
    assert {to_hex(bar.get_facecolor()) for bar in figure.axes[0].patches} == {figures.colour(1).lower()}
    plt.close(figure)
