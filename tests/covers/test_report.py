from __future__ import annotations

import json
from pathlib import Path

import pytest

from policybudget.cli.main import main
from policybudget.covers import CoverPlan, cover_file, cover_tasks, read_tasks
from policybudget.covers.plan import radii
from policybudget.errors import PolicyBudgetError


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "tasks.csv"
    path.write_text("name,speed\na,0\nb,1\nc,5\n")
    return path


def test_python_does_what_the_command_does(path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = path.with_name("cover.json")
    for options, plan in (
        ("--budget 1 --radius 0.5", CoverPlan(budget=1, radius=0.5)),
        (
            "--sweep-budget 1-2 --radius 0.5 --method exact",
            CoverPlan(sweep_budget=(1, 2), radius=0.5, method="exact"),
        ),
        (
            "--sweep-radius 1:3:2 --budget 1 --standardise",
            CoverPlan(sweep_radius=(1.0, 3.0), budget=1, standardise=True),
        ),
    ):
        assert main(["cover", str(path), *options.split(), "--out", str(out)]) == 0
        report = cover_file(path, plan)
        assert capsys.readouterr().out == report.text() + "\n"
        assert json.loads(out.read_text()) == report.as_record(str(path))


def test_every_cover_is_told_of(path: Path) -> None:
    heard: list[str] = []
    plan = CoverPlan(sweep_budget=(1, 2, 3), radius=0.5)
    assert plan.count == 3 and plan.sweep == "budget"
    cover_tasks(read_tasks(path), plan, heard.append)
    shares = {1: "0.667", 2: "1.000", 3: "1.000"}
    assert heard == [f"radius 0.5  budget {k}  coverage {share}" for k, share in shares.items()]


def test_plans_that_make_no_sense() -> None:
    with pytest.raises(PolicyBudgetError, match="give either --budget or --sweep-budget, got both"):
        CoverPlan(budget=1, sweep_budget=(1,), radius=1.0)
    with pytest.raises(PolicyBudgetError, match="give either --radius or --sweep-radius, got neither"):
        CoverPlan(budget=1)


def test_lists_as_they_are_typed() -> None:
    assert radii("0.5,0.1,0.5") == (0.1, 0.5) and radii("1:2:3") == (1.0, 1.5, 2.0)
