"""Extensions: policies that are there stay bit for bit, new ones are for whom they can win, nobody loses."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from tests.runs_by_hand import levers

import policybudget as pb
from policybudget.cli.interrupts import goes_on
from policybudget.cli.main import main
from policybudget.deployment.approve import approve
from policybudget.deployment.export import export
from policybudget.errors import PolicyBudgetError
from policybudget.policies.joining import alone
from policybudget.runs import arrays
from policybudget.runs.result import load
from policybudget.studies.extend import begin, extend_run
from policybudget.studies.extension import Extension

SHORT = 2048


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three users want one lever each; two policies serve two of them."""
    folder = tmp_path_factory.mktemp("extend")
    (folder / "levers.py").write_text(levers())
    (folder / "users.csv").write_text("name,a,b,c\nann,1,0,0\nbob,0,2,0\ncyd,0,0,3\n")
    problem = pb.make_problem(f"python:{folder / 'levers.py'}:Levers", 2, population=str(folder / "users.csv"))
    found = pb.train(problem, transitions=SHORT, out=folder / "two", quiet=True)
    assert found.welfare == pytest.approx(5 / 3)
    return folder / "two"


def hashes(folder: Path) -> list[str]:
    result = load(folder)
    return [arrays.fingerprint(result.arrays, policy) for policy in range(result.budget)]


def test_the_new_policy_is_for_whom_it_can_win(trained: Path, tmp_path: Path) -> None:
    found = extend_run(trained, tmp_path / "three", transitions=16384, episodes=5, quiet=True)
    assert hashes(tmp_path / "three")[:2] == hashes(trained)
    assert found.result.welfare == pytest.approx(2.0)
    assert found.result.assignment.tolist()[2] == [1.0, 0.0, 0.0]
    assert found.comparison.record["gained"] == 1
    assert found.comparison.record["lost"] == 0
    assert [one["what"] for one in found.comparison.record["policies"]] == ["unchanged", "unchanged", "new"]
    assert "| the welfare is not shown to fall | yes | 1.67 -> 2.00 |" in found.plan
    assert load(tmp_path / "three").architecture.normaliser == "separate"


def test_policies_act_as_they_did(trained: Path, tmp_path: Path) -> None:
    extended = extend_run(trained, tmp_path / "three", transitions=SHORT, episodes=2, quiet=True).result
    before, seen = load(trained), np.linspace(-3, 3, 7, dtype=np.float32)[:, None]
    for policy in range(2):
        np.testing.assert_array_equal(extended.act(seen, policy=policy), before.act(seen, policy=policy))
        one, other = alone(before.arrays, policy), alone(extended.arrays, policy)
        assert all(one[name].ravel().tobytes() == other[name].ravel().tobytes() for name in one)


def test_it_is_sealed_with_the_approvals_of_before(trained: Path, tmp_path: Path) -> None:
    export(trained, tmp_path / "two", episodes=2)
    approve(tmp_path / "two", [0, 1], "Dr. Ada", "2026-11-22")
    extended = extend_run(trained, tmp_path / "three", transitions=SHORT, episodes=2, quiet=True).result
    sealed = export(tmp_path / "three", tmp_path / "bundle", episodes=2, approvals=tmp_path / "two")
    assert max(sealed.differences.values()) < 1e-5
    policies = sealed.bundle.policies
    assert [one.record.approved is None for one in policies] == [False, False, True]
    seen = np.linspace(-3, 3, 7, dtype=np.float32)[:, None]
    for policy in policies:
        np.testing.assert_array_equal(policy.act(seen), extended.act(seen, policy=policy.record.policy))
    assert "## Impact" in (tmp_path / "bundle" / "change.md").read_text()


def test_what_was_begun_goes_on_and_ends_the_same(trained: Path, tmp_path: Path) -> None:
    whole = ["extend", str(trained), "--transitions", str(SHORT), "--episodes", "2", "--quiet", "--out"]
    assert main([*whole, str(tmp_path / "one")]) == 0
    assert main([*whole, str(tmp_path / "other")]) == 0
    (tmp_path / "other" / "manifest.json").unlink()
    (tmp_path / "other" / "change.md").unlink()
    assert main(["resume", str(tmp_path / "other"), "--quiet"]) == 0
    for name in ("policies.safetensors", "assignment.csv", "change.md", "comparison.csv"):
        assert (tmp_path / "one" / name).read_bytes() == (tmp_path / "other" / name).read_bytes()


def test_a_start_that_was_killed_leaves_nothing_in_the_way(trained: Path, tmp_path: Path) -> None:
    asked = Extension(trained, 1, None, SHORT, 0, 2)
    (tmp_path / "new").mkdir()
    (tmp_path / "new" / ".extension.json.half").write_text("{")
    folder = begin(asked, tmp_path / "new")
    assert [path.name for path in folder.iterdir()] == ["extension.json"] and Extension.load(folder) == asked
    assert begin(asked, folder) == folder
    assert goes_on(folder) == f"policybudget resume {folder} goes on"


def test_a_policy_is_replaced_only_if_welfare_does_not_fall(trained: Path, tmp_path: Path) -> None:
    before = load(trained)
    of_cyd = int(before.assignment[:, 2].argmax())
    other = 1 - of_cyd
    found = extend_run(trained, tmp_path / "new", without=other, transitions=SHORT, episodes=2, quiet=True)
    assert hashes(tmp_path / "new")[of_cyd] == hashes(trained)[of_cyd]
    assert found.result.welfare >= before.welfare


def test_a_worse_policy_does_not_replace(trained: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from policybudget.studies import extend

    before = load(trained)
    poor = int(before.assignment[:, 2].argmax())
    copies = {name: array[[1 - poor]] if array.ndim == 3 else array for name, array in before.arrays.items()}
    worse = pb.Result(
        copies, np.ones((1, 3)), before.returns[:1], before.lengths[:1], 0.0, before.social, before.agents,
        before.architecture, before.world, "em", "plain", 1, 0.0,
    )  # fmt: skip
    monkeypatch.setattr(extend, "_trained", lambda *_: worse)
    found = extend_run(trained, tmp_path / "same", without=poor, transitions=SHORT, episodes=2, quiet=True)
    assert hashes(tmp_path / "same") == hashes(trained)
    assert "nothing was changed, for the welfare would have fallen" in found.plan


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["--replace", "2"], "replace must be a policy from 0 to 1, got 2"),
        (["--add", "0"], "add must be at least 1, got 0"),
        (["--add", "4"], "budget must be between 1 and the number of agents (3), got 4"),
        (["--add", "2", "--replace", "0"], "--replace takes one new policy; leave --add 2 out"),
        (["--episodes", "1"], "episodes must be at least 2, got 1"),
        (["--transitions", "0"], "transitions must be at least 1, got 0"),
    ],
)
def test_what_cannot_be(
    trained: Path, tmp_path: Path, words: list[str], says: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["extend", str(trained), "--out", str(tmp_path / "out"), *words]) == 2
    assert says in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def test_a_folder_of_another_extension_is_left_alone(trained: Path, tmp_path: Path) -> None:
    extend_run(trained, tmp_path / "three", transitions=SHORT, episodes=2, quiet=True)
    with pytest.raises(PolicyBudgetError, match="is another extension"):
        extend_run(trained, tmp_path / "three", transitions=SHORT, episodes=3, quiet=True)
    assert json.loads((tmp_path / "three" / "extension.json").read_text())["episodes"] == 2
