from __future__ import annotations

from pathlib import Path

import numpy as np
from matplotlib import pyplot as plt

from policybudget.assessment import figures


def test_training_curve(tmp_path: Path) -> None:
    metrics = tmp_path / "metrics.csv"
    rows = "em,1000000,1,2,\nem,2000000,3,4,5\n"
    metrics.write_text("phase,transitions,welfare,group_welfare_0,group_welfare_1\n" + rows)
    curve = figures.training_curve(metrics)
    lines = {line.get_label(): line.get_xydata() for line in curve.axes[0].lines}
    np.testing.assert_array_equal(lines["welfare of all"], [[1.0, 1.0], [2.0, 3.0]])
    np.testing.assert_array_equal(lines["group 0"], [[1.0, 2.0], [2.0, 4.0]])
    plt.close(curve)
    metrics.write_text(metrics.read_text().replace("em,1000000", "universal policy,1000000"))
    curve = figures.training_curve(metrics)
    lines = {line.get_label(): line.get_xydata() for line in curve.axes[0].lines}
    np.testing.assert_array_equal(lines["group 0"], [[1.0, np.nan], [2.0, 4.0]])  # not the group of the phase before
    np.testing.assert_array_equal(lines["welfare of all"], [[1.0, np.nan], [2.0, 3.0]])
    assert lines["a new phase"][:, 0].tolist() == [1.0, 1.0]
    plt.close(curve)


def test_what_was_not_known_yet_is_a_gap(tmp_path: Path) -> None:
    metrics = tmp_path / "metrics.csv"
    metrics.write_text("phase,transitions,welfare,group_welfare_0\nem,1000000,,\nem,2000000,3,4\n")
    curve = figures.training_curve(metrics)
    lines = {line.get_label(): line.get_xydata() for line in curve.axes[0].lines}
    np.testing.assert_array_equal(lines["welfare of all"], [[1.0, np.nan], [2.0, 3.0]])
    np.testing.assert_array_equal(lines["group 0"], [[1.0, np.nan], [2.0, 4.0]])
    plt.close(curve)


def test_a_figure_is_written_as_png_into_a_new_folder(tmp_path: Path) -> None:
    figure, _ = figures.axes("across", "up")
    path = figures.save(figure, tmp_path / "figures" / "empty.png")
    assert path.read_bytes().startswith(b"\x89PNG")
    assert not plt.get_fignums()


def test_shades_are_the_policies_colours_while_there_are_enough() -> None:
    assert [figures.shade(j, 8) for j in range(8)] == list(figures.COLOURS)
    assert len({tuple(figures.shade(j, 20)) for j in range(20)}) == 20
