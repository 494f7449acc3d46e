"""Committees for agents whose tasks a table of their own describes, from the command line."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from policybudget.cli.main import main
from policybudget.covers.cover import Request
from policybudget.problem import make_problem
from policybudget.runs.result import load
from policybudget.training.checkpoint import Checkpoints
from policybudget.training.configuration import Configuration
from policybudget.training.events import Event
from policybudget.training.listeners.metrics import Metrics

TINY = ("--copies", "4", "--steps", "32", "--minibatch", "64", "--epochs", "1", "--hidden", "8", "--quiet")
COMMITTEE = ("train", "--algorithm", "committee", "--budget", "2", "--transitions", "384", "--no-last-e-step")
DESCRIBED = ("--tasks", "tasks.csv", "--descriptions", "tfidf", "--components", "1", "--radius", "0.4")
TILES = make_problem("resource-gathering", 1).population.names


@pytest.fixture
def tasks(empty_place: Path) -> Path:
    """Tiles of the left half and of the right, in words; last tile first."""
    path = empty_place / "tasks.csv"
    said = [f"walk left, then {i}" if i % 5 < 2 else f"fly right, then {i}" for i in range(25)]
    rows = [f'"{name}","{text}",{i % 5}' for i, (name, text) in enumerate(zip(TILES, said, strict=True))]
    path.write_text("name,description,side\n" + "\n".join(reversed(rows)))
    return path


LEFT = np.arange(25) % 5 < 2


def test_a_run_says_what_it_covers_and_later_commands_need_no_table(
    tasks: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert main([*COMMITTEE, *DESCRIBED, *TINY, "--out", "run"]) == 0
    run = tasks.parent / "run"
    record = json.loads((run / "config.json").read_text())
    assert (record["tasks"], record["descriptions"], record["components"]) == ("inputs/tasks.csv", "tfidf", 1)
    result = load(run)
    assert result.agents == TILES
    groups = result.assignment.argmax(axis=0)
    assert (groups == np.where(LEFT, groups[0], groups[4])).all() and groups[0] != groups[4]
    tasks.unlink()
    monkeypatch.chdir(run)
    assert make_problem(budget=1, **result.world).population.names == TILES
    assert main(["evaluate", str(run), "--episodes", "2", "--quiet"]) == 0
    assert main(["resume", str(run), "--quiet"]) == 0


def test_an_interrupted_run_resumes(tasks: Path) -> None:
    assert main([*COMMITTEE, *DESCRIBED, *TINY, "--out", "whole"]) == 0
    again = tasks.parent / "again"
    configuration = Configuration.load(Path("whole/config.json"))
    configuration.save(again)

    def stop(event: Event) -> None:
        if event.iteration == 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        configuration.training().run([Metrics(again, 2), Checkpoints(again, 0.0), stop])
    assert main(["resume", str(again), "--quiet"]) == 0
    whole, resumed = load("whole"), load(again)
    np.testing.assert_array_equal(resumed.assignment, whole.assignment)
    np.testing.assert_array_equal(resumed.returns, whole.returns)


@pytest.mark.parametrize("method", ["exact", "greedy-intersection"])
def test_a_cover_is_solved_once_per_training(method: str, tasks: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    solved: list[str] = []
    solve = Request.solved

    def counted(self: Request) -> Any:
        solved.append(self.method)
        return solve(self)

    monkeypatch.setattr(Request, "solved", counted)
    options = ("--tasks", "tasks.csv", "--radius", "0.5", "--out", "run", "--cover-method", method)
    assert main([*COMMITTEE, *options, *TINY]) == 0
    assert solved == [method]


def test_columns_of_numbers(tasks: Path) -> None:
    options = ("--tasks", "tasks.csv", "--radius", "0.5", "--out", "run", "--cover-method", "exact")
    assert main([*COMMITTEE, *options, *TINY]) == 0
    groups = load("run").assignment.argmax(axis=0).reshape(5, 5)
    assert (groups == groups[0]).all() and groups[0, 0] == groups[0, 1] != groups[0, 2] == groups[0, 3]


def test_new_tasks_are_judged_in_the_parameters_of_the_world(empty_place: Path) -> None:
    Path("tasks.csv").write_text("description\ncreep\ncreep slowly\nrun\nrun fast\n")
    world = (
        "--world",
        "half-cheetah-goal-velocity",
        "--agents",
        "4",
        "--copies",
        "2",
        "--steps",
        "32",
        "--hidden",
        "4",
    )
    assert main([*COMMITTEE, *DESCRIBED, *TINY, *world, "--transitions", "64", "--radius", "0.8", "--out", "run"]) == 0
    kept = load("run").prototypes
    assert kept is not None and kept.names == ("component 0",)
    assert main(["generalise", "run", "--tasks", "3", "--episodes", "2", "--trials", "1", "--quiet"]) == 0
    assert json.loads(Path("run/generalisation.json").read_text())["places"].startswith("mean tasks")


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (("--algorithm", "em", "--tasks", "tasks.csv"), "tasks are for algorithm committee, got em; leave --tasks out"),
        (("--descriptions", "tfidf"), "--descriptions is for --tasks; leave it out"),
        (("--tasks", "tasks.csv", "--components", "2"), "--components is for --descriptions; leave it out"),
        (
            ("--tasks", "tasks.csv", "--descriptions", "bert"),
            "descriptions must be one of tfidf, wordllama, got 'bert'",
        ),
        (("--tasks", "none.csv"), "tasks file not found: "),
        (("--tasks", "two.csv"), "two.csv: tasks must be a row of numbers for each agent (25), got shape (2, 1)"),
        (("--tasks", "two.csv", "--descriptions", "tfidf"), "two.csv has no column 'description'"),
        (("--tasks", "named.csv"), "named.csv: tasks must be named as the agents are, got none for 'tile 0,0'"),
        (("--tasks", "tasks.csv", "--descriptions", "tfidf", "--components", "0"), "components must be from 1 to"),
        (("--world", "gym:CartPole-v1", "--population", "users.csv"), "give a row for each by --tasks, or use em"),
    ],
)
def test_bad_input(options: tuple[str, ...], words: str, tasks: Path, one_line: Callable[[list[str]], str]) -> None:
    Path("two.csv").write_text("name,speed\na,1\nb,2\n")
    Path("named.csv").write_text("name,speed\n" + "".join(f"user {i},{i}\n" for i in range(25)))
    Path("users.csv").write_text("0\n1\n2\n")
    assert words in one_line(["train", "--algorithm", "committee", "--budget", "2", *options])
