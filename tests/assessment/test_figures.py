from __future__ import annotations

from pathlib import Path

import pytest
from matplotlib import pyplot as plt

from policybudget.assessment import figures


def test_a_figure_is_written_as_png_into_a_new_folder(tmp_path: Path) -> None:
    before = plt.get_fignums()
    figure, _ = figures.axes("across", "up")
    path = figures.save(figure, tmp_path / "figures" / "empty.png")
    assert path.read_bytes().startswith(b"\x89PNG")
    assert plt.get_fignums() == before


def test_policies_are_told_apart() -> None:
    points, areas = [figures.point(j) for j in range(70)], [figures.area(j) for j in range(42)]
    assert len({(point["color"], point["marker"]) for point in points}) == 70
    assert len({point["marker"] for point in points[:10]}) == 10
    assert len({(area["facecolor"], area["hatch"]) for area in areas}) == 42
    assert all(figures.point(j)["color"] == figures.area(j)["facecolor"] == figures.colour(j) for j in range(42))


@pytest.mark.parametrize(
    ("most", "unit"), [(950.0, (1.0, "")), (20_000.0, (1e3, " (thousands)")), (3e6, (1e6, " (millions)"))]
)
def test_large_numbers_have_a_unit(most: float, unit: tuple[float, str]) -> None:
    assert figures.in_unit(most) == unit


def test_a_title_is_as_wide_as_its_figure() -> None:
    figure, _ = plt.subplots(figsize=(1.5, 2))
    assert figures.entitle(figure, "one two three four five six").get_suptitle() == "one two three four\nfive six"
    plt.close(figure)
