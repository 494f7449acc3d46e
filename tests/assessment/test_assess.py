"""The assessment of a run, from the command line and from Python: files, numbers, and input that is wrong."""

from __future__ import annotations

import csv
import json
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from runs_by_hand import levers, save

from policybudget.assessment.assess import FILES, assess_run
from policybudget.cli.main import main

OneLine = Callable[[list[str]], str]
HOSTILE = "<script>alert('x')</script>\"&"
FILE = levers("self.np_random.normal(0, 0.1, 3)")
LOGITS = [[9.0, 0.0, 0.0], [0.0, 9.0, 0.0], [0.0, 0.0, 9.0]]


@pytest.fixture
def place(empty_place: Path) -> Path:
    """Three policies for four users; nobody is with the last one, and dee is with the wrong one."""
    (empty_place / "levers.py").write_text(FILE)
    (empty_place / "users.csv").write_text(
        f'name,a,b,c\n"{HOSTILE.replace(chr(34), chr(34) * 2)}",10,0,0\nbob,0,20,0\ncem,-5,5,0\ndee,0,0,8\n'
    )
    save(Path("run"), "python:levers.py:Levers", LOGITS, [0, 1, 1, 0], population="users.csv")
    return empty_place


def test_what_a_run_is_worth_and_to_whom(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["assess", "run", "--episodes", "40", "--floor", "4"]) == 0
    text = capsys.readouterr().out
    assert max(map(len, text.splitlines())) <= 80 and "files  assessment.html" in text
    record = json.loads(Path("run/assessment.json").read_text())
    first, second, third = record["policies"]
    assert third["evidence"] is None and len(first["sha256"]) == 64 and first["sha256"] != second["sha256"]
    assert first["evidence"]["mean"]["mean"] == pytest.approx(5, abs=0.5)
    assert first["evidence"]["worst"]["agent"] == "dee" and first["evidence"]["regret"]["mean"] == pytest.approx(
        4, abs=0.5
    )
    assert second["evidence"]["regret"] == {"mean": 0.0, "ci95": 0.0}
    assert record["all"]["floor"] == {"below": 1, "above": 3, "undecided": 0}
    assert record["welfare"][0]["function"] == "utilitarian"
    assert record["curse"]["run"] < record["curse"]["fresh"], "dee could have policy 2"
    with Path("run/assessment_users.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["user"] for row in rows] == [HOSTILE, "bob", "cem", "dee"]
    assert [row["policy"] for row in rows] == ["0", "1", "1", "0"]
    with Path("run/assessment_policies.csv").open(newline="") as file:
        assert [row["users"] for row in csv.DictReader(file)] == ["2", "2", "0"]


def test_names_of_users_are_text(place: Path) -> None:
    assess_run(Path("run"), 4)
    page = Path("run/assessment.html").read_text()
    assert "<script" not in page and "&lt;script&gt;" in page


def test_one_episode_has_no_interval(place: Path) -> None:
    record = assess_run(Path("run"), 1).record
    assert record["all"]["mean"]["ci95"] is None and record["all"]["worst"]["none_below"] is None
    assert "numbers without ± are single samples" in Path("run/assessment.html").read_text()


def test_the_same_seed_gives_the_same_page(place: Path) -> None:
    pages = []
    for seed in (3, 3, 4):
        assess_run(Path("run"), 4, seed)
        pages.append(Path("run/assessment.html").read_bytes())
    assert pages[0] == pages[1] != pages[2]


def test_groups_gaps_and_a_policy_of_one_s_own(place: Path) -> None:
    (place / "wards.csv").write_text(
        f'name,ward\ndee,north\nbob,south\ncem,south\n"{HOSTILE.replace(chr(34), chr(34) * 2)}",south\n'
    )
    save(Path("own"), "python:levers.py:Levers", [*LOGITS, LOGITS[1]], [0, 1, 3, 2], population="users.csv")
    record = assess_run(Path("run"), 30, groups="wards.csv:ward", alone=Path("own")).record
    assert [one["agents"] for one in record["groups"]["groups"]] == [1, 3]
    assert (record["groups"]["gap"]["best"], record["groups"]["gap"]["worst"]) == ("ward south", "ward north")
    regret = record["policies"][0]["evidence"]["regret_to_own"]
    assert regret["mean"] == pytest.approx(4, abs=0.6), "dee's own lever is worth 8 to dee"
    assert assess_run(Path("run"), 4, groups="b").record["groups"]["groups"][0]["group"] == "b 0"


def test_other_seeds_stand_beside(place: Path) -> None:
    for seed, serves in enumerate(([0, 1, 1, 0], [1, 0, 0, 1], [0, 1, 0, 1])):
        save(Path(f"study/seed-{seed}"), "python:levers.py:Levers", LOGITS, serves, population="users.csv")
    found = assess_run(Path("study/seed-0"), 2).record["seeds"]
    assert found["seeds"] == 3 and found["welfare"] == [0.0] * 3
    assert found["same_groups"] == pytest.approx((1 - 0.5 - 0.5) / 3), (
        "0 and 1 have the same groups, with other numbers"
    )


def test_one_agent_and_as_many_policies_as_agents(empty_place: Path) -> None:
    (empty_place / "levers.py").write_text(FILE)
    (empty_place / "one.csv").write_text("name,a,b,c\nann,1,0,0\n")
    save(Path("one"), "python:levers.py:Levers", LOGITS[:1], [0], population="one.csv")
    record = assess_run(Path("one"), 5).record
    assert record["all"]["agents"] == 1 and record["agents_like_these"]["ci95"] is None
    (empty_place / "all.csv").write_text("name,a,b,c\nann,-1,0,0\nbob,0,-1,0\ncem,0,0,-1\n")
    save(Path("all"), "python:levers.py:Levers", LOGITS, [0, 1, 2], population="all.csv")
    record = assess_run(Path("all"), 5).record
    assert [card["evidence"]["agents"] for card in record["policies"]] == [1, 1, 1]
    assert "Some returns are below 0" in Path("all/assessment.html").read_text()


def test_input_that_is_wrong(place: Path, one_line: OneLine) -> None:
    assert "run folder not found: none" in one_line(["assess", "none"])
    assert "episodes must be at least 1, got 0" in one_line(["assess", "run", "--episodes", "0"])
    assert "has no column 'ward'; its columns are name, a, b, c" in one_line(["assess", "run", "--groups", "ward"])
    (place / "few.csv").write_text("name,ward\nbob,x\n")
    assert "few.csv has no row for user" in one_line(["assess", "run", "--groups", "few.csv:ward"])
    assert "is no folder of a finished budget curve" in one_line(["assess", "run", "--curve", "."])
    assert "needs a run with a policy for each of the 4 users, got one with 3" in one_line(
        ["assess", "run", "--alone", "run"]
    )
    assert not any((place / "run" / name).exists() for name in FILES), "nothing is written before all is right"


def test_a_run_of_the_command_line(run_copy: Path) -> None:
    record = assess_run(run_copy, 3, groups="row").record
    assert record["configuration"]["seed"] == 0 and len(record["groups"]["groups"]) == 5
    shutil.copy(run_copy / "metrics.csv", run_copy / "kept.csv")
    (run_copy / "metrics.csv").write_text("damaged")
    assess_run(run_copy, 3)
    assert "The table of the training is missing or damaged" in (run_copy / "assessment.html").read_text()
    assert np.isfinite(record["all"]["mean"]["mean"])
