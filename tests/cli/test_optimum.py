"""The optimum command as a new user types it."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from policybudget.cli.main import main
from policybudget.exact.intervals import velocity_ceiling
from policybudget.worlds.mujoco.velocity import velocity_population

OneLine = Callable[[list[str]], str]
Answer = Callable[[str], dict[str, Any]]

FRONT = "name,time,treasure\nleft,-1,1\nmiddle,-3,4\nright,-9,9\nbad,-9,1\n"
USERS = "name,treasure,time\na,1,0\nb,0.6,0.4\nc,0,1\nd,1,0\n"


@pytest.fixture
def answer(capsys: pytest.CaptureFixture[str]) -> Answer:
    """Run a command that must work; returns the JSON object that it prints."""

    def run(arguments: str) -> dict[str, Any]:
        capsys.readouterr()
        assert main(["optimum", *arguments.split(), "--json"]) == 0
        record: dict[str, Any] = json.loads(capsys.readouterr().out)
        return record

    return run


@pytest.fixture
def files(empty_place: Path) -> Path:
    (empty_place / "front.csv").write_text(FRONT)
    (empty_place / "users.csv").write_text(USERS)
    return empty_place


def test_resource_gathering(answer: Answer, empty_place: Path) -> None:
    record = answer("resource-gathering --side 3 --home 2,1 --budget 2 --figure figures/tours.png")
    assert (record["world"], record["side"], record["home"], record["budget"]) == ("resource-gathering", 3, [2, 1], 2)
    lengths = [tour["length"] for tour in record["tours"]]
    paid = [100 - lengths[j] for j, tour in enumerate(record["tours"]) for _ in tour["serves"]]
    assert len(paid) == 9 and record["welfare"] == pytest.approx(np.mean(paid))
    for tour in record["tours"]:
        assert len(tour["walk"]) == tour["length"] + 1 and tour["walk"][0] == tour["walk"][-1] == [2, 1]
        assert all(tile in tour["walk"] for tile in tour["tiles"])
    assert (empty_place / "figures" / "tours.png").read_bytes().startswith(b"\x89PNG")


def test_several_budgets(answer: Answer, empty_place: Path) -> None:
    record = answer("resource-gathering --side 2 --home 0,0 --budget 1-4 --figure curve.png")
    assert [entry["budget"] for entry in record["budgets"]] == [1, 2, 3, 4]
    assert [entry["welfare"] for entry in record["budgets"]] == [96.0, 97.0, 97.5, 97.75]
    assert (empty_place / "curve.png").read_bytes().startswith(b"\x89PNG")


def test_a_velocity_world(answer: Answer, empty_place: Path) -> None:
    record = answer("hopper-velocity --agents 40 --population-seed 3 --budget 4 --figure speeds.png")
    targets = velocity_population("hopper", 40, 3).parameters[:, 0]  # type: ignore[index]
    assert record["ceiling"] == pytest.approx(velocity_ceiling(targets, 0.125, 4))
    assert len(record["speeds"]) == 4 and sum(record["users"]) + record["paid_nothing"] == 40
    assert (empty_place / "speeds.png").read_bytes().startswith(b"\x89PNG")
    several = answer("hopper-velocity --agents 40 --population-seed 3 --budget 3-4")
    assert several["budgets"][1]["ceiling"] == record["ceiling"]


def test_a_front(answer: Answer, files: Path) -> None:
    record = answer("--front front.csv --population users.csv --budget 2 --figure front.png")
    policies = [{"row": 0, "name": "left", "users": 1}, {"row": 2, "name": "right", "users": 3}]
    assert record["policies"] == policies
    assert record["labels"] == [1, 1, 0, 1] and record["outside"] == 0
    assert record["welfare"] == record["bound"] == pytest.approx((9 + 1.8 - 1 + 9) / 4)
    assert record["method"] == "exact" and (files / "front.png").read_bytes().startswith(b"\x89PNG")
    greedy = answer("--front front.csv --population users.csv --budget 1-4 --method greedy")
    assert [entry["method"] for entry in greedy["budgets"]] == ["greedy"] * 4
    assert all(entry["bound"] >= entry["welfare"] for entry in greedy["budgets"])


def test_users_with_weights_and_outside_options(answer: Answer, files: Path) -> None:
    (files / "users.csv").write_text("0,1,weight,outside\n0,1,1,\n0.5,0.5,1,3\n1,0,8,\n")
    (files / "front.csv").write_text("1,0\n1,-1\n9,-9\n")
    record = answer("--front front.csv --population users.csv --budget 1")
    assert record["policies"] == [{"row": 0, "users": 2, "weight": 9.0}]
    assert record["labels"] == [0, -1, 0] and record["outside"] == 1
    assert record["welfare"] == pytest.approx((1 + 3 - 8) / 10)


def test_auto_says_that_it_is_not_exact(
    answer: Answer, files: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("policybudget.selection.subset.AUTO_LIMIT", 15)
    assert main(["optimum", "--front", "front.csv", "--population", "users.csv", "--budget", "2", "--json"]) == 0
    out, err = capsys.readouterr()
    assert json.loads(out)["method"] == "greedy"
    assert err == "16 values (policies x users): greedy, with a bound; --method exact takes longer\n"
    assert answer("--front front.csv --population users.csv --budget 2 --method exact")["method"] == "exact"


Told = Callable[[str], list[str]]


@pytest.fixture
def told(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Told:
    """Run a command that must work; returns the lines that it prints, without the frames of tables."""
    monkeypatch.setenv("COLUMNS", "80")

    def run(arguments: str) -> list[str]:
        capsys.readouterr()
        assert main(["optimum", *arguments.split()]) == 0
        lines = capsys.readouterr().out.splitlines()
        assert max(map(len, lines)) <= 80
        plain = (" ".join(line.replace("│", " ").replace("┃", " ").split()) for line in lines)
        return [line for line in plain if line[0] not in "┏┡└"]

    return run


def test_several_budgets_in_words(told: Told, files: Path) -> None:
    assert told("resource-gathering --side 2 --home 0,0 --budget 1-2,4") == [
        "world resource-gathering, side 2, home 0,0",
        "budget optimum gain",
        "1 96.00",
        "2 97.00 +1.00",
        "4 97.75 +0.75",
    ]
    assert told("hopper-velocity --agents 4 --budget 1,4")[1] == "budget ceiling gain"
    with_bounds = told("--front front.csv --population users.csv --budget 1-2 --method greedy")
    assert with_bounds[1].startswith("budget welfare gain")


def test_one_budget_in_words(told: Told, files: Path) -> None:
    tours = told("resource-gathering --side 3 --home 0,0 --budget 1")
    assert tours[0] == "world resource-gathering, side 3, home 0,0" and tours[1].startswith("budget 1: optimum ")
    assert tours[2] == "policy length walk from home serves (row,column)"
    assert len(tours[3].split()[2]) == int(tours[3].split()[1]) and set(tours[3].split()[2]) == set("←↑→↓")
    speeds = told("hopper-velocity --agents 40 --population-seed 3 --budget 2")
    assert speeds[:3] == [
        "world hopper-velocity, agents 40, seed 3",
        speeds[1],
        "policy speed (m/s) users",
    ] and speeds[1].startswith("budget 2: ceiling ")
    assert "of 40 users are paid nothing" in speeds[5] and speeds[6] == "no policy attains the ceiling"
    assert told("--front front.csv --population users.csv --budget 2") == [
        "front front.csv, population users.csv",
        "budget 2: welfare 4.70",
        "row name users",
        "0 left 1",
        "2 right 3",
        "method exact: no choice is better",
    ]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ("", "the following arguments are required: --budget"),
        ("--budget 1", "give either a WORLD or --front FILE"),
        ("resource-gathering --front front.csv --budget 1", "give either a WORLD or --front FILE"),
        ("resource-gatherin --budget 1", "got 'resource-gatherin' (did you mean 'resource-gathering'?)"),
        ("nowhere --budget 1", "world must be one of resource-gathering, half-cheetah-velocity"),
        ("gym:CartPole-v1 --budget 1", "got 'gym:CartPole-v1'; for others give --front FILE"),
        ("resource-gathering --budget 0", "budget must be between 1 and the number of agents (25), got 0"),
        ("resource-gathering --budget -1", "budget must be between 1 and the number of agents (25), got -1"),
        ("resource-gathering --budget 20-26", "budget must be between 1 and the number of agents (25), got 26"),
        ("resource-gathering --budget 1-999999999", "at most 1000, got 999999999"),
        ("resource-gathering --budget 5-3", "a range of budgets must begin with the smaller number, got '5-3'"),
        ("resource-gathering --budget x", "budget must be a number such as 3, a range such as 1-5 or a list, got"),
        ("resource-gathering --budget 2.5", "budget must be a number such as 3"),
        ("resource-gathering --budget 1 --side 6", "side must be between 1 and 5"),
        ("resource-gathering --budget 1 --side 0", "side must be between 1 and 5"),
        (
            "resource-gathering --budget 1 --home 5,0",
            "home must be a row and a column from 0 to 4, such as 0,0, got 5,0",
        ),
        ("resource-gathering --budget 1 --side 3", "home must be a row and a column from 0 to 2, such as 0,0, got 4,2"),
        ("resource-gathering --budget 1 --home 5", "argument --home: expected ROW,COLUMN such as 4,2, got '5'"),
        (
            "resource-gathering --budget 1 --agents 7",
            "the optimum of resource-gathering takes side and home, got agents; leave",
        ),
        ("resource-gathering --budget 1 --method greedy", "takes side and home, got method; leave it out"),
        ("resource-gathering --budget 1 --population users.csv", "takes side and home, got population; leave"),
        ("ant-velocity --budget 1 --side 4", "takes agents and population_seed, got side; leave it out"),
        ("ant-velocity --budget 101", "budget must be between 1 and the number of agents (100), got 101"),
        ("ant-velocity --budget 1 --agents 0", "agents must be at least 1, got 0"),
        ("ant-velocity --budget 1 --population-seed -1", "seed must be from 0 to 2^32 - 1, got -1"),
        ("resource-gathering --budget 1 --figure a.pdf", "figure must be a file that ends in .png, got a.pdf"),
        ("ant-velocity --budget 1 --figure front.csv/a.png", "cannot write front.csv/a.png"),
        (
            "--front front.csv --budget 1 --side 3",
            "the best of --front takes population and method, got side; leave it",
        ),
        ("--front front.csv --budget 1", "--front needs --population users.csv"),
        ("--front none.csv --population users.csv --budget 1", "front file not found: none.csv"),
        ("--front front.csv --population none.csv --budget 1", "population file not found: none.csv"),
        ("--front front.csv --population users.csv --budget 5", "the number of policies (4), got 5"),
        ("--front front.csv --population users.csv --budget 1 --method best", "method must be one of auto, exact"),
        ("--front text.csv --population users.csv --budget 1", "text.csv, line 2, column treasure: expected a finite"),
        ("--front front.csv --population text.csv --budget 1", "text.csv, line 2, column treasure: expected a finite"),
        (
            "--front front.csv --population wrong.csv --budget 1",
            "wrong.csv has no column for reward component 0 or time",
        ),
        ("--front empty.csv --population users.csv --budget 1", "empty.csv has no policies"),
        ("--front front.csv --population empty.csv --budget 1", "empty.csv has no users"),
        ("--front front.csv --population nan.csv --budget 1", "nan.csv, line 2, column treasure: expected a finite"),
        ("--front nan.csv --population users.csv --budget 1", "nan.csv, line 2, column treasure: expected a finite"),
    ],
)
def test_bad_input(arguments: str, words: str, one_line: OneLine, files: Path) -> None:
    header = "time,treasure\n"
    for name, rows in {"text": "1,much\n", "empty": "", "nan": "1,nan\n"}.items():
        (files / f"{name}.csv").write_text(header + rows)
    (files / "wrong.csv").write_text("fuel,treasure\n1,2\n")
    before = sorted(files.iterdir())
    assert words in one_line(["optimum", *arguments.split()])
    assert sorted(files.iterdir()) == before


def test_too_many_values(files: Path, one_line: OneLine, monkeypatch: pytest.MonkeyPatch) -> None:
    from policybudget.exact import front_optimum

    monkeypatch.setattr(front_optimum, "MOST_VALUES", 10)
    line = one_line(["optimum", "--front", "front.csv", "--population", "users.csv", "--budget", "2"])
    assert "policies x users must be at most 10, got 16; give fewer users, each with a weight" in line
