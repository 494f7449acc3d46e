"""Users who change: who moves by hand, nobody for noise, the same in one table or in blocks."""

from __future__ import annotations

import csv
import json
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from deployment.test_enrol import FEATURES, bundle
from hypothesis import given
from hypothesis import strategies as st

from policybudget.cli.main import main
from policybudget.deployment import blocks, reassign_file
from policybudget.deployment.due import Candidates, Due, Tally, by_curve, tally_of
from policybudget.deployment.enrol import Z, gain_ci95
from policybudget.deployment.reassign import NEW, NONE, Moves, Rule, Standing, reassign
from policybudget.errors import PolicyBudgetError, RunFolderError


def one(before: int, waiting: int, worth: list[float], rule: Rule, ci95: float = 0.0) -> tuple[int, int, str]:
    """Policy, tables of waiting, and what is said of one user."""
    found = reassign(Standing(np.array([before]), np.array([waiting])), np.array([worth]), np.array([ci95]), rule)
    words = [name for name in ("moved", "held", "new", "unserved") if getattr(found, name)[0]]
    assert len(words) <= 1
    return int(found.standing.policy[0]), int(found.standing.waiting[0]), (words or ["stays"])[0]


def test_moves_by_hand() -> None:
    rule = Rule(1.0)
    assert one(0, 0, [5.0, 7.0], rule) == (1, 0, "moved")
    assert one(0, 0, [5.0, 5.9], rule) == (0, 0, "stays"), "it brings less than it costs"
    assert one(0, 0, [5.0, 7.0], rule, ci95=1.5) == (0, 0, "held"), "the interval of the gain reaches below the cost"
    assert one(1, 3, [5.0, 7.0], rule) == (1, 0, "stays")
    assert one(NEW, 0, [5.0, 7.0], rule) == (1, 0, "new") == one(NONE, 0, [5.0, 7.0], rule)
    patient = Rule(1.0, patience=3)
    assert one(0, 0, [5.0, 7.0], patient) == (0, 1, "held")
    assert one(0, 1, [5.0, 7.0], patient) == (0, 2, "held") and one(0, 2, [5.0, 7.0], patient) == (1, 0, "moved")
    assert one(0, 2, [5.0, 5.5], patient) == (0, 0, "stays"), "it did not last"


def test_the_floor_comes_first() -> None:
    rule = Rule(3.0, patience=5, floor=4.0)
    assert one(0, 0, [3.0, 4.5], rule, ci95=9.0) == (1, 0, "moved"), "below the floor nobody waits"
    assert one(0, 2, [3.0, 3.9], rule) == (NONE, 0, "unserved") == one(NEW, 0, [3.0, 3.9], rule)
    assert one(0, 0, [4.0, 6.0], rule) == (0, 0, "stays")
    assert one(NONE, 0, [3.0, 4.5], rule) == (1, 0, "new")


@given(st.integers(0, 1000), st.floats(0, 2), st.integers(1, 4))
def test_what_always_holds(seed: int, cost: float, patience: int) -> None:
    rng = np.random.default_rng(seed)
    standing = Standing(rng.integers(-2, 3, 20), rng.integers(0, 4, 20))
    worth, ci95, rule = rng.normal(0, 2, (20, 3)), rng.uniform(0, 1, 20), Rule(cost, patience, -1.0)
    found = reassign(standing, worth, ci95, rule)
    served = found.standing.policy >= 0
    assert (served == (worth.max(axis=1) >= -1.0)).all() and (~served == found.unserved).all()
    mine = worth[np.arange(20), found.standing.policy]
    assert (mine[served] >= -1.0).all() and (found.expected[served] == mine[served]).all()
    stayed = served & (found.standing.policy == standing.policy)
    assert (worth.max(axis=1) - mine)[stayed & ~found.held].max(initial=0.0) <= cost
    above = standing.policy >= 0
    above &= worth[np.arange(20), standing.policy] >= -1.0
    assert (found.gain[found.moved & above] > cost).all() and (
        found.moved == (served & above_moved(standing, found))
    ).all()


def above_moved(before: Standing, found: Moves) -> np.ndarray:
    return (before.policy >= 0) & (before.policy != found.standing.policy)


def test_rules_that_are_wrong() -> None:
    for wrong, line in (({"cost": -1.0}, "at least 0"), ({"cost": 0.0, "patience": 0}, "patience must be at least 1")):
        with pytest.raises(PolicyBudgetError, match=line):
            Rule(**wrong)


def test_the_interval_of_a_gain() -> None:
    users = np.array([[10.0, 1.0], [1.0, 0.0]])
    found = gain_ci95(bundle(), users, np.array([0, 1]), np.array([2, 1]))
    np.testing.assert_allclose(found, [Z * np.sqrt(2 * (100 * 0.04 + 0.01)), 0.0])


def users(path: Path, weights: np.ndarray, names: list[str]) -> Path:
    rows = [f"{name},{a},{b}" for name, (a, b) in zip(names, weights.tolist(), strict=True)]
    path.write_text("\n".join(["name,speed,comfort", *rows]))
    return path


def read(path: Path) -> dict[str, dict[str, str]]:
    with path.open(newline="") as file:
        return {row["name"]: row for row in csv.DictReader(file)}


SURE = replace(bundle(), covariance=np.zeros((3, 2, 2)))


def test_tables_one_after_the_other(tmp_path: Path) -> None:
    table, first, second, third = (tmp_path / name for name in ("users.csv", "1.csv", "2.csv", "3.csv"))
    rule, names = Rule(1.0, patience=2), ["ann", "=bob", "cem"]
    users(table, np.array([[9, 1], [9, 1], [1, 9]]), names)
    start = reassign_file.reassign_file(SURE, table, rule, first)
    assert (start.new, start.moved) == (3, 0) and [row["status"] for row in read(first).values()] == ["new"] * 3
    users(table, np.array([[1, 9], [9, 1], [1, 9], [5, 5]]), [*names, "dan"])
    counts = reassign_file.reassign_file(SURE, table, rule, second, first)
    assert (counts.held, counts.new, counts.moved) == (1, 1, 0)
    assert read(second)["ann"] == {
        "name": "ann", "policy": "0", "expected": "1", "gain": "8", "ci95": "0", "status": "held", "waiting": "1",
    }  # fmt: skip
    assert read(second)["'=bob"]["status"] == "stays", "known by its name, also where the name is no formula"
    users(table, np.array([[1, 9], [9, 1]]), names[:2])
    counts = reassign_file.reassign_file(SURE, table, rule, third, second)
    assert (counts.moved, counts.left, counts.users) == (1, 2, 2) and read(third)["ann"]["status"] == "moves"
    assert counts.gained == 4.0 and max(map(len, counts.text(Path("out.csv")).splitlines())) <= 80


def test_blocks_make_no_difference(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    rng, names = np.random.default_rng(0), [f"u{i}" for i in range(25)]
    table = users(tmp_path / "users.csv", rng.uniform(-5, 5, (25, 2)).round(3), names)
    before, given_ = tmp_path / "before.csv", replace(bundle(floor=0.0), covariance=np.zeros((3, 2, 2)))
    reassign_file.reassign_file(given_, table, Rule(0.5), before)
    users(table, rng.uniform(-5, 5, (25, 2)).round(3), names[::-1])
    whole, rows = Tally(Candidates(("x",), np.ones((1, 2)), np.ones((1, 2))), 0.5), tmp_path / "rows.csv"
    one_ = reassign_file.reassign_file(given_, table, Rule(0.5), tmp_path / "whole.csv", before, whole)
    monkeypatch.setattr(blocks, "TOGETHER", 4)
    monkeypatch.setattr(reassign_file, "TOGETHER", 3)
    parts = Tally(whole.candidates, 0.5)
    other = reassign_file.reassign_file(given_, table, Rule(0.5), rows, before, parts)
    assert (
        replace(other, gained=pytest.approx(one_.gained)) == one_
        and rows.read_text() == (tmp_path / "whole.csv").read_text()
        and one_.moved > 0
    )
    assert parts.users == whole.users
    assert parts.due(1.0).gain == pytest.approx(whole.due(1.0).gain)


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("name\na\n", "has no column 'policy'"),
        ("name,policy\na,0\na,1\n", "row 3: expected a name that comes once"),
        ("name,policy\na,3\n", "row 2: .* a policy from 0 to 2 or none, got 'a,3'"),
        ("name,policy\na,-2\n", "row 2"),
        ("name,policy,waiting\na,0,-1\n", "tables of waiting"),
        ("name,policy\na\n", "row 2"),
    ],
)
def test_tables_of_before_that_are_wrong(tmp_path: Path, text: str, line: str) -> None:
    table, before = users(tmp_path / "users.csv", np.ones((1, 2)), ["a"]), tmp_path / "before.csv"
    before.write_text(text)
    with pytest.raises(PolicyBudgetError, match=line):
        reassign_file.reassign_file(bundle(), table, Rule(0.0), tmp_path / "out.csv", before)
    assert not (tmp_path / "out.csv").exists()


@given(st.integers(0, 1000), st.floats(0, 1))
def test_what_one_more_policy_brings_by_brute_force(seed: int, switching: float) -> None:
    rng = np.random.default_rng(seed)
    weights, more = rng.uniform(-1, 2, (15, 2)), rng.uniform(0, 2, (6, 2))
    has = (weights @ FEATURES.T).max(axis=1)
    tally = Tally(Candidates(tuple("abcdef"), more, more), switching)
    tally.add(weights[:7], has[:7])
    tally.add(weights[7:], has[7:])
    gains = [
        np.mean([max(0.0, float(w @ f) - mine - switching) for w, mine in zip(weights, has, strict=True)]) for f in more
    ]
    assert (
        tally.due(0.1).gain == pytest.approx(max(gains))
        and f"candidate {'abcdef'[int(np.argmax(gains))]}" in tally.due(0).source
    )


def test_candidates_are_judged_by_other_episodes(tmp_path: Path) -> None:
    table = tmp_path / "candidates.csv"
    table.write_text("fresh.comfort,name,speed,comfort,fresh.speed\n0,lucky,3,0,1\n0,good,2,0,2\n")
    tally = tally_of(bundle(), table, 0.5)
    assert tally is not None
    tally.add(np.array([[1.0, 0.0], [0.0, 1.0]]), np.array([1.0, 1.0]))
    found = tally.due(0.2)
    assert (found.gain, found.verdict) == (-0.25, "open"), "lucky is chosen, and worth 1 - 1 - 0.5 to one of two users"
    table.write_text("name,speed,comfort\ngood,2,0\n")
    again = tally_of(bundle(), table, 0.5)
    assert again is not None
    again.add(np.array([[1.0, 0.0], [0.0, 1.0]]), np.array([1.0, 1.0]))
    assert again.due(0.2).gain == 0.25 and again.due(0.2).verdict == "due" and again.due(0.3).verdict == "open"
    for text, line in (("speed\n1\n", "no column 'comfort'"), ("speed,comfort\n", "has no candidates")):
        table.write_text(text)
        with pytest.raises(PolicyBudgetError, match=line):
            tally_of(bundle(), table, 0.0)
    with pytest.raises(PolicyBudgetError, match="candidates need users with weights"):
        tally_of(replace(bundle(), features=None), table, 0.0)
    sealed = replace(bundle(), record=SimpleNamespace(files={}))  # type: ignore[arg-type]
    assert tally_of(sealed, None, 0.0) is None


def test_what_a_curve_says(tmp_path: Path) -> None:
    mean = {"mean": 1.0, "ci95": None}
    same = {"welfare": mean, "seeds": 1, "worst": mean, "chosen_on": 1.0}
    same |= dict.fromkeys(("above_floor", "optimum", "any_welfare", "net"))
    rows = [{"budget": 2, "one_more": {"mean": 1.5, "ci95": 0.3}} | same, {"budget": 3, "one_more": None} | same]
    about = {"reference": "optimum", "target": None, "best": None}
    (tmp_path / "curve.json").write_text(json.dumps(about | {"rows": rows}))
    verdicts = [by_curve(tmp_path, 2, cost).verdict for cost in (1.1, 1.3, 1.9)]
    assert verdicts == ["due", "open", "not due"]
    text = Due("by the curve, for the users it was made for", 1.5, 0.3, 1.1, False).text(2)
    assert "policy number 3: due" in text and "1.5 +- 0.3" in text
    for budget in (3, 4):
        with pytest.raises(RunFolderError, match=f"than {budget} brings"):
            by_curve(tmp_path, budget, 1.0)
    with pytest.raises(RunFolderError, match="curve.json"):
        by_curve(tmp_path / "none", 2, 1.0)


def test_options_that_do_not_go_together(capsys: pytest.CaptureFixture[str]) -> None:
    line = ["reassign", "bundle", "users.csv", "--switching-cost", "1"]
    for words, told in (
        (["--curve", "curve"], "give --cost-per-policy"),
        (["--out", "users.csv"], "would overwrite users.csv"),
        ([], "bundle not found: bundle"),
    ):
        assert main([*line, *words]) == 2 and told in capsys.readouterr().err
