from __future__ import annotations

import numpy as np
import pytest
from matplotlib import pyplot as plt

from policybudget.assessment import cover_figures


@pytest.mark.parametrize("columns", [1, 2])
@pytest.mark.parametrize("prototypes", [3, 12])
def test_boxes(columns: int, prototypes: int) -> None:
    random = np.random.default_rng(0)
    tasks, centres = random.normal(size=(20, columns)), random.normal(size=(prototypes, columns))
    within = (np.abs(tasks - centres[:, None]) <= 0.5).all(axis=2)
    figure = cover_figures.boxes(tasks, centres, np.ones(columns), within, ["speed", "incline"])
    axis = figure.axes[0]
    outlines = [patch for patch in axis.patches if not patch.get_fill()]
    np.testing.assert_allclose([box.get_x() + 0.5 for box in outlines], centres[:, 0])
    np.testing.assert_allclose([line.get_xdata()[0] for line in axis.lines], centres[:, 0])
    covered = within.any(axis=0)
    np.testing.assert_allclose(axis.collections[0].get_offsets()[:, 0], tasks[covered, 0])
    np.testing.assert_allclose(axis.collections[1].get_offsets()[:, 0], tasks[~covered, 0])
    assert axis.get_xlabel() == "speed" and axis.get_ylabel() == ("" if columns == 1 else "incline")
    plt.close(figure)


def test_coverage_curve() -> None:
    coverage = [0.3, 0.5]
    bounds: list[list[float | None]] = [[0.3, 0.5], [0.3, 0.6], [None, None]]
    figures = [cover_figures.coverage_curve([1, 2], coverage, known, "budget", True) for known in bounds]
    assert [len(figure.axes[0].lines) for figure in figures] == [1, 2, 1]
    assert figures[0].axes[0].get_ylabel() == "share of the tasks"
    plt.close("all")
