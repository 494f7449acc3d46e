"""Training, killing, resuming and evaluating, as processes."""

from __future__ import annotations

import csv
import json
import os
import random
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import policybudget as pb
from policybudget.assessment.evaluate_run import FILES, evaluate_run
from policybudget.cli.main import main
from policybudget.runs import tensors
from policybudget.runs.result import Result, load

SETTINGS = ("--copies", "4", "--steps", "32", "--minibatch", "32", "--epochs", "2", "--hidden", "8", "--quiet")


def start(*arguments: str) -> subprocess.Popen[bytes]:
    return subprocess.Popen([sys.executable, "-m", "policybudget", *arguments])


def outcome(folder: Path) -> dict[str, object]:
    result = json.loads((folder / "result.json").read_text())
    files = {
        name: (folder / name).read_bytes() for name in ("policies.safetensors", "assignment.csv", "returns.safetensors")
    }
    with (folder / "metrics.csv").open(newline="") as file:
        metrics = [
            {k: v for k, v in row.items() if k not in ("seconds", "transitions_per_s")} for row in csv.DictReader(file)
        ]
    return {**files, "welfare": result["welfare"], "transitions": result["transitions"], "metrics": metrics}


ITERATIONS = {"em": 100}


@pytest.mark.parametrize("algorithm", ITERATIONS)
def test_kill_9_and_resume_end_where_an_uninterrupted_run_ends(algorithm: str, tmp_path: Path) -> None:
    extra = ("--warm-start", "10", "--restarts", "2") if algorithm == "em" else ("--universal-steps", "500")
    options = ("train", "--algorithm", algorithm, *SETTINGS, *extra, "--transitions", str(128 * ITERATIONS[algorithm]))
    whole, killed = tmp_path / "whole", tmp_path / "killed"
    assert main([*options, "--out", str(whole)]) == 0
    lines = (whole / "metrics.csv").read_bytes().count(b"\n")
    metrics, command = killed / "metrics.csv", (*options, "--out", str(killed))
    for share in sorted(random.uniform(0.1, 0.8) for _ in range(2 if algorithm == "em" else 1)):
        process = start(*command)
        while not metrics.exists() or metrics.read_bytes().count(b"\n") < share * lines:
            assert process.poll() is None, "the run ended before it was killed"
            time.sleep(0.005)
        os.kill(process.pid, signal.SIGKILL)
        assert process.wait() == -signal.SIGKILL
        assert not (killed / "manifest.json").exists()
        command = ("resume", str(killed), "--quiet")
    assert main(list(command)) == 0
    one, other = outcome(whole), outcome(killed)
    for name in one:
        assert one[name] == other[name], name


def test_a_finished_run_is_left_as_it_is(run_copy: Path, capsys: pytest.CaptureFixture[str]) -> None:
    before = {path: path.read_bytes() for path in run_copy.rglob("*") if path.is_file()}
    assert main(["resume", str(run_copy)]) == 0
    assert "is finished: welfare" in capsys.readouterr().out
    assert {path: path.read_bytes() for path in run_copy.rglob("*") if path.is_file()} == before


def test_evaluate(run_copy: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["evaluate", str(run_copy), "--episodes", "20"]) == 0
    assert "greedy" in capsys.readouterr().out
    record = json.loads((run_copy / "evaluation.json").read_text())
    for kind in ("greedy", "stochastic"):
        assert set(record[kind]["welfare"]) == {"mean", "ci95"}
        assert len(record[kind]["policies"]) == 3
    with (run_copy / "returns.csv").open(newline="") as file:
        header, *rows = list(csv.reader(file))
    with (run_copy / "assignment.csv").open(newline="") as file:
        assignment = list(csv.DictReader(file))
    assert header == ["policy", *(row["agent"] for row in assignment)] and [row[0] for row in rows] == ["0", "1", "2"]
    matrix = np.array([row[1:] for row in rows], dtype=float)
    assert matrix.shape == (3, 25)
    welfare = np.mean([matrix[int(row["policy"]), i] for i, row in enumerate(assignment)])
    np.testing.assert_allclose(record["greedy"]["welfare"]["mean"], welfare, rtol=1e-5)
    result = json.loads((run_copy / "result.json").read_text())
    np.testing.assert_allclose(welfare, result["welfare"], rtol=1e-5)  # the world and greedy policies are deterministic
    assert record["greedy"]["welfare"]["ci95"] == pytest.approx(0.0, abs=1e-6)
    with (run_copy / "evaluation.csv").open(newline="") as file:
        users = list(csv.DictReader(file))
    for i, (user, row) in enumerate(zip(users, assignment, strict=True)):
        assert (user["user"], user["policy"], user["probability"]) == (row["agent"], row["policy"], "1")
        assert float(user["gets"]) == float(row["return"]) == matrix[int(row["policy"]), i]
        others = np.delete(matrix[:, i], int(row["policy"]))
        assert float(user["by"]) == matrix[int(row["policy"]), i] - others.max() and user["outside"] == ""
    sizes = [policy["agents"] for policy in record["greedy"]["policies"]]
    assert sum(sizes) == 25.0


def test_seeds_of_an_evaluation(run_copy: Path) -> None:
    stochastic = {}
    for seed in ("1", "1", "2"):
        assert main(["evaluate", str(run_copy), "--episodes", "20", "--seed", seed, "--quiet"]) == 0
        stochastic.setdefault(seed, []).append(json.loads((run_copy / "evaluation.json").read_text())["stochastic"])
    assert stochastic["1"][0] == stochastic["1"][1]
    assert stochastic["1"][0]["policies"] != stochastic["2"][0]["policies"]


def test_same_seed_same_files(small: tuple[str, ...], finished_run: Path, empty_place: Path) -> None:
    for name, seed in (("again", "0"), ("other", "1")):
        assert main(["train", *small, "--transitions", "512", "--seed", seed, "--out", name, "--quiet"]) == 0
    assert outcome(empty_place / "again") == outcome(finished_run)
    assert outcome(empty_place / "other")["policies.safetensors"] != outcome(finished_run)["policies.safetensors"]


def test_what_a_user_sees(small: tuple[str, ...], empty_place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["train", *small, "--transitions", "512"]) == 0
    out = capsys.readouterr().out
    (run,) = (empty_place / "runs").iterdir()
    assert "search  archive (deterministic JAX worlds with discrete actions only)" in out
    for words in ("policy", "agents", "mean return", "episode length", "■", f"runs/{run.name}", "welfare"):
        assert words in out


def test_another_welfare_and_options_outside(
    small: tuple[str, ...], empty_place: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = ("--welfare", "gini", "--outside", "97", "--transitions", "1280", "--out", "run")
    assert main(["train", *(word for word in small if word != "--quiet"), *arguments]) == 0
    told = capsys.readouterr().out
    result = json.loads((empty_place / "run" / "result.json").read_text())
    assert result["function"] == "gini"
    assert result["below_outside"] == 0 and result["unserved"] >= 20, "few tiles lie within three steps"
    assert f"{result['unserved']} of 25 users are served by none:" in told
    with (empty_place / "run" / "assignment.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert sum(row["policy"] == "none" for row in rows) == result["unserved"]
    assert main(["evaluate", "run", "--episodes", "3"]) == 0
    assert "gini welfare" in capsys.readouterr().out
    evaluation = json.loads((empty_place / "run" / "evaluation.json").read_text())
    assert evaluation["greedy"]["unserved"] == result["unserved"]
    assert evaluation["greedy"]["welfare"]["mean"] == pytest.approx(result["welfare"], abs=1e-4)


def test_evaluating_from_python_is_what_the_command_does(run_copy: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["evaluate", str(run_copy)]) == 0
    by_command = [(run_copy / name).read_bytes() for name in FILES]
    found = evaluate_run(run_copy)
    assert [(run_copy / name).read_bytes() for name in FILES] == by_command
    assert capsys.readouterr().out == found.text() + "\n" and "(100 episodes per policy)" in found.text()


def test_one_episode_has_no_interval(run_copy: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["evaluate", str(run_copy), "--episodes", "1"]) == 0
    text = capsys.readouterr().out
    assert " +- " not in text.splitlines()[0] and ["tile", "0,0"] in [line.split()[:2] for line in text.splitlines()]
    assert all(line.split()[4] == "-" for line in text.splitlines() if line.startswith("tile"))
    record = json.loads((run_copy / "evaluation.json").read_text())
    assert record["greedy"]["welfare"]["ci95"] is None and record["greedy"]["policies"][0]["length"]["ci95"] is None


def equals(run: Path, made: Result) -> None:
    """Bit for bit."""
    kept = load(run)
    one, other = tensors.named(kept.policies), tensors.named(made.policies)
    assert one.keys() == other.keys()
    for name in one:
        assert one[name].tobytes() == other[name].tobytes(), name
    assert kept.assignment.tobytes() == made.assignment.tobytes()
    assert kept.returns.tobytes() == made.returns.tobytes()
    assert (kept.welfare, kept.search, kept.transitions) == (made.welfare, made.search, made.transitions)


def test_python_equals_the_command_line_in_resource_gathering(empty_place: Path) -> None:
    assert main(["train", "--budget", "4", "--transitions", "3000", "--seed", "2", "--out", "run", "--quiet"]) == 0
    problem = pb.make_problem("resource-gathering", budget=4)
    equals(Path("run"), pb.train(problem, transitions=3000, seed=2))
    equals(Path("run"), pb.train(problem, pb.EM(), transitions=3000, seed=2))


@pytest.mark.parametrize(("options", "named"), [((), {}), (("--preset", "paper"), {"preset": "paper"})])
def test_python_equals_the_command_line_in_a_gymnasium_world(
    options: tuple[str, ...], named: dict[str, str], empty_place: Path
) -> None:
    Path("users.csv").write_text("name,0\nann,1\nbob,-1\n")
    where = ("--world", "gym:gymnasium_worlds:Counting-v0", "--population", "users.csv", "--budget", "2")
    size = ("--copies", "4", "--steps", "16", "--minibatch", "32", "--epochs", "2", "--hidden", "8")
    assert main(["train", *where, *options, *size, "--transitions", "256", "--out", "run", "--quiet"]) == 0
    problem = pb.make_problem("gym:gymnasium_worlds:Counting-v0", budget=2, population="users.csv")
    learner = replace(
        pb.preset(world="gym:gymnasium_worlds:Counting-v0", name=named.get("preset", "default")).learner,
        copies=4, steps=16, minibatch=32, epochs=2, hidden=(8,),
    )  # fmt: skip
    equals(Path("run"), pb.train(problem, learner=learner, transitions=256, **named))  # type: ignore[arg-type]
    if not named:
        equals(Path("run"), pb.train(problem, pb.EM(), learner=learner, transitions=256))
