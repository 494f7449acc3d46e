"""New users served without training: exact where returns are linear, the nearest user's where they are not."""

from __future__ import annotations

import csv
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from policybudget.deployment import blocks
from policybudget.deployment.bundle import Bundle
from policybudget.deployment.enrol import Z, columns_of, enrol
from policybudget.deployment.enrol_file import enrol_file
from policybudget.errors import PolicyBudgetError

FEATURES = np.array([[1.0, 0.0], [0.0, 1.0], [0.6, 0.6]])


def bundle(floor: float | None = None, **given_: Any) -> Bundle:
    """Three policies in two components of a reward; nothing of it is on disk."""
    record = SimpleNamespace(floor=floor, components=["speed", "comfort"], parameters=[], users=["a"])
    tables = {
        "features": FEATURES, "covariance": np.stack([np.diag([0.04, 0.01])] * 3), "parameters": None,
        "returns": np.zeros((3, 1)), "assignment": np.zeros((3, 1)),
    }  # fmt: skip
    return Bundle(Path("bundle"), record, (None,) * 3, **(tables | given_))  # type: ignore[arg-type]


def test_linear_users_by_hand() -> None:
    found = enrol(bundle(), np.array([[10.0, 1.0], [1.0, 10.0], [5.0, 5.0], [-1.0, -2.0]]))
    assert found.policy.tolist() == [0, 1, 2, 0]
    np.testing.assert_allclose(found.expected, [10, 10, 6, -1])
    np.testing.assert_allclose(found.gain, [10 - 6.6, 10 - 6.6, 1, 0.8])
    np.testing.assert_allclose(found.ci95[0], Z * np.sqrt(100 * 0.04 + 0.01))
    above = enrol(bundle(floor=7.0), np.array([[10.0, 1.0], [5.0, 5.0]]))
    assert above.policy.tolist() == [0, -1], "no policy serves the second one above the floor"


@given(st.integers(0, 1000), st.integers(1, 5))
def test_the_best_policy_is_that_of_a_loop(seed: int, users: int) -> None:
    rng = np.random.default_rng(seed)
    weights = rng.standard_normal((users, 2))
    found = enrol(bundle(), weights)
    for i, own in enumerate(weights):
        worth = [float(own @ row) for row in FEATURES]
        assert found.expected[i] == pytest.approx(max(worth)) and worth[found.policy[i]] == pytest.approx(max(worth))
        assert found.gain[i] == pytest.approx(max(worth) - sorted(worth)[-2])


def test_other_users_get_what_the_nearest_known_user_gets() -> None:
    record = SimpleNamespace(floor=None, components=[], parameters=["speed"], users=["a", "b", "c"])
    returns = np.array([[9.0, 7.0, 0.0], [0.0, 1.0, 8.0]])
    known = replace(bundle(), record=record, features=None, parameters=np.array([[1.0], [2.0], [5.0]]), returns=returns)  # type: ignore[arg-type]
    assert columns_of(known) == ("speed",)
    found = enrol(known, np.array([[0.0], [4.9], [1.6]]))
    assert found.policy.tolist() == [0, 1, 0] and found.expected.tolist() == [9, 8, 7]
    # left out: a is expected to get 7 (b's) and gets 9; b 9 and 7; c 7 (b's, of policy 0) and 0
    np.testing.assert_allclose(found.ci95, np.sqrt((2**2 + 2**2 + 7**2) / 3))


def test_bundles_that_take_no_new_users() -> None:
    with pytest.raises(PolicyBudgetError, match="takes no new users"):
        enrol(replace(bundle(), features=None), np.ones((1, 2)))
    for wrong in (np.ones((1, 3)), np.ones(2), np.full((1, 2), np.nan)):
        with pytest.raises(PolicyBudgetError, match="2 columns \\(speed, comfort\\)"):
            enrol(bundle(), wrong)


def test_a_table_of_any_length(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(blocks, "TOGETHER", 4)  # so that there are blocks
    weights = np.random.default_rng(0).uniform(0, 5, (11, 2)).round(3)
    lines = ["comfort,name,speed", *(f"{b},user {i},{a}" for i, (a, b) in enumerate(weights))]
    (tmp_path / "users.csv").write_text("\n".join(lines))
    counts = enrol_file(bundle(floor=2.0), tmp_path / "users.csv", tmp_path / "out.csv")
    whole = enrol(bundle(floor=2.0), weights)
    with (tmp_path / "out.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["name"] for row in rows] == [f"user {i}" for i in range(11)]
    assert [row["policy"] for row in rows] == ["none" if p < 0 else str(p) for p in whole.policy]
    np.testing.assert_allclose([float(row["expected"]) for row in rows], whole.expected, rtol=1e-5)
    assert counts.users == 11 and counts.unserved == (whole.policy < 0).sum()
    assert sum(counts.served) + counts.unserved == 11 and counts.close == (whole.gain < whole.ci95).sum()
    assert list(tmp_path.glob(".out*")) == []


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("speed\n1\n", "has no column 'comfort'; users need speed, comfort"),
        ("speed,comfort\n1,2\n3,x\n", r"row 3, column comfort: expected a finite number \(at most 1e\+30\), got 'x'"),
        ("speed,comfort\n1,inf\n", "row 2, column comfort: expected a finite number"),
        ("speed,comfort\n1,2\n3\n", "row 3: expected 2 columns, got 1"),
        ("speed,comfort\n1,2e30\n", "row 2, column comfort: expected a finite number"),
        ("speed,comfort,speed\n1,2,3\n", "has column 'speed' twice"),
        ("speed,comfort,name\n1,2\n", "row 2: expected 3 columns, got 2"),
        ("speed,comfort\n1,2,3\n", "row 2: expected 2 columns, got 3"),
        ("speed,comfort\n1," + "2" * 200_000, "expected a table of comma-separated values"),
        (None, "no such file or directory"),
    ],
)
def test_tables_that_are_wrong(tmp_path: Path, text: str | None, line: str) -> None:
    if text is not None:
        (tmp_path / "users.csv").write_text(text)
    with pytest.raises(PolicyBudgetError, match=line):
        enrol_file(bundle(), tmp_path / "users.csv", tmp_path / "out.csv")
    assert [path.name for path in tmp_path.iterdir() if path.name != "users.csv"] == [], "nothing half-written"


def test_empty_lines_are_no_users(tmp_path: Path) -> None:
    (tmp_path / "users.csv").write_text("speed,comfort\n\n1,2\n\n3,4\n\n")
    assert enrol_file(bundle(), tmp_path / "users.csv", tmp_path / "out.csv").users == 2


def test_nothing_is_written_into_a_bundle_or_over_a_device(tmp_path: Path) -> None:
    (tmp_path / "users.csv").write_text("speed,comfort\n1,2\n")
    sealed = replace(bundle(), folder=tmp_path / "bundle")
    sealed.folder.mkdir()
    (sealed.folder / "bundle.json").write_text("{}")
    with pytest.raises(PolicyBudgetError, match="is in the bundle, which is sealed"):
        enrol_file(sealed, tmp_path / "users.csv", sealed.folder / "bundle.json")
    for out in (tmp_path, Path("/dev/null")):
        with pytest.raises(PolicyBudgetError, match="is a folder or a device"):
            enrol_file(sealed, tmp_path / "users.csv", out)
    assert (sealed.folder / "bundle.json").read_text() == "{}" and Path("/dev/null").is_char_device()


def test_names_are_no_formulas(tmp_path: Path) -> None:
    (tmp_path / "users.csv").write_text('name,speed,comfort\n=1+1,1,2\n"a,b",1,2\n')
    enrol_file(bundle(), tmp_path / "users.csv", tmp_path / "out.csv")
    with (tmp_path / "out.csv").open(newline="") as file:
        assert [row["name"] for row in csv.DictReader(file)] == ["'=1+1", "a,b"]
