"""Approvals in bundle.json: written in one step, and nothing else changes."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from robustness.inputs import place

from policybudget.cli.main import main
from policybudget.deployment.approve import approve, withdraw
from policybudget.deployment.bundle import load
from policybudget.errors import PolicyBudgetError, RunFolderError
from policybudget.runs.folder import locked

OneLine = Callable[[list[str]], str]


@pytest.fixture
def bundle(tmp_path: Path) -> Path:
    return place.bundle(tmp_path / "bundle")


def record(bundle: Path) -> dict[str, Any]:
    return json.loads((bundle / "bundle.json").read_text())  # type: ignore[no-any-return]


def approved(bundle: Path) -> list[dict[str, str] | None]:
    return [one["approved"] for one in record(bundle)["policies"]]


def test_an_approval_changes_nothing_else(bundle: Path) -> None:
    before, whole = record(bundle), load(bundle)
    found = approve(bundle, [1], "Dr. Ada", "2026-11-22", "minute 7")
    one = {"by": "Dr. Ada", "date": "2026-11-22", "reference": "minute 7"}
    assert approved(bundle) == [None, one] and found.policies[1].approved.by == "Dr. Ada"  # type: ignore[union-attr]
    before["policies"][1]["approved"] = one
    assert record(bundle) == before and list(record(bundle)) == list(before)
    assert load(bundle).sha256 != whole.sha256, "the hash of the bundle covers it"
    approve(bundle, [0, 1], "Bo")
    assert [each["date"] for each in approved(bundle) if each] == [date.today().isoformat()] * 2
    withdraw(bundle, [0])
    assert approved(bundle)[0] is None and approved(bundle)[1]["by"] == "Bo"  # type: ignore[index]
    assert sorted(path.name for path in bundle.iterdir()) == [
        "assignment.safetensors", "bundle.json", "policies", "sbom.json",
    ]  # fmt: skip


@given(st.text(min_size=1, max_size=40), st.text(max_size=40))
def test_any_words_are_written_or_refused(tmp_path_factory: pytest.TempPathFactory, by: str, reference: str) -> None:
    bundle = place.bundle(tmp_path_factory.mktemp("words") / "bundle")
    before = (bundle / "bundle.json").read_bytes()
    try:
        found = approve(bundle, [0], by, "2026-11-22", reference).policies[0].approved
    except PolicyBudgetError:
        assert (bundle / "bundle.json").read_bytes() == before
    else:
        assert found is not None and (found.by, found.reference) == (by, reference)
        assert load(bundle).record.policies[0].approved == found


@pytest.mark.parametrize(
    ("words", "line"),
    [
        (["--policy", "2", "--by", "ann"], "policy must be a whole number from 0 to 1, got 2"),
        (["--policy", "0", "-1", "--by", "ann"], "policy must be a whole number from 0 to 1, got -1"),
        (["--policy", "0", "--by", " "], "who approves needs a name"),
        (["--policy", "0", "--by", "ann", "--date", "tomorrow"], "date must be like 2026-11-22, got 'tomorrow'"),
        (["--policy", "0", "--by", "a\tb"], "by must be at most 1000 printable characters"),
        (["--policy", "0"], "give either --by NAME, or --withdraw"),
        (["--policy", "0", "--by", "ann", "--withdraw"], "give either --by NAME, or --withdraw"),
        (["--policy", "0", "--withdraw"], "policy 0 is not approved; there is nothing to withdraw"),
        (["--by", "ann"], "required"),
    ],
)
def test_what_is_refused_changes_nothing(bundle: Path, one_line: OneLine, words: list[str], line: str) -> None:
    before = (bundle / "bundle.json").read_bytes()
    assert line in one_line(["approve", str(bundle), *words])
    assert (bundle / "bundle.json").read_bytes() == before


def test_only_what_is_whole_is_approved_and_by_one_at_a_time(bundle: Path) -> None:
    with locked(bundle), pytest.raises(RunFolderError, match="another process writes into"):
        approve(bundle, [0], "ann")
    with pytest.raises(PolicyBudgetError, match="one policy at least"):
        approve(bundle, [], "ann")
    (bundle / "sbom.json").write_bytes(b"{}")
    with pytest.raises(RunFolderError, match="does not match its hash"):
        approve(bundle, [0], "ann")
    with pytest.raises(RunFolderError, match="bundle not found"):
        withdraw(bundle / "bundle.json", [0])
    assert approved(bundle) == [None, None]


def test_the_command_tells(bundle: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["approve", str(bundle), "--policy", "0", "--by", "ann", "--reference", "minute 7"]) == 0
    told = capsys.readouterr().out.splitlines()
    assert told[0].endswith(f"approved by ann, {date.today()} (minute 7)") and told[1].endswith("not approved")
    assert main(["verify", str(bundle)]) == 0
    assert f"bundle {load(bundle).sha256}" in capsys.readouterr().out
