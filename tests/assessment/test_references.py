"""The best k of policies that are there, in a world without chance, where a table of returns says it all."""

from __future__ import annotations

import json
from itertools import combinations
from pathlib import Path

import numpy as np
import pytest

from policybudget import PolicyBudgetError, load, make_problem
from policybudget.assessment.references import best_references
from policybudget.cli.main import main

WORLD = "resource-gathering:side=3"


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """Two short trainings of three and two policies."""
    folder = tmp_path_factory.mktemp("references")
    for name, budget in (("three", 3), ("two", 2)):
        given = f"train --world {WORLD} --search plain --budget {budget} --transitions 8192 --seed {budget} --quiet"
        assert main([*given.split(), "--out", str(folder / name)]) == 0
    return [folder / "three", folder / "two"]


def test_best_of_several_runs(runs: list[Path]) -> None:
    table = np.concatenate([load(run).returns for run in runs])
    found = best_references(make_problem(WORLD, 1), runs, (1, 2, 3), episodes=2)
    for budget, welfare in zip((1, 2, 3), found.welfare, strict=True):
        best = max(table[list(chosen)].max(axis=0).mean() for chosen in combinations(range(5), budget))
        assert welfare == pytest.approx(best, abs=1e-4)
    assert found.names[3:] == ("two policy 0", "two policy 1")
    assert found.points[0].ci95 == pytest.approx(0.0, abs=1e-6)  # nothing is left to chance


def test_command(runs: list[Path], capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    given = ["optimum", WORLD, "--references", *map(str, runs), "--episodes", "2"]
    capsys.readouterr()
    assert main([*given, "--budget", "1-2", "--json", "--figure", str(tmp_path / "references.png")]) == 0
    record = json.loads(capsys.readouterr().out)
    expected = best_references(make_problem(WORLD, 1), runs, (1, 2), episodes=2)
    assert (record["references"], record["agents"]) == (5, 9)
    assert [entry["reference"] for entry in record["budgets"]] == list(expected.welfare)
    assert (tmp_path / "references.png").exists()
    assert main([*given, "--budget", "2"]) == 0
    assert "no bound: a training may be better than its references" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("words", "line"),
    [
        ("optimum resource-gathering --budget 1 --references {}", "must observe and act as in resource-gathering"),
        (f"optimum {WORLD} --budget 6 --references {{}} {{}}", "number of reference policies"),
        (f"optimum {WORLD} --budget 1 --references {{}} --episodes 0", "episodes must be at least 1, got 0"),
        (f"optimum {WORLD} --budget 1 --references nowhere", "nowhere"),
        ("optimum --front front.csv --budget 1 --references {}", "leave one of them out"),
    ],
)
def test_refused(words: str, line: str, runs: list[Path], capsys: pytest.CaptureFixture[str]) -> None:
    capsys.readouterr()
    assert main(words.format(*map(str, runs)).split()) == 2
    written = capsys.readouterr().err.strip()
    assert line in written and "\n" not in written


def test_no_references() -> None:
    with pytest.raises(PolicyBudgetError, match="references must be run folders"):
        best_references(make_problem(WORLD, 1), (), (1,))
