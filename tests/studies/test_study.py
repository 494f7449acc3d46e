"""Several budgets and seeds side by side, all for the same population."""

from __future__ import annotations

import csv
import json
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from policybudget import exact
from policybudget.cli.main import main
from policybudget.errors import RunFolderError
from policybudget.runs.result import load
from policybudget.studies.study import Study
from policybudget.studies.unit import Unit
from policybudget.training.configuration import Configuration, preset

ROBOTS = (
    "train", "--world", "hopper-velocity", "--agents", "4", "--budget", "2", "--copies", "2", "--steps", "16",
    "--minibatch", "16", "--epochs", "1", "--hidden", "4", "--transitions", "64", "--warm-start", "1",
)  # fmt: skip


def folders(root: str) -> dict[tuple[int, int], Path]:
    """Run folders by budget and seed."""
    with Path(root, "table.csv").open(newline="") as file:
        return {(int(row["budget"]), int(row["seed"])): Path(root, row["folder"]) for row in csv.DictReader(file)}


def test_all_seeds_train_for_the_same_users_and_say_so(empty_place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([*ROBOTS, "--seed", "5", "--seeds", "2", "--population-seed", "3", "--out", "both"]) == 0
    told = " ".join(capsys.readouterr().out.split())
    assert "2 seeds, population seed 3 in all" in told and "+-" in told
    (row,) = json.loads(Path("both/summary.json").read_text())["rows"]
    assert row["seeds"] == [5, 6]
    there = folders("both")
    runs = [load(there[2, seed]) for seed in (5, 6)]
    assert runs[0].agents == runs[1].agents, "the names of these users are their targets"
    np.testing.assert_allclose(row["welfare"]["mean"], np.mean([run.welfare for run in runs]))
    settings = [Configuration.load(there[2, seed] / "config.json") for seed in (5, 6)]
    assert [(one.seed, one.population_seed, one.cores) for one in settings] == [(5, 3, 1), (6, 3, 1)]
    first, second = (run.policies.actor.network.layers[0].weight for run in runs)
    assert (np.asarray(first) != np.asarray(second)).any()
    assert there[2, 5].parent == there[2, 6].parent, "what differs in its seed alone lies beside each other"

    alone = [sys.executable, "-m", "policybudget", *ROBOTS, "--seed", "6", "--population-seed", "3", "--cores", "1"]
    subprocess.run([*alone, "--out", "one", "--quiet"], check=True)
    whole = [path.joinpath("policies.safetensors").read_bytes() for path in (Path("one"), there[2, 6])]
    assert whole[0] == whole[1], "one after another in a process, or in a process of its own"


def test_a_sweep_of_budgets_goes_on_where_it_was_stopped(empty_place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([*ROBOTS, "--budget", "1,3", "--seeds", "2", "--out", "sweep"]) == 0
    told = " ".join(capsys.readouterr().out.split())
    assert "2 settings, 2 seeds, population seed 0 in all" in told and "ceiling" in told
    rows = json.loads(Path("sweep/summary.json").read_text())["rows"]
    assert [(row["budget"], row["seeds"]) for row in rows] == [(1, [0, 1]), (3, [0, 1])]
    best = exact.optimum("hopper-velocity", [1, 3], agents=4, population_seed=0).welfare
    assert [row["optimum"] for row in rows] == pytest.approx(best)
    there = folders("sweep")
    for row in rows:
        runs = [load(there[row["budget"], seed]) for seed in (0, 1)]
        assert [run.budget for run in runs] == [row["budget"]] * 2
        assert row["welfare"]["each"] == [run.welfare for run in runs]
    assert Path("sweep/figure.png").stat().st_size > 5_000

    stopped, table = there[3, 1], Path("sweep/table.csv").read_bytes()
    whole = (stopped / "policies.safetensors").read_bytes()
    (stopped / "manifest.json").unlink()
    removed = there[1, 0]
    for path in removed.iterdir():
        if path.is_file() and path.name != "config.json":
            path.unlink()
    Path("sweep/summary.json").unlink()
    assert main(["resume", "sweep"]) == 0
    said = capsys.readouterr()
    assert " ".join(said.out.split()) == told
    assert sorted(line.split(" done")[0] for line in said.err.splitlines()) == ["budget 1 seed 0", "budget 3 seed 1"]
    assert (stopped / "policies.safetensors").read_bytes() == whole
    assert Path("sweep/table.csv").read_bytes() == table
    with Path("sweep/costs.csv").open(newline="") as file:
        begun = {row["unit"]: int(row["begun"]) for row in csv.DictReader(file)}
    assert begun == {"budget 1 seed 0": 1, "budget 1 seed 1": 1, "budget 3 seed 0": 1, "budget 3 seed 1": 2}


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"format": 99}, "study.json has format 99"),
        ({"units": []}, "study.json is damaged: expected `array` of length >= 1 - at `$.units`"),
        ({"cores": "2"}, "study.json is damaged: expected `int | null`, got `str` - at `$.cores`"),
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


def test_units_that_were_changed(empty_place: Path, one_line: Callable[[list[str]], str]) -> None:
    study = Study.of(Configuration(), (1, 2), (0,))
    study.save(empty_place)
    (path,) = [study.units[1].place / "config.json"]
    path.write_text(json.dumps(json.loads(path.read_text()) | {"seed": 7}))
    assert "does not fit study.json: one of them was changed" in one_line(["resume", "."])
    with pytest.raises(RunFolderError, match="has another training than its name says; remove it"):
        study.save(empty_place)


def test_the_hash_is_of_what_is_trained_and_nothing_else(empty_place: Path) -> None:
    usual = Configuration()
    one, again = Unit.of(replace(usual, cores=2)), Unit.of(replace(usual, cores=1))
    assert one.sha256 == again.sha256, "every unit computes on one core"
    other = Unit.of(replace(usual, seed=1))
    assert other.sha256 != one.sha256 and other.place.parent == one.place.parent
    assert Unit.of(replace(usual, budget=4)).group != one.group
    Path("users.csv").write_text("name,row,column\nann,0,1\n")
    Path("same.csv").write_text("name,row,column\nann,0,1\n")
    with_users = [replace(usual, budget=1, population=name) for name in ("users.csv", "same.csv")]
    first, second = (Unit(each, 1) for each in with_users)
    assert first.sha256 == second.sha256, "a file is its content"
    Path("same.csv").write_text("name,row,column\nann,0,2\n")
    assert Unit(with_users[1], 1).sha256 != first.sha256


def test_names_say_what_differs_and_no_more() -> None:
    presets = [preset("plain", "resource-gathering", rule) for rule in ("em", "random")]
    units = [Unit(replace(one, budget=k), 1) for one in presets for k in (1, 2)]
    study = Study(tuple(units))
    assert study.varied == ("algorithm", "budget")
    assert study.names == ("em budget 1", "em budget 2", "random budget 1", "random budget 2")
    assert tuple(study.settings[0])[:4] == ("world", "preset", "algorithm", "search")
    rates = [replace(units[0].configuration, mixing=mixing) for mixing in (0.1, 0.2)]
    assert Study(tuple(Unit(one, 1) for one in rates)).names == ("mixing 0.1", "mixing 0.2")
