"""What a committee is worth to tasks that had no part in its training."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from policybudget.assessment.generalise import centres, generalise
from policybudget.cli.main import main


def test_centres_are_the_mean_tasks_of_those_who_are_served() -> None:
    parameters, alpha = np.array([[0.0], [2.0], [6.0]]), np.array([[1.0, 1, 0], [0, 0, 1], [0, 0, 0]])
    np.testing.assert_array_equal(centres(parameters, alpha), [[1.0], [6.0], [np.inf]])


def test_each_rule_by_hand() -> None:
    # two members, one task near the second, four episodes; the first is better in the two trials, the second later
    returns = np.array([[[5.0, 5.0, 1.0, 2.0]], [[0.0, 0.0, 8.0, 4.0]]])
    found = generalise(returns, np.array([[1.0]]), np.array([[0.0], [0.9]]), trials=2)
    assert {name: float(one[0]) for name, one in found.means.items()} == {
        "nearest": 3.0,
        "few-shot": 1.5,
        "oracle": 5.5,
    }
    assert found.nearest[0].tolist() == [1]
    assert found.summary()["oracle"] == {"mean": 5.5, "ci95": 0.0, "worst": 5.5}


def test_the_oracle_is_never_worse_and_noise_flatters_it() -> None:
    returns = np.random.default_rng(0).normal(size=(5, 200, 10))  # all members alike
    found = generalise(returns, np.zeros((200, 1)), np.zeros((5, 1)), trials=5).summary()
    assert abs(found["few-shot"]["mean"]) < 0.1 < 1.0 < found["oracle"]["mean"]


def test_command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.chdir(tmp_path)
    world = ["--world", "half-cheetah-goal-velocity", "--agents", "4", "--budget", "2"]
    small = ["--transitions", "2048", "--algorithm", "committee", "--radius", "0.5"]
    assert main(["train", *world, *small, "--out", "run", "--quiet"]) == 0
    certified = ["--floor", "-500", "--range", "-2000", "0"]
    assert main(["generalise", "run", "--tasks", "3", "--episodes", "3", "--trials", "1", *certified]) == 0
    told = capsys.readouterr().out
    assert "no rule reaches it" in told and "held-out ones were shown to be" in told
    record = json.loads(Path("run/generalisation.json").read_text())
    rules = record["rules"]
    assert rules["oracle"]["mean"] >= rules["nearest"]["mean"] and len(record["nearest_member"]) == 3
    assert record["certificate"]["tasks"] == 3


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--trials", "20"], "trials must be from 1 to episodes - 1"),
        (["--floor", "3"], "needs both --floor and --range"),
        ([], "not found|no such|missing|does not exist"),
    ],
)
def test_bad_input(arguments: list[str], message: str, tmp_path: Path, one_line: Callable[[list[str]], str]) -> None:
    import re

    assert re.search(message, one_line(["generalise", str(tmp_path / "nowhere"), *arguments]))
