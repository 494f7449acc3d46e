"""What a bundle promises: to all users of a policy and to groups of them; and what candidates are worth."""

from __future__ import annotations

import csv
import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from runs_by_hand import constant, levers, save
from scipy import stats

from policybudget.cli.main import main
from policybudget.deployment.bundle import load
from policybudget.deployment.export import export
from policybudget.deployment.promises import group_promises, promises, serving
from policybudget.deployment.verify import verify
from policybudget.errors import PolicyBudgetError, RunFolderError
from policybudget.population import Population
from policybudget.problem import make_problem
from policybudget.runs.kept import keep

OneLine = Callable[[list[str]], str]
LOGITS = [[9.0, 0.0, 0.0], [0.0, 9.0, 0.0]]


def test_promises_by_hand() -> None:
    population = Population.from_weights(np.eye(2), ["a", "b"])
    assignment = np.array([[1.0, 1.0], [0.0, 0.0]])
    features = np.random.default_rng(0).normal(5, 1, (2, 30, 2)).astype(np.float32)
    both = features[0].astype(float).mean(axis=1)
    lower = both.mean() - stats.t.ppf(0.975, 29) * both.std(ddof=1) / np.sqrt(30)
    assert promises(population, assignment, features) == [pytest.approx(lower), None]
    groups = {"x": np.array([0]), "y": np.array([1]), "z": np.array([], int)}
    found = group_promises(population, assignment, features, groups)
    assert [(one["policy"], one["group"], one["users"]) for one in found] == [(0, "x", 1), (0, "y", 1)]
    for one, own in zip(found, features[0].astype(float).T, strict=True):
        error = own.std(ddof=1) / np.sqrt(30)
        assert one["promise"] == pytest.approx(own.mean() - stats.t.ppf(1 - 0.025 / 2, 29) * error), "both at once"
    assert serving(np.array([[0.0, 0.2], [0.0, 0.8]])).tolist() == [-1, 1]


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run of two policies that keeps two others; do not change it."""
    place = tmp_path_factory.mktemp("promises")
    (place / "levers.py").write_text(levers())
    (place / "users.csv").write_text("name,a,b,c\nann,10,0,0\nbob,0,20,0\ncem,5,0,9\n")
    (place / "sites.csv").write_text("name,site\nann,north\nbob,north\ncem,south\n")
    here = Path.cwd()
    os.chdir(place)
    try:
        save(Path("run"), "python:levers.py:Levers", LOGITS, [0, 1, 0], population="users.csv")
        world = make_problem(name="python:levers.py:Levers", budget=1, population="users.csv").world
        keep(Path("run"), "phase-0", constant(world, [[0.0, 0.0, 9.0], [0.0, 9.0, 0.0]]).arrays())
    finally:
        os.chdir(here)
    return place / "run"


def test_a_bundle_with_groups_and_candidates(run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    sites = f"{run.parent / 'sites.csv'}:site"
    export(run, tmp_path / "bundle", floor=2.0, episodes=3, onnx=False, groups=sites, candidates=True)
    bundle = load(tmp_path / "bundle")
    assert [(one.policy, one.group, one.users, one.promise) for one in bundle.record.groups] == [
        (0, "north", 1, 10.0), (0, "south", 1, 5.0), (1, "north", 1, 20.0),
    ]  # fmt: skip
    with (tmp_path / "bundle" / "candidates.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["name"] for row in rows] == ["phase-0 0", "phase-0 1"]
    assert [float(rows[0][name]) for name in ("a", "b", "c", "fresh.a", "fresh.c")] == [0, 0, 1, 0, 1]
    (tmp_path / "now.csv").write_text("name,a,b,c\nann,9,0,1\ncem,2,0,9\n")
    line = ["reassign", str(tmp_path / "bundle"), str(tmp_path / "now.csv"), "--switching-cost", "1"]
    line += ["--out", str(tmp_path / "out.csv"), "--cost-per-policy"]
    assert main([*line, "2.9"]) == 0
    told = capsys.readouterr().out
    assert "policy number 3: due" in told and "candidate phase-0 0, for these users: it brings at least 3" in told
    assert main([*line, "3.1"]) == 0 and "policy number 3: not shown to be due" in capsys.readouterr().out
    (tmp_path / "returns.csv").write_text("policy,return,group\n" + "0,10,north\n0,2,south\n" * 60)
    line = ["monitor", str(tmp_path / "bundle"), str(tmp_path / "returns.csv"), "--range", "0", "20"]
    assert main(line) == 1
    said = capsys.readouterr()
    assert said.err.startswith("policy 0, group south: promised 5, mean 2 of ") and "lost <=" in said.out
    path = tmp_path / "bundle" / "bundle.json"
    record = json.loads(path.read_text())
    record["groups"][0]["policy"] = 7
    path.write_text(json.dumps(record))
    with pytest.raises(RunFolderError, match="by a policy that there is not"):
        verify(tmp_path / "bundle")


def test_a_bundle_without_candidates_cannot_tell(run: Path, tmp_path: Path, one_line: OneLine) -> None:
    export(run, tmp_path / "bundle", episodes=2, onnx=False)
    assert load(tmp_path / "bundle").record.groups == []
    told = one_line(["reassign", str(tmp_path / "bundle"), "x.csv", "--switching-cost", "1", "--cost-per-policy", "1"])
    assert "--cost-per-policy needs --candidates, --curve, or a bundle of export --candidates" in told


def test_groups_and_candidates_that_are_not_there(run_copy: Path, run: Path, tmp_path: Path) -> None:
    with pytest.raises(PolicyBudgetError, match="no column 'age'"):
        export(run, tmp_path / "new", onnx=False, episodes=2, groups=f"{run.parent / 'sites.csv'}:age")
    with pytest.raises(PolicyBudgetError, match="candidates need users with weights"):
        export(run_copy, tmp_path / "new", onnx=False, episodes=2, candidates=True)
    alone = Path(shutil.copytree(run, tmp_path / "alone", ignore=shutil.ignore_patterns("kept")))
    with pytest.raises(PolicyBudgetError, match="keeps no policies besides its result"):
        export(alone, tmp_path / "new", onnx=False, episodes=2, candidates=True)
    assert not list(tmp_path.glob("*new*"))
