from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from matplotlib import pyplot as plt

from policybudget.assessment import optimum_figures
from policybudget.exact.front_optimum import front_optimum
from policybudget.exact.grid_optimum import grid_optimum
from policybudget.exact.intervals import best_points
from policybudget.exact.tours import optimum
from policybudget.exact.velocity_optimum import velocity_optimum
from policybudget.selection.subset import best_subset


def test_tours() -> None:
    best = optimum(3, (1, 1), [2])[0]
    figure = optimum_figures.tours(3, (1, 1), best.tours)
    served = [len(tour.serves) for tour in best.tours]
    assert sum(served) == 9
    titles = [f"policy {j}\n6 steps, {users} users" for j, users in enumerate(served)]
    assert [axis.get_title() for axis in figure.axes] == titles
    plt.close(figure)


@pytest.mark.parametrize("components", [1, 2, 3])
@pytest.mark.parametrize("budget", [2, 12])
def test_front(components: int, budget: int) -> None:
    random = np.random.default_rng(0)
    returns, users = random.normal(size=(14, components)), random.normal(size=(50, components))
    choice = best_subset(returns @ users.T, budget)
    figure = optimum_figures.front(returns, [], None, choice)
    everything, *chosen = (points.get_offsets() for points in figure.axes[0].collections)
    rows = np.arange(14.0)
    expected = np.stack([rows, returns[:, 0]], axis=1) if components == 1 else returns[:, :2]
    np.testing.assert_allclose(everything, expected)
    np.testing.assert_allclose(np.concatenate(chosen), expected[choice.chosen])
    label = "row" if components == 1 else "mean return, component 0"
    assert figure.axes[0].get_xlabel() == label
    plt.close(figure)


@pytest.mark.parametrize("budget", [3, 40])
def test_speeds(budget: int) -> None:
    targets = np.random.default_rng(0).uniform(0, 4, 100)
    best = best_points(targets, 0.2, budget)
    figure = optimum_figures.speeds(targets, best, "target velocity (m/s)")
    axis = figure.axes[0]
    assert sum(bar.get_height() for bar in axis.patches) == 100
    assert [line.get_xdata()[0] for line in axis.lines] == best.points.tolist()
    assert [text.get_text() for text in axis.texts] == [str(j) for j in range(len(best.points))]
    labels = [text.get_text() for text in figure.legends[0].get_texts()]
    assert labels == (["speed held", "paid nothing"] if budget == 3 else ["speed held"])
    plt.close(figure)


def test_budget_curve() -> None:
    proved = optimum_figures.budget_curve([1, 2], [3.0, 4.0], [3.0, 4.0], "welfare")
    bounded = optimum_figures.budget_curve([1, 2], [3.0, 4.0], [3.0, 4.5], "welfare")
    assert [len(figure.axes[0].lines) for figure in (proved, bounded)] == [1, 2]
    plt.close("all")


def test_what_is_drawn_of_an_optimum(tmp_path: Path) -> None:
    grid = optimum_figures.draw(grid_optimum("resource-gathering", [2], side=3, home=(1, 1)))
    assert [axis.get_title().partition("\n")[0] for axis in grid.axes] == ["policy 0", "policy 1"]
    speeds = optimum_figures.draw(velocity_optimum("ant-velocity", [3], agents=30))
    assert speeds.axes[0].get_xlabel() == "target velocity (m/s)"
    (tmp_path / "front.csv").write_text("a,b\n1,0\n0,1\n")
    (tmp_path / "users.csv").write_text("a,b\n1,0\n0,1\n")
    chosen = optimum_figures.draw(front_optimum(tmp_path / "front.csv", [1], population=tmp_path / "users.csv"))
    assert chosen.axes[0].get_xlabel() == "mean return, a"
    curve = optimum_figures.draw(velocity_optimum("ant-velocity", [1, 2], agents=30))
    assert curve.axes[0].get_ylabel() == "ceiling of the welfare (mean return)"
    np.testing.assert_allclose(curve.axes[0].lines[0].get_xdata(), [1, 2])
    assert grid.get_suptitle() == "optimum: world resource-gathering, side 3, home (1, 1), k = 2"
    assert curve.get_suptitle() == "optimum: world ant-velocity, agents 30, seed 0"
    plt.close("all")
