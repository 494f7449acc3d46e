"""A run judged beside others: what every user gets, from what, and what else was on offer."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from runs_by_hand import save

from policybudget.assessment.evaluate_run import RunsEvaluation, evaluate_folder, evaluate_run
from policybudget.cli.main import main

WORLD = "python:levers.py:Levers"
FILE = """
import gymnasium
import numpy as np
from gymnasium.spaces import Box, Discrete

class Levers(gymnasium.Env):
    observation_space, action_space = Box(-1, 1, (1,), np.float32), Discrete(3)
    reward_space, reward_names = Box(0, 1, (3,)), ("a", "b", "c")

    def reset(self, *, seed=None, options=None):
        super().reset(seed=seed)
        return np.zeros(1, np.float32), {}

    def step(self, action):
        return np.zeros(1, np.float32), np.eye(3)[action], True, False, {}

def third(observations):
    return np.full(len(observations), 2)

def second(observations):
    return np.full(len(observations), 1)
"""
USERS = "name,a,b,c,weight,outside\nann,10,0,0,3,\nbob,0,20,0,1,\ncem,5,5,0,1,7\ndee,0,0,8,1,\n"
LOGITS = [[9.0, 0.0, 0.0], [0.0, 9.0, 0.0]]
OneLine = Callable[[list[str]], str]


@pytest.fixture
def place(empty_place: Path) -> Path:
    """Two policies; cem has 7 outside, which is more than the 5 of either."""
    (empty_place / "levers.py").write_text(FILE)
    (empty_place / "users.csv").write_text(USERS)
    save(Path("run"), WORLD, LOGITS, [0, 1, -1, 0], population="users.csv")
    return empty_place


def test_what_every_user_gets(place: Path) -> None:
    found = evaluate_run(Path("run"), 4, beside=["late=python:levers.py:third"])
    rows = [(u.user, u.policy, u.gets, u.ci95, u.outside, u.next_best, u.by) for u in found.users]
    assert rows == [
        ("ann", "0", 10.0, 0.0, None, "1", 10.0),
        ("bob", "1", 20.0, 0.0, None, "0", 20.0),
        ("cem", "none", 7.0, 0.0, 7.0, "0", 2.0),
        ("dee", "0", 0.0, 0.0, None, "late", -8.0),
    ]
    assert found.greedy.welfare["mean"] == pytest.approx((3 * 10 + 20 + 7 + 0) / 6)
    (late,) = found.beside
    assert late.rival.assignment.tolist() == [[1.0, 1.0, 0.0, 1.0]], "cem has more than the 0 that it gives"
    assert late.found.welfare["mean"] == pytest.approx((0 + 0 + 7 + 8) / 6)


def test_what_is_on_the_screen_and_in_the_files(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["evaluate", "run", "--episodes", "4", "--beside", "late=python:levers.py:third"]) == 0
    text = capsys.readouterr().out
    assert max(map(len, text.splitlines())) <= 80
    lines = [line.split() for line in text.splitlines()]
    assert ["dee", "0", "0.00", "0.00", "-", "late", "-8.00"] in lines
    assert ["cem", "none", "7.00", "0.00", "7.00", "0", "2.00"] in lines
    assert "1 of 4 users are served by none:" in text
    assert ["this", "run", "2", "9.50", "0.00", "0.00"] in lines
    assert ["late", "1", "2.50", "0.00", "0.00", "-7.00", "0.00"] in lines
    assert "files  evaluation.json, evaluation.csv, returns.csv in run" in text
    with Path("run/returns.csv").open(newline="") as file:
        assert list(csv.reader(file)) == [
            ["policy", "ann", "bob", "cem", "dee"],
            ["0", "10", "0", "5", "0"],
            ["1", "0", "20", "5", "0"],
            ["late", "0", "0", "0", "8"],
        ]
    record = json.loads(Path("run/evaluation.json").read_text())
    assert record["users"][3]["next_best"] == "late" and record["beside"][0]["name"] == "late"
    assert record["beside"][0]["chosen"] == "best in episodes of their own"
    with Path("run/evaluation.csv").open(newline="") as file:
        last = list(csv.DictReader(file))[-1]
    assert (last["user"], last["policy"], last["gets"], last["by"]) == ("dee", "0", "0", "-8")


def test_several_policies_and_another_run(place: Path) -> None:
    save(Path("other"), WORLD, [[0.0, 0.0, 9.0]], [0, 0, -1, 0], population="users.csv")
    both = "both=python:levers.py:second,python:levers.py:third"
    found = evaluate_run(Path("run"), 2, beside=[both, "other"])
    names = [row.name for one in found.beside for row in one.rows()]
    assert names == ["both 0", "both 1", "other"]
    assert found.beside[0].rival.assignment.tolist() == [[1, 1, 0, 0], [0, 0, 0, 1]]
    np.testing.assert_array_equal(found.beside[0].found.matrix, [[0, 20, 5, 0], [0, 0, 0, 8]])
    assert found.beside[1].rival.chosen == "as its run has it"


def test_a_folder_of_runs(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for seed, serves in ((0, [0, 1, -1, 0]), (1, [0, 0, -1, 0])):
        save(Path(f"runs/seed-{seed}"), WORLD, LOGITS, serves, population="users.csv")
    found = evaluate_folder(Path("runs"), 2)
    assert isinstance(found, RunsEvaluation)
    assert list(found.runs) == ["seed-0", "seed-1"]
    assert found.means["k = 2"]["mean"] == pytest.approx((57 / 6 + 37 / 6) / 2)
    assert main(["evaluate", "runs", "--episodes", "2"]) == 0
    lines = [line.split() for line in capsys.readouterr().out.splitlines()]
    assert ["seed-0", "9.50", "0.00", "0.00", "1"] in lines and ["seed-1", "6.17", "0.00", "0.00", "1"] in lines
    assert lines[3][:5] == ["mean", "k", "=", "2", "7.83"]
    record = json.loads(Path("runs/evaluation.json").read_text())
    assert record["runs"]["seed-1"]["mean"] == pytest.approx(37 / 6)
    assert (Path("runs/seed-0") / "returns.csv").exists()


def test_budgets_and_seeds(place: Path) -> None:
    for name, logits, serves in (
        ("budget-1/seed-0", LOGITS[:1], [0, 0, -1, 0]),
        ("budget-2/seed-0", LOGITS, [0, 1, -1, 0]),
    ):
        save(Path(f"study/{name}"), WORLD, logits, serves, population="users.csv")
    found = evaluate_folder(Path("study"), 2)
    assert isinstance(found, RunsEvaluation) and not found.means
    assert [run.greedy.welfare["mean"] for run in found.runs.values()] == pytest.approx([37 / 6, 57 / 6])


def test_policies_from_elsewhere_get_certificates(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (place / "held.csv").write_text("name,a,b,c\ngus,0,0,4\nhal,0,1,3\n")
    given = ["generalise", "run", "--population", "held.csv", "--policies", "python:levers.py:third", "--floor", "2.5"]
    assert main([*given, "--range", "0", "8", "--episodes", "100"]) == 0
    record = json.loads(Path("run/generalisation.json").read_text())
    assert record["policies"] == "python:levers.py:third"
    assert "nearest        3.50" in (text := capsys.readouterr().out)
    assert "with a return of at least 2.5 (2 of 2 were shown to be)" in " ".join(text.split())


@pytest.mark.parametrize(
    ("beside", "message"),
    [
        ("nowhere", "beside a run stand a run folder, sb3:FILE, onnx:FILE or python:FILE.py:NAME; got 'nowhere'"),
        ("strangers", "strangers was trained for 1 other users; only runs for the same users are compared"),
        ("python:levers.py:USERS", "python:levers.py:USERS: levers.py has no USERS"),
        ("levers.py", "got 'levers.py', which is none and no folder"),
    ],
)
def test_a_rival_that_is_wrong_is_one_line(beside: str, message: str, place: Path, one_line: OneLine) -> None:
    (place / "one.csv").write_text("a,b,c\n1,2,3\n")
    save(Path("strangers"), WORLD, [[0.0, 0.0, 9.0]], [0], population="one.csv")
    assert message in one_line(["evaluate", "run", "--beside", beside])
    assert not Path("run/evaluation.json").exists()
