"""A run folder has copies of the files that its training was given: it works where they are not, and after edits."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

import policybudget as pb
from policybudget.cli.main import main
from policybudget.errors import RunFolderError
from policybudget.runs import inputs
from policybudget.runs.files import sha256
from policybudget.runs.result import load
from policybudget.training.configuration import Configuration

WORLD = "gym:gymnasium_worlds:Counting-v0"
TINY = ("--copies", "4", "--steps", "8", "--minibatch", "32", "--epochs", "1", "--hidden", "4")
TRAIN = ("train", "--world", WORLD, "--budget", "2", *TINY, "--search", "plain", "--transitions", "32", "--quiet")
USERS = "name,0\nann,1\nbob,-1\n"


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run with a users' table; do not change it."""
    place = tmp_path_factory.mktemp("made")
    (place / "users.csv").write_text(USERS)
    before = Path.cwd()
    os.chdir(place)
    try:
        assert main([*TRAIN, "--population", "users.csv", "--out", "run"]) == 0
    finally:
        os.chdir(before)
    return place


@pytest.fixture
def copy(made: Path, tmp_path: Path) -> Path:
    """The run, elsewhere, with what config.json says of the original made to fit; the original is beside it."""
    shutil.copytree(made, tmp_path / "elsewhere")
    for name in ("config.json", "manifest.json"):
        path = tmp_path / "elsewhere" / "run" / name
        path.write_text(path.read_text().replace(str(made), str(tmp_path / "elsewhere")))
    return tmp_path / "elsewhere" / "run"


def welfare(run: Path) -> float:
    return float(json.loads((run / "evaluation.json").read_text())["greedy"]["welfare"]["mean"])


def test_what_is_recorded(made: Path) -> None:
    run = made / "run"
    assert (run / "inputs" / "users.csv").read_text() == USERS
    record = {"inputs/users.csv": {"sha256": sha256(USERS.encode()), "from": str(made / "users.csv")}}
    config, manifest = (json.loads((run / name).read_text()) for name in ("config.json", "manifest.json"))
    assert config["population"] == manifest["world"]["population"] == "inputs/users.csv"
    assert config["inputs"] == manifest["inputs"] == record
    assert manifest["sha256"]["inputs/users.csv"] == sha256(USERS.encode())
    assert load(run).world["population"] == str(run / "inputs" / "users.csv")


def test_elsewhere_and_after_an_edit(copy: Path, capsys: pytest.CaptureFixture[str]) -> None:
    original = copy.parent / "users.csv"
    assert main(["evaluate", str(copy), "--episodes", "3", "--quiet"]) == 0
    assert capsys.readouterr().err == ""
    before = welfare(copy)
    original.write_text("name,0\nann,100\nbob,-100\n")
    assert main(["evaluate", str(copy), "--episodes", "3", "--quiet"]) == 0
    err = capsys.readouterr().err
    used = copy / "inputs" / "users.csv"
    assert err == f"policybudget: {original} differs from the run's own copy, which is used: {used}\n"
    assert welfare(copy) == before
    original.unlink()
    moved = copy.rename(copy.parent.parent / "moved")
    assert main(["evaluate", str(moved), "--episodes", "3", "--quiet"]) == 0
    assert capsys.readouterr().err == "" and welfare(moved) == before


def test_a_changed_copy_is_refused(copy: Path, one_line: Callable[[list[str]], str]) -> None:
    (copy / "inputs" / "users.csv").write_text(USERS.replace("-1", "-2"))
    assert "users.csv does not match its hash in manifest.json" in one_line(["evaluate", str(copy)])
    again = ["train", "--config", str(copy / "config.json"), "--out", str(copy.parent / "again")]
    assert "users.csv does not match its hash in config.json" in one_line(again)
    with pytest.raises(RunFolderError, match="does not match its hash"):
        pb.load(copy)
    (copy / "manifest.json").unlink()
    assert "users.csv does not match its hash in config.json" in one_line(["resume", str(copy)])
    (copy / "inputs" / "users.csv").unlink()
    assert "users.csv is missing: the run was trained on it" in one_line(["resume", str(copy)])


def test_resume_uses_the_copy(copy: Path, capsys: pytest.CaptureFixture[str]) -> None:
    before = (copy / "policies.safetensors").read_bytes()
    for name in ("manifest.json", "policies.safetensors", "checkpoint/state.safetensors"):
        (copy / name).unlink()
    (copy.parent / "users.csv").write_text("name,0\nann,5\nbob,5\n")
    assert main(["resume", str(copy), "--quiet"]) == 0
    assert "differs from the run's own copy" in capsys.readouterr().err
    assert (copy / "policies.safetensors").read_bytes() == before
    assert load(copy).agents == ("ann", "bob")


def test_train_again_from_anywhere(made: Path, empty_place: Path) -> None:
    assert main(["train", "--config", str(made / "run" / "config.json"), "--out", "again", "--quiet"]) == 0
    one, other = (json.loads((run / "config.json").read_text()) for run in (made / "run", empty_place / "again"))
    assert one == other, "a copy of a copy names the original"
    policies = [(run / "policies.safetensors").read_bytes() for run in (made / "run", empty_place / "again")]
    assert policies[0] == policies[1] and (empty_place / "again" / "inputs" / "users.csv").read_text() == USERS


def test_seeds_are_whole(empty_place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    paths = (str(Path(__file__).parents[1]), os.environ.get("PYTHONPATH", ""))
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(filter(None, paths)))  # processes find the world there
    Path("users.csv").write_text(USERS)
    assert main([*TRAIN, "--population", "users.csv", "--seeds", "2", "--out", "both"]) == 0
    Path("users.csv").unlink()
    runs = sorted(Path("both").glob("units/*/seed-*"))
    assert [run.name for run in runs] == ["seed-0", "seed-1"]
    for run in runs:
        recorded = json.loads((run / "config.json").read_text())["inputs"]["inputs/users.csv"]
        assert recorded["from"] == str(empty_place / "users.csv")
        assert main(["evaluate", str(run), "--episodes", "2", "--quiet"]) == 0


def test_two_files_of_one_name(tmp_path: Path) -> None:
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "table.csv").write_text(name)
    settings = {name: str(tmp_path / folder / "table.csv") for name, folder in (("population", "a"), ("tasks", "b"))}
    kept, copies = inputs.keep(tmp_path / "run", settings)
    assert kept == {"population": "inputs/table.csv", "tasks": "inputs/table-2.csv"} and set(copies) == {*kept.values()}
    assert [(tmp_path / "run" / name).read_text() for name in kept.values()] == ["a", "b"]
    both = dict.fromkeys(("population", "tasks"), settings["tasks"])
    kept, copies = inputs.keep(tmp_path / "other", both)
    assert set(kept.values()) == set(copies) == {"inputs/table.csv"}


def test_the_file_of_a_world(tmp_path: Path) -> None:
    own = tmp_path / "my worlds" / "heating.py"
    own.parent.mkdir()
    own.write_text("def make(): ...\n")
    run = tmp_path / "run"
    kept, copies = inputs.keep(run, {"name": f"python:{own}:make", "agents": None})
    assert kept == {"name": "python:inputs/heating.py:make", "agents": None} and set(copies) == {"inputs/heating.py"}
    opened = inputs.find(run, kept)
    assert opened["name"] == f"python:{run / 'inputs' / 'heating.py'}:make"
    assert inputs.short(opened["name"]) == "python:heating.py:make"
    assert inputs.short("gym:module:Id-v0") == "gym:module:Id-v0"
    missing = {"world": "python:nowhere.py:make", "population": "nowhere.csv"}
    assert inputs.keep(run, missing) == (missing, {})


@pytest.mark.parametrize("name", ["../users.csv", "/etc/hostname", "inputs/../config.json"])
def test_records_that_name_other_files(name: str, tmp_path: Path) -> None:
    with pytest.raises(RunFolderError, match="is no copy in inputs/"):
        inputs.check(tmp_path, {name: {"sha256": "", "from": ""}})


def test_a_saved_result_is_whole(made: Path, tmp_path: Path) -> None:
    result = load(made / "run")
    saved = result.save(tmp_path / "saved")
    assert (saved / "inputs" / "users.csv").read_text() == USERS
    assert json.loads((saved / "manifest.json").read_text())["inputs"]["inputs/users.csv"]["from"] == str(
        made / "users.csv"
    )
    again = load(saved)
    assert again.world["population"] == str(saved / "inputs" / "users.csv")
    assert Configuration.load(made / "run" / "config.json").population == str(made / "run" / "inputs" / "users.csv")
