"""Two runs for the same users: which policies changed, who moved, gained or lost."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from runs_by_hand import levers, save

from policybudget.assessment.compare import compare_runs
from policybudget.cli.main import main

OneLine = Callable[[list[str]], str]
FILE = levers("self.np_random.normal(0, 0.5)")
WORLD = "python:levers.py:Levers"
A, B, C = [9.0, 0.0, 0.0], [0.0, 9.0, 0.0], [0.0, 0.0, 9.0]


@pytest.fixture
def place(empty_place: Path) -> Path:
    """Before: levers a and b. After: b stays, a is gone, c is new; dee gains, ann loses."""
    (empty_place / "levers.py").write_text(FILE)
    (empty_place / "users.csv").write_text("name,a,b,c\nann,10,0,5\nbob,0,10,0\ncem,0,10,0\ndee,0,0,10\n")
    save(Path("before"), WORLD, [A, B], [0, 1, 1, 0], population="users.csv")
    save(Path("after"), WORLD, [B, C], [1, 0, 0, 1], population="users.csv")
    return empty_place


def test_what_changed(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["compare", "before", "after", "--episodes", "30"]) == 0
    text = capsys.readouterr().out
    assert max(map(len, text.splitlines())) <= 80 and "2 of 4 users moved to another policy" in text
    record = json.loads(Path("after/comparison.json").read_text())
    assert [one["what"] for one in record["policies"]] == ["was policy 1", "new"]
    assert (record["moved"], record["gained"], record["lost"], record["undecided"]) == (2, 1, 1, 2)
    with Path("after/comparison.csv").open(newline="") as file:
        rows = {row["user"]: row for row in csv.DictReader(file)}
    assert rows["ann"]["shown"] == "loses" and rows["dee"]["shown"] == "gains"
    # the same episodes: the noise that both have drops out, and bob, whose policy is the same, gains exactly nothing
    assert (rows["bob"]["gain"], rows["bob"]["gain_ci95"]) == ("0", "0")
    assert rows["bob"]["policy_before"] == "1" and rows["bob"]["policy_after"] == "0"
    assert float(rows["dee"]["gain"]) == pytest.approx(10, abs=1e-4) and float(rows["dee"]["gain_ci95"]) < 1e-3


def test_a_run_beside_itself(place: Path) -> None:
    found = compare_runs(Path("before"), Path("before"), 3, out=Path("before"))
    assert [one["what"] for one in found.record["policies"]] == ["unchanged", "unchanged"]
    assert found.record["gain"] == {"mean": 0.0, "ci95": 0.0} and found.record["moved"] == 0
    assert found.record["welfare_before"] == found.record["welfare_after"]


def test_more_and_fewer_policies(place: Path) -> None:
    save(Path("more"), WORLD, [A, B, C], [0, 1, 1, 2], population="users.csv")
    added = compare_runs(Path("before"), Path("more"), 3).record
    assert [one["what"] for one in added["policies"]] == ["unchanged", "unchanged", "new"] and added["moved"] == 1
    fewer = compare_runs(Path("more"), Path("before"), 3).record
    assert fewer["policies"][2]["what"] == "gone" and fewer["lost"] == 1
    np.testing.assert_allclose(added["gain"]["mean"], -fewer["gain"]["mean"], rtol=1e-5)


def test_input_that_is_wrong(place: Path, one_line: OneLine) -> None:
    (place / "others.csv").write_text("name,a,b,c\neve,1,0,0\n")
    save(Path("others"), WORLD, [A], [0], population="others.csv")
    assert "only runs for the same users are compared" in one_line(["compare", "before", "others"])
    assert "run folder not found: none" in one_line(["compare", "before", "none"])
    assert "episodes must be at least 1" in one_line(["compare", "before", "after", "--episodes", "0"])
