"""Several budgets and seeds side by side, all for the same population."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from policybudget import exact
from policybudget.cli.main import main
from policybudget.runs.result import load
from policybudget.studies.study import Study
from policybudget.training.configuration import Configuration

ROBOTS = (
    "train", "--world", "hopper-velocity", "--agents", "4", "--budget", "2", "--copies", "2", "--steps", "16",
    "--minibatch", "16", "--epochs", "1", "--hidden", "4", "--transitions", "64", "--warm-start", "1",
)  # fmt: skip


def test_all_seeds_train_for_the_same_users_and_say_so(empty_place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([*ROBOTS, "--seed", "5", "--seeds", "2", "--population-seed", "3", "--out", "both"]) == 0
    told = " ".join(capsys.readouterr().out.split())
    assert "2 seeds, population seed 3 in all" in told and "+-" in told
    summary = json.loads(Path("both/summary.json").read_text())
    assert (summary["seeds"], summary["population_seed"]) == ([5, 6], 3)
    runs = [load(f"both/seed-{seed}") for seed in (5, 6)]
    assert runs[0].agents == runs[1].agents, "the names of these users are their targets"
    np.testing.assert_allclose(summary["welfare"]["mean"], np.mean([run.welfare for run in runs]))
    settings = [Configuration.load(Path(f"both/seed-{seed}/config.json")) for seed in (5, 6)]
    assert [(one.seed, one.population_seed, one.cores) for one in settings] == [(5, 3, 1), (6, 3, 1)]
    first, second = (run.policies.actor.network.layers[0].weight for run in runs)
    assert (np.asarray(first) != np.asarray(second)).any()

    assert main([*ROBOTS, "--seed", "5", "--population-seed", "4", "--cores", "1", "--out", "other", "--quiet"]) == 0
    assert load("other").agents != runs[0].agents
    assert load("other").world["population_seed"] == 4


def test_a_sweep_of_budgets_goes_on_where_it_was_stopped(empty_place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([*ROBOTS, "--budget", "1,3", "--seeds", "2", "--out", "sweep"]) == 0
    told = " ".join(capsys.readouterr().out.split())
    assert "2 budgets, 2 seeds, population seed 0 in all" in told and "ceiling" in told
    summary = json.loads(Path("sweep/summary.json").read_text())
    rows = summary["budgets"]
    assert [row["budget"] for row in rows] == [1, 3] and summary["seeds"] == [0, 1]
    assert [row["ceiling"] for row in rows] == list(
        exact.optimum("hopper-velocity", [1, 3], agents=4, population_seed=0).welfare
    )
    for row in rows:
        runs = [load(f"sweep/budget-{row['budget']}/seed-{seed}") for seed in (0, 1)]
        assert [run.budget for run in runs] == [row["budget"]] * 2
        np.testing.assert_allclose(row["welfare"]["mean"], np.mean([run.welfare for run in runs]))
        beside = json.loads(Path(f"sweep/budget-{row['budget']}/summary.json").read_text())
        assert beside["welfare"] == row["welfare"] and beside["budget"] == row["budget"]

    stopped = Path("sweep/budget-3/seed-1")
    whole = (stopped / "policies.safetensors").read_bytes()
    (stopped / "manifest.json").unlink()
    shutil.rmtree("sweep/budget-1/seed-0")
    Path("sweep/budget-1/seed-0/inputs").mkdir(parents=True)
    Path("sweep/summary.json").unlink()
    assert main(["resume", "sweep"]) == 0
    said = capsys.readouterr()
    assert " ".join(said.out.split()) == told
    assert sorted(line.split(" done")[0] for line in said.err.splitlines()) == ["budget 1 seed 0", "budget 3 seed 1"]
    assert (stopped / "policies.safetensors").read_bytes() == whole
    again = json.loads(Path("sweep/summary.json").read_text())
    assert [row["welfare"] for row in again["budgets"]] == [row["welfare"] for row in rows]


def test_folders_sort_by_budget() -> None:
    study = Study(Configuration(), (2, 10), (0,), (1, 1))
    assert [run.folder for run in study.runs(Path("f"))] == [Path("f/budget-02"), Path("f/budget-10")]
    study = Study(Configuration(), (2, 3), (4, 5), (1, 1))
    assert [str(run.folder) for run in study.runs(Path())] == [f"budget-{k}/seed-{s}" for k in (2, 3) for s in (4, 5)]


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"format": 99}, "study.json has format 99"),
        ({"budgets": []}, "study.json is damaged: expected `array` of length >= 1 - at `$.budgets`"),
        ({"seeds": ["0"]}, "study.json is damaged: expected `int`, got `str` - at `$.seeds[0]`"),
        ({"budgets": [26]}, "budget must be between 1 and the number of agents"),
    ],
)
def test_a_damaged_study(
    changes: dict[str, Any], words: str, empty_place: Path, one_line: Callable[[list[str]], str]
) -> None:
    study = Study.of(Configuration(), (1, 2), (0,))
    study.save(empty_place)
    assert Study.load(empty_place) == study
    record = json.loads(Path("study.json").read_text())
    Path("study.json").write_text(json.dumps(record | changes))
    assert words in one_line(["resume", "."])
