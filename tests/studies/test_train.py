"""``pb.train(..., out=DIR)`` leaves the folder that the command leaves, and shows the same progress."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pytest

import policybudget as pb
from policybudget.cli.main import main
from policybudget.errors import RunFolderError
from policybudget.runs.result import load
from policybudget.training.configuration import Configuration
from policybudget.worlds.grid.resource_gathering import ResourceGathering

TINY = {"copies": 4, "steps": 32, "minibatch": 64, "epochs": 2, "hidden": (8,)}
LEARNER = replace(pb.preset(world="resource-gathering", search="plain").learner, **TINY)  # type: ignore[arg-type]
COMMAND = ("--copies", "4", "--steps", "32", "--minibatch", "64", "--epochs", "2", "--hidden", "8")


def relative(folder: Path) -> set[str]:
    names = {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}
    return {name for name in names if "tfevents" not in name}


def test_the_same_folder(empty_place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    options = ("--search", "plain", *COMMAND, "--warm-start", "1", "--transitions", "256", "--seed", "3")
    assert main(["train", *options, "--out", "typed"]) == 0
    shown = capsys.readouterr().err
    result = pb.train(
        pb.make_problem("resource-gathering", budget=3), pb.EM(warm_start=1), search=pb.Plain(), learner=LEARNER,
        transitions=256, seed=3, out="called",
    )  # fmt: skip
    also = capsys.readouterr()
    assert [line.split("k/s")[0].rsplit(" ", 1)[0] for line in shown.splitlines()] == [
        line.split("k/s")[0].rsplit(" ", 1)[0] for line in also.err.splitlines()
    ] and "100%" in shown
    assert also.out == ""
    typed, called = Path("typed"), Path("called")
    assert relative(typed) == relative(called)
    for name in ("config.json", "policies.safetensors", "assignment.csv", "returns.safetensors", "manifest.json"):
        one, other = (folder / name for folder in (typed, called))
        if name == "manifest.json":
            first, second = (json.loads(path.read_text()) for path in (one, other))
            first["sha256"].pop("result.json"), second["sha256"].pop("result.json")  # it has the seconds
            assert first == second
        else:
            assert one.read_bytes() == other.read_bytes(), name
    np.testing.assert_array_equal(load(called).assignment, result.assignment)
    assert main(["evaluate", "called", "--episodes", "2", "--quiet"]) == 0
    assert main(["resume", "called"]) == 0 and "is finished" in capsys.readouterr().out


def test_quiet_and_no_folder(empty_place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    problem = pb.make_problem("resource-gathering", budget=2)
    pb.train(problem, search="plain", learner=LEARNER, transitions=128, quiet=True)
    assert capsys.readouterr() == ("", "") and not list(empty_place.iterdir())
    pb.train(problem, search="plain", learner=LEARNER, transitions=128)
    assert "100%" in capsys.readouterr().err and not list(empty_place.iterdir())


def test_a_folder_that_is_not_empty(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(RunFolderError, match="the output folder must be new or empty"):
        pb.train(pb.make_problem("resource-gathering", budget=2), learner=LEARNER, search="plain", out=tmp_path)


def test_the_users_table_is_copied(empty_place: Path) -> None:
    Path("users.csv").write_text("name,0\nann,1\nbob,-1\n")
    problem = pb.make_problem("gym:gymnasium_worlds:Counting-v0", budget=2, population="users.csv")
    learner = replace(LEARNER, steps=8, minibatch=32)
    how = {"search": "plain", "learner": learner, "transitions": 32, "quiet": True}
    trained = pb.train(problem, out="run", **how)  # type: ignore[arg-type]
    Path("users.csv").unlink()
    configuration = Configuration.load(Path("run/config.json"))
    assert configuration.population == str(empty_place / "run" / "inputs" / "users.csv")
    assert main(["evaluate", "run", "--episodes", "2", "--quiet"]) == 0
    assert main(["train", "--config", "run/config.json", "--out", "again", "--quiet"]) == 0
    np.testing.assert_array_equal(load("again").assignment, trained.assignment)


@dataclass(frozen=True)
class Own(pb.EM):
    """A rule that no command knows."""

    name = "own"


def problem_by_hand() -> pb.RepresentedMDP:
    world = ResourceGathering()
    return pb.RepresentedMDP(world, world.population(), budget=2)


def test_made_by_hand(empty_place: Path, one_line: Callable[[list[str]], str]) -> None:
    result = pb.train(problem_by_hand(), Own(), search="plain", learner=LEARNER, transitions=128, out="run", quiet=True)
    record = json.loads(Path("run/config.json").read_text())
    lacking = "the world resource-gathering, its users, the rule own"
    assert record["made_in_python"] == lacking
    assert (record["world"], record["agents"], record["budget"]) == ("resource-gathering", 25, 2)
    assert record["rule"]["name"] == "own" and record["rule"]["warm_start"] == Own().warm_start
    assert record["search"] == {"name": "plain"} and record["learner"]["copies"] == 4
    line = one_line(["evaluate", "run"])
    assert "made in Python; neither it nor its users are in the folder; evaluate them there" in line
    assert f"without what was made there: {lacking}" in one_line(["train", "--config", "run/config.json"])
    size = result.architecture.observation_size
    assert load("run").act(np.zeros(size), policy=0) in range(4)


def test_a_problem_that_was_changed(empty_place: Path, one_line: Callable[[list[str]], str]) -> None:
    problem = pb.make_problem("resource-gathering", budget=2)
    others = replace(problem.population, outside=np.full(25, 50.0))
    pb.train(
        replace(problem, population=others), search="plain", learner=LEARNER, transitions=128, out="run", quiet=True
    )
    assert "the problem, changed after make_problem" in one_line(["train", "--config", "run/config.json"])
