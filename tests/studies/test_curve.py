"""The budget curve from the command line: one pool, a training per budget, going on, and wrong input."""

from __future__ import annotations

import csv
import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from policybudget import exact
from policybudget.assessment.assess import assess_run
from policybudget.cli.main import main
from policybudget.search.pool import Pool
from policybudget.studies.curve import Curve
from policybudget.training import configuration

OneLine = Callable[[list[str]], str]
WORLD = "resource-gathering:side=3"
GRID = (
    "curve", "--world", WORLD, "--search", "plain", "--budgets", "1,2", "--copies", "4", "--steps", "32",
    "--minibatch", "64", "--epochs", "2", "--hidden", "8",
    "--warm-start", "1", "--episodes", "2", "--transitions", "4096",
)  # fmt: skip


def rows_of(folder: str) -> list[dict[str, str]]:
    with Path(folder, "curve.csv").open(newline="") as file:
        return list(csv.DictReader(file))


def test_one_pool_serves_every_budget(empty_place: Path, capsys: pytest.CaptureFixture[str], one_line: OneLine) -> None:
    assert main([*GRID, "--out", "one", "--floor", "80", "--target", "1", "--cost-per-policy", "0.5"]) == 0
    text = capsys.readouterr().out
    assert max(map(len, text.splitlines())) <= 80
    assert "target 1: smallest budget" in text and "cost 0.5 per policy: best budget" in text
    rows = rows_of("one")
    assert [row["budget"] for row in rows] == ["1", "2"]
    optimum = exact.optimum(WORLD, [1, 2]).welfare
    np.testing.assert_allclose([float(row["optimum"]) for row in rows], optimum, rtol=1e-5)
    welfare = [float(row["welfare"]) for row in rows]
    assert all(np.diff(welfare) >= 0) and all(np.array(welfare) <= np.array(optimum) + 1e-4)
    assert float(rows[0]["one_more"]) == pytest.approx(welfare[1] - welfare[0], abs=1e-3)
    assert float(rows[1]["net"]) == pytest.approx(welfare[1] - 1.0, abs=1e-3)
    record = json.loads(Path("one/curve.json").read_text())
    assert record["transitions"] <= 2 * 2 * 4096, "twice one training with the largest budget"
    assert Path("one/curve.png").stat().st_size > 10_000

    before = Path("one/curve.csv").read_bytes()
    assert main(["curve", "--out", "one", "--cost-per-policy", "0.5"]) == 0, "nothing is trained again"
    assert Path("one/curve.csv").read_bytes() == before
    shutil.rmtree("one/points")
    assert main(["curve", "--out", "one", "--cost-per-policy", "0.5", "--quiet"]) == 0, "judged again, as before"
    assert Path("one/curve.csv").read_bytes() == before

    shown = assess_run(next(Path("one/trainings/units").glob("*/seed-0")), 2, curve=Path("one"))
    assert shown.record["curve"] == record | {"target": None, "reached": None}
    assert 'id="curve"' in (shown.folder / "assessment.html").read_text()

    for name, change, line in (
        ("one/plan.json", {"budgets": [1, 3]}, "plan.json does not fit the trainings in one/trainings"),
        ("one/plan.json", {"seeds": [4]}, "plan.json does not fit the trainings in one/trainings"),
        ("one/points/seed-0.json", {"points": []}, "seed-0.json does not fit one/plan.json: delete it"),
    ):
        kept = Path(name).read_bytes()
        Path(name).write_text(json.dumps(json.loads(kept) | change))
        assert line in one_line(["curve", "--out", "one"])
        Path(name).write_bytes(kept)
    for change, line in (
        ({"rows": []}, "rows"),
        ({"rows": record["rows"][::-1]}, "expected ascending budgets"),
        ({"rows": record["rows"][:1]}, "expected ascending budgets, and what one more adds for all but the last"),
        ({"best": 9}, "the best budget is none of the curve"),
        ({"rows": [record["rows"][1] | {"worst": 3}]}, "worst"),
    ):
        Path("one/curve.json").write_text(json.dumps(record | change))
        shown.folder.joinpath("assessment.html").unlink(missing_ok=True)
        assert line in one_line(["assess", str(shown.folder), "--episodes", "2", "--curve", "one"])
        assert not shown.folder.joinpath("assessment.html").exists()


@pytest.mark.parametrize(
    ("world", "pool"),
    [
        ("resource-gathering", Pool(within="archive")),
        ("resource-gathering:slip=0.1,side=3", Pool(within="representatives", pool_size=9, refine=0.7)),
        ("half-cheetah-velocity", Pool(within="representatives")),
        ("hopper-velocity", Pool(within="growing")),
    ],
)
def test_the_usual_search_of_a_world_trains_its_pool(world: str, pool: Pool) -> None:
    usual = configuration.preset("default", world)
    (unit,) = Curve.of(usual, (1, 3), (0,)).study.units
    assert unit.configuration.search == replace(pool, pool_budgets="1,3")
    assert unit.configuration.learner == usual.learner


def test_a_training_per_budget(empty_place: Path) -> None:
    assert main([*GRID, "--out", "many", "--dedicated", "--seeds", "2", "--quiet"]) == 0
    rows = rows_of("many")
    assert [row["seeds"] for row in rows] == ["2"] * 2 and all(row["ci95"] for row in rows)
    runs = sorted(Path("many/trainings/units").glob("*/seed-*"))
    assert [path.name for path in runs] == ["seed-0", "seed-1"] * 2
    assert ["-k01-" in str(path) for path in runs] == [True, True, False, False]
    assert sorted(path.name for path in Path("many/points").iterdir()) == ["seed-0.json", "seed-1.json"]


def test_input_that_is_wrong(empty_place: Path, one_line: OneLine) -> None:
    assert "curve needs --out DIR" in one_line(["curve", "--budgets", "1-3"])
    assert "curve needs --budgets such as 1-10" in one_line(["curve", "--out", "new"])
    assert "unrecognized arguments: --bugdets" in one_line([*GRID, "--out", "new", "--bugdets", "3"])
    assert "a pool is trained by search" in one_line(["curve", "--budgets", "1,2", "--out", "new", "--restarts", "2"])
    assert "episodes must be at least 2" in one_line([*GRID[:-4], "--episodes", "1", "--out", "new"])
    assert not Path("new").exists(), "nothing is made before all is right"
    Path("begun").mkdir()
    Path("begun/plan.json").write_text("{}")
    assert "goes on as it began" in one_line([*GRID, "--out", "begun"])
    assert "plan.json" in one_line(["curve", "--out", "begun"])
