"""Several seeds side by side, all for the same population."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import numpy as np
import pytest

from policybudget.cli.main import main
from policybudget.runs.result import load
from policybudget.studies.seeds import last_metrics
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


def test_where_a_training_stands(tmp_path: Path) -> None:
    path = tmp_path / "metrics.csv"
    assert last_metrics(path) is None
    header = ["phase", "iteration", "transitions", "seconds", "transitions_per_s", "best_welfare", "welfare"]
    rows = [["em", 1, 100, 0.1, "", "", ""], ["em", 2, 200, 0.2, 1000, 3.5, 3]]
    for number, expected in ((0, None), (1, (100, None)), (2, (200, 3.5))):
        with path.open("w", newline="") as file:
            csv.writer(file).writerows([header, *rows[:number]])
            file.write("em,3,30")  # half a line
        found = last_metrics(path)
        if expected is None or found is None:
            assert found is expected
        else:
            assert found[0] == expected[0] and (np.isnan(found[1]) if expected[1] is None else found[1] == expected[1])
