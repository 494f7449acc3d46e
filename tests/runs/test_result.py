from __future__ import annotations

import csv
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import policybudget
from policybudget.errors import RunFolderError
from policybudget.policies.architecture import Architecture
from policybudget.runs import tensors
from policybudget.runs.prototypes import Prototypes
from policybudget.runs.result import PROTOTYPES, assignment_table, load
from policybudget.worlds.interface import Box, Discrete, MultiDiscrete, plain_units


def test_roundtrip(finished_run: Path, tmp_path: Path) -> None:
    first = load(finished_run)
    again = load(first.save(tmp_path / "copy"))
    one, other = tensors.named(first.policies), tensors.named(again.policies)
    assert one.keys() == other.keys() and all(np.array_equal(one[name], other[name]) for name in one)
    for field in ("assignment", "returns", "lengths"):
        np.testing.assert_array_equal(getattr(first, field), getattr(again, field))
    for field in ("welfare", "agents", "architecture", "world", "algorithm", "transitions", "wall_seconds"):
        assert getattr(first, field) == getattr(again, field)
    for name in ("policies.safetensors", "assignment.csv", "result.json"):
        assert (finished_run / name).read_bytes() == (tmp_path / "copy" / name).read_bytes()


def test_prototypes_are_kept(finished_run: Path, tmp_path: Path) -> None:
    """A run without a cover has none, and loads as runs did before there were any."""
    plain = load(finished_run)
    assert plain.prototypes is None and not (finished_run / PROTOTYPES).exists()
    kept = Prototypes(np.array([[0.5, 1.0], [2.0, -1.0], [np.inf, np.inf]]), np.array([1.0, 3.5]), ("speed", "incline"))
    again = load(replace(plain, prototypes=kept).save(tmp_path / "run")).prototypes
    assert again is not None
    np.testing.assert_array_equal(again.places, kept.places)
    np.testing.assert_array_equal(again.scale, kept.scale)
    assert again.names == kept.names
    replace(plain, prototypes=Prototypes(kept.places[:2], kept.scale)).save(tmp_path / "wrong")
    refused(tmp_path / "wrong", "does not fit its run: expected places of shape (3, 2), got (2, 2)")
    (tmp_path / "run" / PROTOTYPES).write_bytes(b"")
    refused(tmp_path / "run", f"{PROTOTYPES} does not match its hash")
    (tmp_path / "run" / PROTOTYPES).unlink()
    refused(tmp_path / "run", f"{PROTOTYPES} is missing")


def test_what_a_run_leaves(finished_run: Path) -> None:
    names = {str(path.relative_to(finished_run)) for path in finished_run.rglob("*") if path.is_file()}
    assert names >= {
        "config.json", "metrics.csv", "checkpoint/state.safetensors", "policies.safetensors", "manifest.json",
        "assignment.csv", "result.json", "figures/training.png", "figures/paths.png",
    }  # fmt: skip
    assert any(name.startswith("events.out.tfevents") for name in names)
    assert not [name for name in names if Path(name).name.startswith(".")], "temporary files"
    manifest = json.loads((finished_run / "manifest.json").read_text())
    assert manifest["format"] == 3 and manifest["budget"] == 3 and manifest["world"]["name"] == "resource-gathering"
    assert {"policies.safetensors", "assignment.csv"} <= set(manifest["sha256"])
    assert {"policybudget", "jax", "python"} <= set(manifest["libraries"])
    outcome = json.loads((finished_run / "result.json").read_text())
    assert {"welfare", "transitions", "wall_seconds"} <= set(outcome) and outcome["transitions"] == 3 * 512
    with (finished_run / "assignment.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["agent"] for row in rows] == list(load(finished_run).agents)
    assert [int(row["policy"]) for row in rows] == load(finished_run).assignment.argmax(0).tolist()
    assert {row["probability"] for row in rows} == {"1"}


def test_no_pickle(finished_run: Path) -> None:
    for path in finished_run.rglob("*"):
        assert path.suffix not in (".pkl", ".pickle", ".npy", ".npz", ".pt", ".joblib")
        if path.is_file():
            assert path.read_bytes()[:2] not in (b"\x80\x02", b"\x80\x03", b"\x80\x04", b"\x80\x05", b"PK"), path
    source = "\n".join(path.read_text() for path in Path(policybudget.__file__).parent.rglob("*.py"))
    assert "import pickle" not in source and "allow_pickle=True" not in source


HASHED = ("policies.safetensors", "assignment.csv", "returns.safetensors")
ALL = (*HASHED, "manifest.json", "result.json")


@pytest.mark.parametrize("name", ALL)
@pytest.mark.parametrize("damage", ["missing", "empty", "truncated"])
def test_damaged_files(name: str, damage: str, run_copy: Path) -> None:
    path = run_copy / name
    content = path.read_bytes()
    path.unlink()
    if damage != "missing":
        path.write_bytes(b"" if damage == "empty" else content[: len(content) // 2])
    refused(run_copy, name)


@pytest.mark.parametrize("name", HASHED)
def test_a_single_changed_byte(name: str, run_copy: Path) -> None:
    content = bytearray((run_copy / name).read_bytes())
    content[-2] ^= 1
    (run_copy / name).write_bytes(bytes(content))
    refused(run_copy, "does not match its hash")


def refused(folder: Path, words: str) -> None:
    with pytest.raises(RunFolderError) as caught:
        load(folder)
    assert words in str(caught.value) and "\n" not in str(caught.value)


def edit(folder: Path, **changes: Any) -> None:
    path = folder / "manifest.json"
    record = json.loads(path.read_text())
    for name, value in changes.items():
        record.pop(name) if value is None else record.update({name: value})
    path.write_text(json.dumps(record))


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"format": 4}, "has format 4, newer than this version reads (3); upgrade policybudget"),
        ({"format": 2}, "has format 2, older than this version reads (3); train again, or use the version"),
        ({"format": None}, "names no format version"),
        ({"format": "1"}, "names no format version"),
        ({"architecture": None}, "is damaged"),
        ({"architecture": {"hidden": [8]}}, "is damaged"),
        ({"sha256": None}, "is damaged"),
        ({"sha256": []}, "is damaged"),
        ({"agents": 25}, "is damaged"),
        ({"agents": ["only one"]}, "does not fit"),
        ({"budget": 4}, "does not fit"),
    ],
)
def test_manifests(changes: dict[str, Any], words: str, run_copy: Path) -> None:
    edit(run_copy, **changes)
    refused(run_copy, words)


def test_missing_folder_and_file_instead(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    for path in (tmp_path / "nothing", tmp_path / "file"):
        with pytest.raises(RunFolderError, match=f"run folder not found: {path}"):
            load(path)


SPACES = [Discrete(4), MultiDiscrete((2, 3)), Box(2, (-1.0, 0.0), (1.0, 2.5)), Box(1, (-np.inf,), (np.inf,))]


@pytest.mark.parametrize("space", SPACES)
def test_architecture_record(space: Any) -> None:
    before = Architecture(29, plain_units(space), (64, 32), "biases")
    assert Architecture.from_record(json.loads(json.dumps(before.record()))) == before


def test_assignment_table_of_a_soft_assignment() -> None:
    table = assignment_table(("a", "b"), np.array([[0.25, 0.5], [0.75, 0.5]]), np.array([[1.0, 2.5], [-3.0, 4.0]]))
    assert table == "agent,policy,probability,return\na,1,0.75,-3\nb,0,0.5,2.5\n"


def test_assignment_table_of_agents_without_a_policy() -> None:
    """A tie goes to the policy; a name with a comma is quoted."""
    alpha = np.array([[0.25, 0.0, 0.5, 1.0], [0.25, 0.0, 0.0, 0.0], [0.0, 0.25, 0.0, 0.0]])
    table = assignment_table(("a", "b", "c", "d, e"), alpha, np.full((3, 4), 7.0))
    assert table == 'agent,policy,probability,return\na,none,0.5,\nb,none,0.75,\nc,0,0.5,7\n"d, e",0,1,7\n'
