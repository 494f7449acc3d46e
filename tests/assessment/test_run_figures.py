from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from matplotlib import pyplot as plt
from matplotlib.colors import to_hex

from policybudget.assessment import figures, run_figures

HEADER = "phase,transitions,best_welfare,welfare,group_welfare_0,group_welfare_1\n"


def curve(folder: Path, rows: str, welfare: float) -> tuple[Any, dict[str, np.ndarray]]:
    (folder / "metrics.csv").write_text(HEADER + rows)
    figure = run_figures.training_curve(folder / "metrics.csv", welfare)
    (axis,) = figure.axes
    lines = {line.get_label(): np.asarray(line.get_xydata(), float) for line in axis.lines}
    plt.close(figure)
    return axis, lines


def test_the_curve_ends_at_the_reported_welfare(tmp_path: Path) -> None:
    axis, lines = curve(tmp_path, "em,1000000,1,1,2,0\nem,2000000,3,3,4,2\n", 3.5)
    np.testing.assert_array_equal(lines["best known welfare"], [[1, 1], [2, 3], [2, 3.5]])
    np.testing.assert_array_equal(lines["welfare now, sampled actions"], [[1, 1], [2, 3]])
    np.testing.assert_array_equal(lines["in the end: 3.50"][:, 1], [3.5, 3.5])
    assert axis.get_xlabel() == "transitions of all policies (millions)"
    (band,) = axis.collections
    assert {tuple(corner) for corner in band.get_paths()[0].vertices} == {(1, 0), (1, 2), (2, 2), (2, 4)}
    assert not axis.texts, "one phase needs no name"


def test_phases_are_shaded_in_turn_and_named(tmp_path: Path) -> None:
    rows = "first,1000,1,1,2,0\nfirst,2000,3,3,4,2\nsecond,3000,3,2,2,1\nthird,4000,3,2,2,1\n"
    axis, lines = curve(tmp_path, rows, 3.5)
    assert [(text.get_text(), text.xy[0]) for text in axis.texts] == [("first", 2), ("second", 3), ("third", 4)]
    (shaded,) = axis.patches
    assert (shaded.get_x(), shaded.get_x() + shaded.get_width()) == (2, 3)
    now = lines["welfare now, sampled actions"]
    assert np.isnan(now[[1, 2], 1]).all() and now[0, 1] == 1, "no line from one phase to the next"
    np.testing.assert_array_equal(lines["best known welfare"][:, 1], [1, 3, 3, 3, 3.5])


def test_what_was_not_known_yet_is_a_gap(tmp_path: Path) -> None:
    axis, lines = curve(tmp_path, "em,1000,,,,\nem,2000,-40,-40,-50,-30\n", -20.0)
    np.testing.assert_array_equal(lines["best known welfare"], [[1, np.nan], [2, -40], [2, -20]])
    assert axis.get_ylim()[1] < 0, "returns below zero do not begin at zero"


def test_users_are_sorted_by_policy_and_who_serves_is_framed() -> None:
    returns = np.array([[1.0, 5.0, 2.0, 0.0], [4.0, 0.0, 3.0, 0.5]])
    assignment = np.array([[0.0, 1.0, 0.3, 0.0], [1.0, 0.0, 0.7, 0.0]])
    outside = np.array([-np.inf, 1.0, -np.inf, 2.0])
    figure = run_figures.returns_map(returns, assignment, ("ann", "bob", "cem", "somebody with a long name"), outside)
    axis = figure.axes[0]
    table = axis.images[0].get_array()
    np.testing.assert_array_equal(table.filled(-1), [[5, 1, 2, 0], [0, 4, 3, 0.5], [1, -1, -1, 2]])
    assert [label.get_text() for label in axis.get_xticklabels()] == ["bob", "ann", "cem", "somebody with a…"]
    assert [label.get_text() for label in axis.get_yticklabels()] == [
        "policy 0: 1 user", "policy 1: 2 users", "outside option",
    ]  # fmt: skip
    assert [(*frame.get_xy(), frame.get_width()) for frame in axis.patches] == [
        (-0.5, -0.5, 1), (0.5, 0.5, 2), (2.5, 1.5, 1),
    ]  # fmt: skip
    assert [text.get_text() for text in axis.texts][:4] == ["5", "1", "2", "0"] and len(axis.texts) == 10
    plt.close(figure)


@pytest.mark.parametrize(("users", "budget"), [(2, 1), (2, 2), (500, 25)])
def test_few_and_many_users(users: int, budget: int) -> None:
    returns = np.random.default_rng(0).normal(size=(budget, users))
    assignment = np.eye(budget)[returns.argmax(axis=0)].T
    figure = run_figures.returns_map(returns, assignment, tuple(map(str, range(users))))
    axis = figure.axes[0]
    framed = [(int(frame.get_y() + 0.5), int(frame.get_width())) for frame in axis.patches]
    assert framed == [(j, count) for j, count in enumerate(np.bincount(returns.argmax(axis=0))) if count]
    assert bool(axis.texts) == (users == 2)
    assert max(figure.get_size_inches()) <= 10
    plt.close(figure)


@pytest.mark.parametrize("budget", [3, 20])
def test_bars_count_every_agent_in_its_policies_colour_and_hatch(budget: int) -> None:
    parameter = np.linspace(0.05, 3.95, 200)
    serves = np.minimum((parameter / 4 * budget).astype(int), budget - 1)
    figure = run_figures.assignment_histogram(parameter, np.eye(budget)[serves].T, "target velocity (m/s)")
    (axis,) = figure.axes
    heights: dict[tuple[str, str | None], float] = {}
    for bar in axis.patches:
        look = to_hex(bar.get_facecolor()).upper(), bar.get_hatch() or ""
        heights[look] = heights.get(look, 0.0) + bar.get_height()
    looks = [figures.area(j) for j in range(budget)]
    assert list(heights) == [(look["facecolor"], look["hatch"]) for look in looks]
    assert list(heights.values()) == pytest.approx(np.bincount(serves).astype(float).tolist())
    assert [text.get_text() for text in axis.texts] == [str(j) for j in range(budget)]
    middles = [points.get_offsets()[0, 0] for points in axis.collections]
    assert middles == sorted(middles)
    assert (axis.get_xlabel(), axis.get_ylabel()) == ("target velocity (m/s)", "users")
    plt.close(figure)


@pytest.mark.parametrize(("budget", "rows"), [(5, 1), (30, 1), (60, 3)])
def test_numbers_of_policies_that_stand_close_are_in_rows(budget: int, rows: int) -> None:
    parameter = np.linspace(0.0, 4.0, 20 * budget)
    alpha = np.eye(budget)[np.arange(20 * budget) // 20].T
    figure = run_figures.assignment_histogram(parameter, alpha, "target velocity (m/s)")
    (axis,) = figure.axes
    assert len({text.get_position()[1] for text in axis.texts}) == rows
    figure.canvas.draw()
    boxes = [text.get_window_extent() for text in axis.texts]
    assert len(boxes) == budget
    assert not any(one.overlaps(other) for i, one in enumerate(boxes) for other in boxes[:i])
    assert max(text.get_position()[1] for text in axis.texts) < 0.97 * axis.get_ylim()[1]
    plt.close(figure)


def test_policies_that_serve_nobody_have_no_bars() -> None:
    figure = run_figures.assignment_histogram(np.array([1.0, 2.0]), np.array([[0.0, 0.0], [1.0, 1.0]]), "target")
    assert {to_hex(bar.get_facecolor()).upper() for bar in figure.axes[0].patches} == {figures.colour(1)}
    plt.close(figure)
