"""Which figures and lines a run in each world gives; the runs are made by hand, without training."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from matplotlib import pyplot as plt
from matplotlib.figure import Figure
from runs_by_hand import save

from policybudget.assessment import figures, pictures
from policybudget.problem import RepresentedMDP, make_problem
from policybudget.runs.result import Result, load

UP, DOWN = [1.0, 0.0, 0.0, 0.0], [0.0, 1.0, 0.0, 0.0]
METRICS = "phase,transitions,best_welfare,welfare,group_welfare_0,group_welfare_1\nem,1000,1,1,2,0\nem,2000,3,3,4,2\n"


def run(folder: Path, name: str, actions: list[list[float]], serves: list[int], **options: int) -> tuple[
    RepresentedMDP, Result
]:  # fmt: skip
    save(folder, name, actions, serves, **options)
    (folder / "metrics.csv").write_text(METRICS)
    return make_problem(name, len(actions), **options), load(folder)  # type: ignore[arg-type]


def test_paths_of_resource_gathering(tmp_path: Path) -> None:
    problem, result = run(tmp_path, "resource-gathering", [UP, DOWN], [0] * 10 + [1] * 15)
    drawn = pictures.draw(tmp_path, problem, result, 0)
    assert drawn == [tmp_path / "figures" / name for name in ("training.png", "paths.png", "returns.png")]
    assert all(path.read_bytes().startswith(b"\x89PNG") for path in drawn)
    lines = pictures.sketch(problem, result)
    assert lines[0] == "policy 0            policy 1         "
    assert lines[1:] == [
        "·   ·   ●   ·   ·   ·   ·   ·   ·   ·",
        "        │                            ",
        "·   ·   ●   ·   ·   ·   ·   ·   ·   ·",
        "        │                            ",
        "·   ·   ●   ·   ·   ·   ·   ·   ·   ·",
        "        │                            ",
        "·   ·   ●   ·   ·   ·   ·   ·   ·   ·",
        "        │                            ",
        "·   ·   ■   ·   ·   ·   ·   ■   ·   ·",
        "",
    ]  # up to the wall; down is a bump into the wall at home


def test_every_figure_is_titled_with_its_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    problem, result = run(tmp_path, "resource-gathering", [UP, DOWN], [0] * 25)
    titles: list[str] = []

    def save(figure: Figure, path: Path) -> Path:
        titles.append(figure.get_suptitle())
        return path

    monkeypatch.setattr(figures, "save", save)
    pictures.draw(tmp_path, problem, result, 7)
    assert {" ".join(title.split()) for title in titles} == {
        "resource-gathering: by hand, search none, k = 2, n = 25, seed 7"
    } and len(titles) == 3
    plt.close("all")


def test_five_drawings_stand_in_two_rows(tmp_path: Path) -> None:
    problem, result = run(tmp_path, "resource-gathering", [UP] * 5, [0] * 25)
    lines = pictures.sketch(problem, result)
    assert len(lines) == 2 * 11 and lines[11] == "policy 4         "


@pytest.mark.parametrize(("name", "numbers", "histogram"), [
    ("half-cheetah-goal-velocity", 6, True), ("ant-direction", 8, False),
])  # fmt: skip
def test_agents_that_differ_in_one_parameter_have_a_histogram(
    tmp_path: Path, name: str, numbers: int, histogram: bool
) -> None:
    problem, result = run(tmp_path, name, np.zeros((2, numbers)).tolist(), [0, 0, 1], agents=3, population_seed=1)
    names = [path.name for path in pictures.draw(tmp_path, problem, result, 0)]
    assert names == ["training.png", "returns.png"] + ["assignment.png"] * histogram
    assert pictures.sketch(problem, result) == []
