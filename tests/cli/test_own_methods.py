"""A rule, a search and a listener of one's own on the command line, each a class or a function in one file."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

import policybudget as pb
from policybudget.cli.main import main

EXAMPLES = Path(__file__).parents[2] / "examples"
RULE = "python:random_reassignment.py:RandomReassignment"
TINY = ("--copies", "16", "--steps", "8", "--minibatch", "64", "--epochs", "1", "--hidden", "8")
SIZE = (*TINY, "--transitions", "384", "--budget", "2", "--quiet")
SEARCH = """
from dataclasses import dataclass
from typing import ClassVar
import policybudget as pb
from policybudget.search.phases import Phase

@dataclass(frozen=True)
class Twice(pb.Search):
    name: ClassVar[str] = "twice"
    first: float = pb.option(0.5, "share of the transitions")

    def phases(self, plan):
        n = int(self.first * plan.transitions)
        return (Phase("one", plan.rule, plan.learner, plan.budget, n),
                Phase("two", plan.rule, plan.learner, plan.budget, plan.transitions - n))

class Heard:
    def __init__(self):
        self.count = 0

    def __call__(self, event):
        self.count += 1
        with open("heard.txt", "a") as file:
            print(self.count, event.phases[event.phase], event.iteration, file=file)

def told(event):
    raise ValueError("never again")
"""
OneLine = Callable[[list[str]], str]


@pytest.fixture
def home(empty_place: Path) -> Path:
    shutil.copy(EXAMPLES / "random_reassignment.py", empty_place)
    (empty_place / "mine.py").write_text(SEARCH)
    return empty_place


def same(one: Path, other: Path) -> bool:
    return (one / "policies.safetensors").read_bytes() == (other / "policies.safetensors").read_bytes()


def test_a_rule_of_ones_own_is_an_algorithm(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["train", "--algorithm", RULE, "--share", "1.0", *SIZE, "--out", "run"]) == 0
    config = json.loads(Path("run/config.json").read_text())
    assert config["rule"] == {"name": "python:inputs/random_reassignment.py:RandomReassignment", "share": 1.0}
    assert config["search"]["name"] == "plain"
    result = pb.load("run")
    assert result.algorithm == "random-reassignment"
    even = np.arange(25) % 2
    assert (result.assignment.argmax(axis=0) != even).any()
    # the folder is all that is needed, from anywhere
    Path("random_reassignment.py").unlink()
    shutil.move("run", "moved")
    assert main(["train", "--config", "moved/config.json", "--out", "again", "--quiet"]) == 0
    assert same(Path("moved"), Path("again"))
    assert main(["evaluate", "moved", "--episodes", "2", "--quiet"]) == 0
    assert capsys.readouterr().err == ""


def test_options_of_ones_own_are_in_the_help(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["train", "--algorithm", RULE, "--help"])
    text = capsys.readouterr().out
    assert "assignment (random-reassignment):" in text and "--share X" in text and "(default: 0.01)" in text


def test_python_and_the_command_line_agree(home: Path) -> None:
    given = ["--algorithm", RULE, "--search", "python:mine.py:Twice", "--first", "0.34", *SIZE]
    assert main(["train", *given, "--out", "run"]) == 0
    from policybudget.training.configuration import Configuration

    problem, known = pb.make_problem("resource-gathering", budget=2), Configuration.load(Path("run/config.json"))
    pb.train(problem, RULE, search=known.search, learner=known.learner, transitions=384, out="python", quiet=True)
    assert same(Path("run"), Path("python"))
    record = json.loads(Path("python/config.json").read_text())
    assert record["rule"]["name"] == "python:inputs/random_reassignment.py:RandomReassignment"
    assert record["search"] == {"name": "python:inputs/mine.py:Twice", "first": 0.34}


def test_a_listener_hears_every_iteration(home: Path) -> None:
    given = ["--search", "python:mine.py:Twice", "--listeners", "python:mine.py:Heard", *SIZE]
    assert main(["train", *given, "--out", "run"]) == 0
    assert Path("heard.txt").read_text().splitlines() == ["1 one 1", "2 two 1"]
    assert json.loads(Path("run/config.json").read_text())["listeners"] == ["python:inputs/mine.py:Heard"]


def test_a_rule_that_fails_is_one_line(home: Path, one_line: OneLine) -> None:
    text = (home / "random_reassignment.py").read_text()
    (home / "bad.py").write_text(
        text.replace("budget, agents = assignment.shape", "budget, agents, more = assignment.shape")
    )
    line = one_line(["train", "--algorithm", "python:bad.py:RandomReassignment", *SIZE, "--out", "run"])
    assert "ValueError: not enough values to unpack" in line and f"({home}/bad.py, line 26); correct the file" in line


@pytest.mark.parametrize(
    ("what", "name", "message"),
    [
        ("algorithm", "mine.py:Twice", "expected Twice to be a subclass of policybudget.AssignmentRule, got Twice"),
        ("search", "mine.py:told", "expected told to be a subclass of policybudget.Search, got told"),
        ("search", "nowhere.py:X", "python:nowhere.py:X: file not found: nowhere.py; give the path of a Python file"),
        ("search", "mine.py:Nope", "mine.py has no Nope; its functions are Twice, Heard, told (expected a subclass"),
        ("algorithm", "half.py:Half", "python:half.py:Half: Half lacks finalise, update; see docs/extending.md"),
        ("algorithm", "half.py:Nameless", "Nameless lacks a name"),
        ("algorithm", "half.py:Needs", "Needs() raised TypeError"),
        ("algorithm", "half.py:Clash", "Clash.budget: there is an option --budget already; give it another name"),
        ("listeners", "mine.py:told", "told raised ValueError: never again"),
        ("listeners", "mine.py:SEVEN", "expected SEVEN in mine.py to be a listener: a function of an event, or a"),
    ],
)
def test_what_is_wrong_is_one_line(what: str, name: str, message: str, home: Path, one_line: OneLine) -> None:
    with (home / "mine.py").open("a") as file:
        file.write("\nSEVEN = 7\n")
    rule = (home / "random_reassignment.py").read_text()
    (home / "half.py").write_text(
        rule
        + "\n\nclass Half(pb.AssignmentRule):\n    name = 'half'\n    def start(self, known, key): ...\n"
        + "\n\nclass Nameless(Half):\n    name = None\n    update = finalise = Half.start\n"
        + "\n\n@dataclass(frozen=True)\nclass Needs(RandomReassignment):\n    def __post_init__(self):\n"
        + "        raise TypeError('no')\n"
        + "\n\n@dataclass(frozen=True)\nclass Clash(RandomReassignment):\n    budget: int = pb.option(1, 'mine')\n"
    )
    line = one_line(["train", f"--{what}", f"python:{name}", *SIZE, "--out", "run"]).replace(f"{home}/", "")
    assert message in line
