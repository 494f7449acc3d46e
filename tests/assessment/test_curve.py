"""The budget curve: the best k of candidates, judged by episodes that chose nothing."""

from __future__ import annotations

import numpy as np
import pytest
from matplotlib import pyplot as plt

from policybudget.assessment.curve import COLUMNS, Candidates, Point, assign, best_for_cost, curve, point, smallest
from policybudget.assessment.curve_figures import draw
from policybudget.population import Population
from policybudget.welfare import Egalitarian, Utilitarian

AGENTS = Population.from_features(["a", "b", "c"])
TABLE = np.array([[9.0, 0, 0], [0, 9, 0], [0, 0, 6], [4.5, 4.5, 4.5], [5, 6, 4]])


def candidates(choose: np.ndarray, assign_by: np.ndarray, judge: np.ndarray, episodes: int = 3) -> Candidates:
    return Candidates(
        *(np.repeat(table[:, None], episodes, axis=1).astype(np.float32) for table in (choose, assign_by, judge))
    )


def test_the_best_k_are_chosen_for_every_k() -> None:
    same = candidates(TABLE, TABLE, TABLE)
    points = [point(AGENTS, Utilitarian(), same, k, floor=5.0) for k in (1, 2, 3)]
    assert [one.chosen for one in points] == [(4,), (0, 4), (0, 1, 2)]
    np.testing.assert_allclose([one.welfare for one in points], [5, 19 / 3, 8], rtol=1e-6)
    assert [one.worst for one in points] == [4, 4, 6]
    np.testing.assert_allclose([one.above_floor for one in points], [2 / 3, 2 / 3, 1])
    assert all(one.ci95 == 0 and one.chosen_on == pytest.approx(one.welfare) for one in points)
    fair = point(AGENTS, Egalitarian(), same, 1)
    assert fair.chosen == (3,) and fair.welfare == 4.5 and fair.above_floor is None


def test_choosing_assigning_and_judging_use_episodes_of_their_own() -> None:
    choose, by, judge = TABLE, TABLE[:, ::-1], np.arange(15.0).reshape(5, 3)
    found = point(AGENTS, Utilitarian(), candidates(choose, by, judge), 1)
    assert found.chosen == (4,) and found.chosen_on == pytest.approx(5)
    assert found.welfare == pytest.approx(judge[4].mean()) and found.worst == 12
    two = point(AGENTS, Utilitarian(), candidates(choose, by, judge), 2)
    assert two.chosen == (0, 4)
    # by the second set, candidate 0 is better for agent c alone
    assert two.welfare == pytest.approx((judge[4, 0] + judge[4, 1] + judge[0, 2]) / 3)


def test_options_outside_are_kept_where_no_policy_is_better() -> None:
    alpha = assign(np.array([[3.0, 1, 5], [2.0, 1, 6]]), np.array([2.5, 1.0, -np.inf]))
    np.testing.assert_array_equal(alpha, [[1, 0, 0], [0, 0, 1]])


def points(*welfare: float, worst: float = 1.0) -> list[Point]:
    return [
        Point(k, float(one), 0.5, one + 1.0, worst, None, None, ()) for k, one in zip((1, 2, 4), welfare, strict=True)
    ]


def test_the_curve_over_seeds() -> None:
    rows = curve([points(10, 14, 15), points(12, 14, 17)], (13.0, None, 18.0), cost=1.5)
    assert [row.welfare["mean"] for row in rows] == [11, 14, 16]
    assert [row.optimum for row in rows] == [13.0, None, 18.0]
    more = [row.one_more for row in rows]
    assert more[0] is not None and more[1] is not None and more[2] is None
    assert (more[0]["mean"], more[1]["mean"]) == (3.0, 1.0), "two policies more add 2 in all"
    assert more[1]["ci95"] == pytest.approx(12.706 * 0.5, rel=1e-3)
    assert [row.net for row in rows] == [9.5, 11, 10] and best_for_cost(rows) == 2
    assert [len(row.cells()) for row in rows] == [len(COLUMNS)] * 3
    assert rows[1].cells()[COLUMNS.index("welfare")] == "14" and rows[1].cells()[COLUMNS.index("optimum")] == ""


def test_the_smallest_budget_that_is_shown_to_reach_a_target() -> None:
    rows = curve([points(10, 14, 15)], (None,) * 3)
    assert rows[0].welfare == {"mean": 10, "ci95": 0.5}, "of one seed, over its episodes"
    assert [smallest(rows, target) for target in (9.5, 9.6, 13.5, 14.2, 15.0)] == [1, 2, 2, 4, None]
    assert best_for_cost(rows) is None


def test_its_picture_has_labelled_axes() -> None:
    rows = curve([points(10, 14, 15), points(12, 14, 17)], (13.0, None, 18.0), cost=1.5)
    figure = draw(rows, "ceiling", 14.0, 2)
    left, right = figure.axes
    assert (left.get_xlabel(), left.get_ylabel()) == ("budget: number of policies (k)", "return")
    assert right.get_ylabel() == "welfare that each more policy adds"
    assert [bar.get_height() for bar in right.patches] == [3.0, 1.0]
    labels = left.get_legend_handles_labels()[1]
    assert set(labels) == {"ceiling", "welfare", "worst agent", "target 14", "most after cost"}
    plt.close(figure)
