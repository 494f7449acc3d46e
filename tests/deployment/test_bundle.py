"""Bundles: sealed, verified, loaded and used; whatever is wrong with one is a line."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from runs_by_hand import levers, save

from policybudget.cli.main import main
from policybudget.deployment.approve import approve
from policybudget.deployment.bundle import load
from policybudget.deployment.export import export, population_hash
from policybudget.deployment.verify import verify
from policybudget.errors import PolicyBudgetError, RunFolderError
from policybudget.population import Population
from policybudget.runs.result import load as load_run

OneLine = Callable[[list[str]], str]
FILE = levers(first=5)
LOGITS = [[9.0, 0.0, 0.0], [0.0, 9.0, 0.0]]


@pytest.fixture(scope="module")
def sealed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A bundle of two policies for three users, of whom cem is served by none; do not change it."""
    place = tmp_path_factory.mktemp("sealed")
    (place / "levers.py").write_text(FILE)
    (place / "users.csv").write_text("name,a,b,c,outside\nann,10,0,0,\nbob,0,20,0,\ncem,5,5,0,7\n")
    here = Path.cwd()
    os.chdir(place)
    try:
        save(Path("run"), "python:levers.py:Levers", LOGITS, [0, 1, -1], population="users.csv")
        found = export(Path("run"), Path("bundle"), floor=4.0, episodes=3)
    finally:
        os.chdir(here)
    assert max(found.differences.values()) <= 1e-5 and set(found.differences) == {"numpy", "onnx"}
    return place / "bundle"


@pytest.fixture
def copy(sealed: Path, tmp_path: Path) -> Path:
    """A bundle to break."""
    return Path(shutil.copytree(sealed, tmp_path / "bundle"))


def test_policies_act_as_in_the_run(sealed: Path) -> None:
    bundle, run = load(sealed), load_run(sealed.parent / "run")
    assert (
        [policy.act(np.zeros(1)) for policy in bundle.policies]
        == [5, 6]
        == [run.act(np.zeros(1), policy=j) for j in (0, 1)]
    )
    assert bundle.policies[1].act(np.zeros((4, 1))).tolist() == [6] * 4
    with pytest.raises(PolicyBudgetError, match="observation must be finite numbers of shape"):
        bundle.policies[0].act(np.zeros(2))


def test_users_are_assigned_by_name_and_by_weights(sealed: Path) -> None:
    bundle = load(sealed)
    by_name = [bundle.assign(name) for name in ("ann", "bob", "cem")]
    assert [one.policy for one in by_name] == [0, 1, None]
    assert [one.expected for one in by_name] == [10, 20, 5] and by_name[0].gain == 10
    new = bundle.assign([1.0, 8.0, 100.0])
    assert (new.policy, new.expected, new.gain) == (1, 8.0, 7.0)
    assert bundle.assign(np.array([1.0, 2.0, 3.0])).policy is None, "2 is below the floor of 4"
    for wrong, line in (("eve", "one of the 3 users"), ([1.0], "weights must be 3"), ([1, 2, np.nan], "finite")):
        with pytest.raises(PolicyBudgetError, match=line):
            bundle.assign(wrong)


def test_it_needs_no_jax_and_nothing_that_trained_it(sealed: Path) -> None:
    code = (
        "import sys; from policybudget.deployment.bundle import load; import numpy as np; "
        f"print(load({str(sealed)!r}).policies[1].act(np.zeros(1))); "
        "print([name for name in ('jax', 'equinox', 'optax', 'scipy', 'sklearn', 'matplotlib') if name in sys.modules])"
    )
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert ran.stdout.split("\n")[:2] == ["6", "[]"]


def test_what_is_in_it(sealed: Path) -> None:
    record = json.loads((sealed / "bundle.json").read_text())
    assert record["world"] == "levers.py:Levers" or "levers.py" in record["world"]
    assert record["components"] == ["a", "b", "c"] and record["floor"] == 4.0
    assert set(record["files"]) == {str(f.relative_to(sealed)) for f in sealed.rglob("*") if f.is_file()} - {
        "bundle.json"
    }
    bill = json.loads((sealed / "sbom.json").read_text())
    assert (bill["bomFormat"], bill["specVersion"]) == ("CycloneDX", "1.6")
    kinds = [one["type"] for one in bill["components"]]
    assert kinds.count("machine-learning-model") == 2 and "library" in kinds
    hashes = [one["hashes"][0]["content"] for one in bill["components"] if one["type"] == "machine-learning-model"]
    assert hashes == [one["sha256"] for one in record["policies"]]


def test_the_graphs_give_the_same_actions(sealed: Path) -> None:
    onnxruntime = pytest.importorskip("onnxruntime")
    for policy in load(sealed).policies:
        session = onnxruntime.InferenceSession(str(sealed / str(policy.record.onnx)))
        seen = np.linspace(-1, 1, 5, dtype=np.float32)[:, None]
        action, scores = session.run(None, {"observation": seen})
        np.testing.assert_array_equal(action, policy.act(seen))
        assert scores.shape == (5, 3)


@given(st.data())
def test_one_flipped_byte_is_noticed(sealed: Path, data: st.DataObject) -> None:
    names = sorted(json.loads((sealed / "bundle.json").read_text())["files"])
    file = sealed / data.draw(st.sampled_from(names))
    content = file.read_bytes()
    at = data.draw(st.integers(0, len(content) - 1))
    try:
        file.write_bytes(content[:at] + bytes([content[at] ^ 1]) + content[at + 1 :])
        with pytest.raises(RunFolderError, match="does not match its hash"):
            verify(sealed)
    finally:
        file.write_bytes(content)


def test_files_that_are_missing_added_or_linked(copy: Path, one_line: OneLine) -> None:
    (copy / "policies" / "02.safetensors").write_bytes(b"")
    assert "02.safetensors is not one of the files that bundle.json names" in one_line(["verify", str(copy)])
    (copy / "policies" / "02.safetensors").unlink()
    moved = copy.parent / "elsewhere"
    shutil.move(copy / "policies" / "00.onnx", moved)
    assert "00.onnx" in one_line(["verify", str(copy)])
    (copy / "policies" / "00.onnx").symlink_to(moved)
    assert "00.onnx is a link; a bundle has none" in one_line(["verify", str(copy)])
    assert "bundle not found: none" in one_line(["verify", "none"])


@pytest.mark.parametrize(
    ("change", "line"),
    [
        (lambda r: r | {"format": 2}, "has format 2; this version reads 1"),
        (lambda r: r | {"files": r["files"] | {"../x": "0" * 64}}, "bundle.json"),
        (lambda r: r | {"files": r["files"] | {"/etc/passwd": "0" * 64}}, "bundle.json"),
        (lambda r: r | {"extra": 1}, "bundle.json"),
        (lambda r: r | {"policies": r["policies"][::-1]}, "policies are numbered from 0"),
        (
            lambda r: r | {"files": {k: v for k, v in r["files"].items() if "00.saf" not in k}},
            "has no hash of|not one of",
        ),
        (lambda r: {}, "has format None"),
    ],
)
def test_a_record_that_is_wrong(copy: Path, one_line: OneLine, change: Callable[[dict], dict], line: str) -> None:
    path = copy / "bundle.json"
    path.write_text(json.dumps(change(json.loads(path.read_text()))))
    told = one_line(["verify", str(copy)])
    assert any(part in told for part in line.split("|"))


def test_a_policy_that_is_another_than_its_hash_says(copy: Path, one_line: OneLine) -> None:
    from policybudget.runs import files

    shutil.copy(copy / "policies" / "01.safetensors", copy / "policies" / "00.safetensors")
    path = copy / "bundle.json"
    record = json.loads(path.read_text())
    record["files"]["policies/00.safetensors"] = files.sha256((copy / "policies" / "00.safetensors").read_bytes())
    path.write_text(json.dumps(record))
    assert "is not the policy that bundle.json names by its hash" in one_line(["verify", str(copy)])


def test_who_approved_is_told(copy: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = copy / "bundle.json"
    record = json.loads(path.read_text())
    record["policies"][0]["approved"] = {"by": "Dr. Ada", "date": "2026-11-22"}
    path.write_text(json.dumps(record))
    assert main(["verify", str(copy)]) == 0
    told = capsys.readouterr().out
    assert "approved by Dr. Ada, 2026-11-22" in told and "not approved" in told and "match their hashes" in told


def test_exporting_what_cannot_be(run_copy: Path, tmp_path: Path, one_line: OneLine) -> None:
    assert "is there already" in one_line(["export", str(run_copy), "--out", str(tmp_path)])
    assert "episodes must be at least 1" in one_line(["export", str(run_copy), "--out", "new", "--episodes", "0"])
    assert "run folder not found" in one_line(["export", "none", "--out", "new"])
    assert not Path("new").exists() and not list(tmp_path.glob(".new*"))


def test_a_run_of_the_command_line(run_copy: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["assess", str(run_copy), "--episodes", "2", "--quiet"]) == 0
    assert main(["export", str(run_copy), "--out", str(tmp_path / "bundle"), "--episodes", "2", "--no-onnx"]) == 0
    told = capsys.readouterr().out
    assert "verified" in told and max(map(len, told.splitlines()[:-1])) <= 80
    assert (tmp_path / "bundle" / "assessment.html").exists() and not list((tmp_path / "bundle").rglob("*.onnx"))
    run, bundle = load_run(run_copy), load(tmp_path / "bundle")
    np.testing.assert_array_equal(bundle.assignment, run.assignment)
    seen = np.random.default_rng(0).standard_normal((20, run.architecture.observation_size))
    for policy in range(run.budget):
        np.testing.assert_array_equal(bundle.policies[policy].act(seen), run.act(seen, policy=policy))


def test_the_hash_of_a_population_tells_users_apart() -> None:
    one, same = (Population.from_weights(np.eye(2), ["a", "b"]) for _ in range(2))
    others = Population.from_weights(2 * np.eye(2), ["a", "b"])
    named = Population.from_weights(np.eye(2), ["a", "c"])
    assert population_hash(one) == population_hash(same)
    assert len({population_hash(each) for each in (one, others, named)}) == 3


def test_policies_that_stay_the_same_stay_approved(copy: Path, sealed: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(sealed.parent)
    approve(copy, [1], "Dr. Ada", "2026-11-22")
    export(Path("run"), copy.parent / "again", episodes=2, onnx=False, approvals=copy)
    found = [one.record.approved for one in load(copy.parent / "again").policies]
    assert found[0] is None and found[1] is not None and (found[1].by, found[1].date) == ("Dr. Ada", "2026-11-22")
    with pytest.raises(RunFolderError, match="bundle not found"):
        export(Path("run"), copy.parent / "other", episodes=2, onnx=False, approvals=Path("nowhere"))
