from __future__ import annotations

from pathlib import Path

import numpy as np
from matplotlib import pyplot as plt

from policybudget.assessment import figures
from policybudget.worlds.grid.resource_gathering import ResourceGathering

WALK = np.array([(4, 2), (3, 2), (3, 1), (4, 1), (4, 2)])


def test_drawing() -> None:
    assert figures.drawing(ResourceGathering(), WALK) == [
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


def test_paths_and_curve_are_pictures(tmp_path: Path) -> None:
    assignment = np.zeros((2, 25))
    assignment[0, :10] = assignment[1, 10:] = 1.0
    figure = figures.paths(ResourceGathering(), [WALK, WALK[:2]], assignment)
    assert [axis.get_title() for axis in figure.axes] == [
        "policy 0\n4 steps, 10 agents", "policy 1\n1 steps, 15 agents",
    ]  # fmt: skip
    assert figures.save(figure, tmp_path / "figures" / "paths.png").read_bytes().startswith(b"\x89PNG")
    metrics = tmp_path / "metrics.csv"
    rows = "em,1000000,1,2,\nem,2000000,3,4,5\n"
    metrics.write_text("phase,transitions,welfare,group_welfare_0,group_welfare_1\n" + rows)
    curve = figures.training_curve(metrics)
    lines = {line.get_label(): line.get_xydata() for line in curve.axes[0].lines}
    np.testing.assert_array_equal(lines["welfare of all"], [[1.0, 1.0], [2.0, 3.0]])
    np.testing.assert_array_equal(lines["group 0"], [[1.0, 2.0], [2.0, 4.0]])
    plt.close(curve)
    metrics.write_text(metrics.read_text().replace("em,1000000", "scouts,1000000"))
    curve = figures.training_curve(metrics)
    lines = {line.get_label(): line.get_xydata() for line in curve.axes[0].lines}
    np.testing.assert_array_equal(lines["group 0"], [[1.0, np.nan], [2.0, 4.0]])  # not the group of the phase before
    np.testing.assert_array_equal(lines["welfare of all"], [[1.0, np.nan], [2.0, 3.0]])
    assert lines["a new phase"][:, 0].tolist() == [1.0, 1.0]
    plt.close(curve)
