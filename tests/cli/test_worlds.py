"""Velocity and Gymnasium worlds from the command line: kill and resume, trouble on the way, evaluation."""

from __future__ import annotations

import csv
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from trainings import train
from worlds_with_known_answers import Clock

from policybudget.assignment.em import EM
from policybudget.cli.main import main
from policybudget.errors import PolicyBudgetError
from policybudget.learning.settings import PPO
from policybudget.population import Experience, Population
from policybudget.problem import RepresentedMDP, make_problem
from policybudget.runs import tensors
from policybudget.runs.result import load
from policybudget.training.checkpoint import NAME, Checkpoints, reader
from policybudget.training.events import Event

TINY = ("--copies", "2", "--steps", "16", "--minibatch", "16", "--epochs", "1", "--hidden", "4", "--quiet")
VELOCITY = ("--world", "hopper-velocity", "--agents", "6", "--budget", "2", "--warm-start", "1", *TINY)
COMMITTEE = ("--algorithm", "committee", "--budget", "1")
TROUBLED = ("--world", "gym:gymnasium_worlds:Troubled-v0", "--budget", "2", *TINY)


def outcome(folder: Path) -> dict[str, object]:
    kept = ("policies.safetensors", "assignment.csv", "returns.safetensors", NAME)
    with (folder / "metrics.csv").open(newline="") as file:
        rows = [
            {k: v for k, v in row.items() if k not in ("seconds", "transitions_per_s")} for row in csv.DictReader(file)
        ]
    arrays = {name: tensors.metadata(folder / name)["digest"] for name in kept if name.endswith("safetensors")}
    return {**arrays, "metrics": rows, "welfare": json.loads((folder / "result.json").read_text())["welfare"]}


def test_kill_9_and_resume_end_where_an_uninterrupted_velocity_run_ends(tmp_path: Path) -> None:
    whole, killed = tmp_path / "whole", tmp_path / "killed"
    arguments = [*VELOCITY, "--transitions", str(32 * 50)]
    assert main(["train", *arguments, "--out", str(whole)]) == 0
    process = subprocess.Popen([sys.executable, "-m", "policybudget", "train", *arguments, "--out", str(killed)])
    metrics = killed / "metrics.csv"
    deadline = time.monotonic() + 120
    while not (metrics.exists() and metrics.read_bytes().count(b"\n") > 10) and time.monotonic() < deadline:
        assert process.poll() is None
        time.sleep(0.005)
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    assert not (killed / "result.json").exists()
    assert main(["resume", str(killed), "--quiet"]) == 0
    assert outcome(killed) == outcome(whole)
    assert (whole / "figures" / "assignment.png").stat().st_size > 5000


class StoppedError(Exception):
    pass


def test_every_checkpoint_of_a_velocity_run_leads_to_the_same_end(tmp_path: Path) -> None:
    problem = make_problem("hopper-velocity", 2, agents=4, population_seed=1)
    ppo = PPO(copies=2, steps=16, minibatch=16, epochs=1, hidden=(4,), normalise_observations=True)
    options = {"learner": ppo, "search": "splitting", "transitions": 32 * 9, "seed": 3}
    whole = train(problem, EM(warm_start=2), **options)  # type: ignore[arg-type]

    def stop(event: Event) -> None:
        if event.iteration == 6:
            raise StoppedError

    with pytest.raises(StoppedError):
        train(problem, EM(warm_start=2), listeners=[Checkpoints(tmp_path, 0.0), stop], **options)  # type: ignore[arg-type]
    resumed = train(problem, EM(warm_start=2), resume=reader(tmp_path), **options)  # type: ignore[arg-type]
    assert tensors.dump(resumed.policies) == tensors.dump(whole.policies)
    np.testing.assert_array_equal(resumed.returns, whole.returns)


def test_a_velocity_run_is_evaluated_with_the_users_it_was_trained_for(tmp_path: Path) -> None:
    run = tmp_path / "run"
    assert main(["train", *VELOCITY, "--population-seed", "5", "--transitions", "64", "--out", str(run)]) == 0
    assert main(["evaluate", str(run), "--episodes", "3", "--quiet"]) == 0
    population = make_problem("hopper-velocity", 2, agents=6, population_seed=5).population
    with (run / "returns.csv").open(newline="") as file:
        rows = [row[1:] for row in csv.reader(file)]
    assert tuple(rows[0]) == population.names and len(rows) == 3
    targets = population.parameters[:, 0]  # type: ignore[index]
    assert [float(name.split()[0]) for name in rows[0]] == pytest.approx(targets, abs=1e-4)


@pytest.fixture
def users(empty_place: Path) -> Path:
    path = empty_place / "users.csv"
    path.write_text("name,0\nann,1\nbob,-1\n")
    return path


def test_a_gym_run_finds_its_users_from_anywhere(
    users: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["train", *TROUBLED, "--population", "users.csv", "--transitions", "64", "--out", "run"]) == 0
    run, elsewhere = users.parent / "run", users.parent / "elsewhere"
    elsewhere.mkdir()
    monkeypatch.chdir(elsewhere)
    assert json.loads((run / "config.json").read_text())["population"] == "inputs/users.csv"
    assert main(["evaluate", str(run), "--episodes", "2", "--quiet"]) == 0
    with (run / "returns.csv").open(newline="") as file:
        assert [[float(cell) for cell in row[1:]] for row in list(csv.reader(file))[1:]] == [[5.0, -5.0], [5.0, -5.0]]
    assert load(run).welfare == 0.0  # one is paid what it costs the other
    users.write_text("name,0\nann,1\n")
    capsys.readouterr()
    assert main(["evaluate", str(run), "--episodes", "2", "--quiet"]) == 0
    assert f"{users} differs from the run's own copy, which is used" in capsys.readouterr().err


def test_a_run_folder_is_named_for_any_world(users: Path) -> None:
    assert main(["train", *TROUBLED, "--population", "users.csv", "--transitions", "64"]) == 0
    (run,) = Path("runs").iterdir()
    assert run.name.startswith("gym-gymnasium_worlds-Troubled-v0-k02-em-")


@pytest.mark.parametrize("kind", ["raise", "nan reward", "inf reward", "nan observation"])
def test_trouble_on_the_way_is_one_line_and_resume_goes_on(
    kind: str, users: Path, monkeypatch: pytest.MonkeyPatch, one_line: Callable[[list[str]], str]
) -> None:
    monkeypatch.setenv("TROUBLE", f"{kind},{16 * 3 + 5}")
    line = one_line(["train", *TROUBLED, "--population", "users.csv", "--transitions", "192", "--out", "run"])
    assert "world gym:gymnasium_worlds:Troubled-v0, step " in line
    assert {"raise": "the cable snapped"}.get(kind, "component ") in line
    run = Path("run")
    assert not (run / "result.json").exists()
    kept = reader(run)
    assert kept is not None and "digest" in tensors.metadata(run / NAME)
    monkeypatch.delenv("TROUBLE")
    assert main(["resume", "run", "--quiet"]) == 0
    assert json.loads((run / "result.json").read_text()) | {"wall_seconds": 0} == {
        "function": "utilitarian", "welfare": 0.0, "mean": 0.0, "worst": -5.0, "unserved": 0, "below_outside": 0,
        "transitions": 384, "wall_seconds": 0,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--world", "gym:Nowhere-v0", "--population", "users.csv"], "Gymnasium or MO-Gymnasium id, got 'Nowhere-v0'"),
        (["--world", "gym:CartPole-v1"], "gym:CartPole-v1 needs --population users.csv"),
        (["--world", "gym:CartPole-v1", "--population", "nowhere.csv"], "population file not found"),
        (["--world", "gym:mo-reacher-v5", "--population", "users.csv"], "no column for reward component 1 (of 4)"),
        (["--world", "gym:CartPole-v1", "--population", "users.csv", "--budget", "3"], "number of agents (2), got 3"),
        (["--world", "resource-gathering", "--population", "users.csv"], "draws its own population"),
        (
            ["--world", "hopper-velocity", "--search", "archive"],
            "needs a deterministic world in JAX with discrete actions",
        ),
        (["--world", "gym:CartPole-v1", "--population", "users.csv", *COMMITTEE], "no task parameters"),
        (["--world", "hopper-velocity", "--agents", "none"], "argument --agents: invalid int value"),
        (["--world", "hopper-velocity", "--agents", "0"], "agents must be at least 1, got 0"),
    ],
)
def test_bad_input_writes_nothing(
    arguments: list[str], message: str, users: Path, one_line: Callable[[list[str]], str]
) -> None:
    line = one_line(["train", *arguments, "--out", "run"])
    assert message in line and not Path("run").exists()


def test_a_problem_made_in_python_is_trained_and_evaluated_there(
    tmp_path: Path, one_line: Callable[[list[str]], str]
) -> None:
    def paid(seen: Experience) -> np.ndarray:
        time = np.asarray(seen.outcome)[..., 0]
        return np.stack([time, 10 - time], axis=-1)

    population = Population.from_function(paid, ["late", "early"], numpy=True)
    ppo = PPO(copies=2, steps=6, minibatch=6, epochs=1, hidden=(4,))
    result = train(RepresentedMDP(Clock(3), population, 1), EM(), search="plain", learner=ppo, transitions=24)
    np.testing.assert_allclose(result.returns, [[1 + 2 + 3, 9 + 8 + 7]], rtol=1e-6)
    result.save(tmp_path / "run")
    line = one_line(["evaluate", str(tmp_path / "run")])
    assert "holds policies for world 'clock', made in Python; neither it nor its users are in the folder" in line


def fails(seen: object) -> np.ndarray:
    raise KeyError("tariff")


@pytest.mark.parametrize(
    ("function", "numpy", "message"),
    [
        (fails, True, "world clock, iteration 1: the reward function raised .*KeyError: 'tariff'"),
        (
            lambda seen: seen.outcome / 0.0 * 0.0,
            False,
            "world clock, iteration 1: what policy 0 learned from is not",
        ),
    ],
)
def test_reward_functions_that_fail(function: Callable[[object], object], numpy: bool, message: str) -> None:
    population = Population.from_function(function, ["a", "b"], numpy=numpy)
    ppo = PPO(copies=2, steps=6, minibatch=6, epochs=1, hidden=(4,))
    with pytest.raises(PolicyBudgetError, match=message) as error:
        train(RepresentedMDP(Clock(3), population, 1), EM(), search="plain", learner=ppo, transitions=24)
    assert "\n" not in str(error.value)
