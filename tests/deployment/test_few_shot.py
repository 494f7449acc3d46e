"""Best-arm identification from realised returns: right as often as promised, the same live as from a table."""

from __future__ import annotations

import csv
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from deployment.test_enrol import bundle
from hypothesis import given
from hypothesis import strategies as st

from policybudget.betting import PLANS, betting_lower
from policybudget.cli.main import main
from policybudget.deployment import few_shot
from policybudget.deployment.few_shot import Live, Measured, Question, identify, measure
from policybudget.deployment.few_shot_file import enrol_returns, read_log
from policybudget.errors import PolicyBudgetError

UNIT = Question(0.0, 1.0)


def known(lower: list[list[float]], upper: list[list[float]], count: list[list[int]]) -> Measured:
    low, high, many = np.array(lower), np.array(upper), np.array(count)
    return Measured(many, many * (low + high) / 2, low, high)


def test_bounds_are_those_of_each_user_and_policy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(few_shot, "AT_ONCE", 8)  # so that there are parts
    rng = np.random.default_rng(0)
    user, policy, value = rng.integers(0, 4, 90), rng.integers(0, 3, 90), rng.uniform(-2, 6, 90)
    policy[user == 3] = 1
    found = measure(user, policy, value, 4, 3, Question(-2.0, 6.0, alpha=0.06))
    for i in range(4):
        for j in range(3):
            own = value[(user == i) & (policy == j)]
            assert found.count[i, j] == len(own) and found.total[i, j] == pytest.approx(own.sum())
            low, high = betting_lower(own, -2.0, 6.0, 0.01, PLANS), -betting_lower(-own, -6.0, 2.0, 0.01, PLANS)
            assert (found.lower[i, j], found.upper[i, j]) == (pytest.approx(low), pytest.approx(high))
    assert (found.lower[3, 0], found.upper[3, 0]) == (-2, 6), "nothing is known"


def test_answers_by_hand() -> None:
    prior = np.array([0.2, 0.9, 0.5])
    found = identify(known([[0.6, 0.1, 0.2]], [[0.8, 0.3, 0.5]], [[9, 9, 9]]), prior, UNIT)
    assert (found.policy[0], found.decided[0], found.next[0], found.episodes[0]) == (0, True, -1, 27)
    assert found.expected[0] == pytest.approx((0.2 + 6.3) / 10) and (found.low[0], found.high[0]) == (0.6, 0.8)
    assert found.gain[0] == pytest.approx(0.65 - (0.5 + 9 * 0.35) / 10)
    assert (found.gain_low[0], found.gain_high[0]) == (pytest.approx(0.1), pytest.approx(0.6))
    # two that are close: the less tried one comes next; the third one is out
    close = known([[0.6, 0.5, 0.2]], [[0.8, 0.9, 0.5]], [[4, 9, 2]])
    assert (identify(close, prior, UNIT).decided[0], identify(close, prior, UNIT).next[0]) == (False, 0)
    assert identify(close, prior, replace(UNIT, beta=0.2)).decided[0] == False  # noqa: E712
    assert identify(close, prior, replace(UNIT, beta=0.31)).decided[0]
    # untried ones first, by the prior
    assert identify(known([[0.6, 0, 0]], [[0.8, 1, 1]], [[4, 0, 0]]), prior, UNIT).next.tolist() == [1]
    nothing = identify(measure(np.empty(0, int), np.empty(0, int), np.empty(0), 1, 3, UNIT), prior, UNIT)
    assert (nothing.policy[0], nothing.expected[0], nothing.next[0], nothing.decided[0]) == (1, 0.9, 1, False)


def test_the_floor() -> None:
    question, prior = replace(UNIT, floor=0.5), np.zeros(2)
    tables = known(
        [[0.1, 0.2], [0.6, 0.1], [0.45, 0.1], [0.3, 0.1]],
        [[0.3, 0.4], [0.7, 0.2], [0.6, 0.2], [0.45, 0.6]],
        [[5, 5], [5, 5], [5, 5], [5, 1]],
    )
    found = identify(tables, prior, question)
    assert found.policy.tolist() == [-1, 0, 0, 1], "none reaches it; surely; perhaps; only the second can"
    assert found.decided.tolist() == [True, True, False, False]
    assert found.next.tolist() == [-1, -1, 0, 1]


def test_one_policy() -> None:
    found = identify(known([[0.4]], [[0.6]], [[3]]), np.zeros(1), UNIT)
    assert found.decided[0] and np.isnan(found.gain[0]) and np.isnan(found.gain_low[0])


@given(st.integers(0, 1000))
def test_live_is_the_same_as_from_a_table(seed: int) -> None:
    rng, prior = np.random.default_rng(seed), np.array([0.3, 0.6])
    question = Question(0.0, 1.0, beta=0.1, floor=0.4)
    live, policies, values = Live(prior, question), list[int](), list[float]()
    for _ in range(12):
        policy = 0 if live.next is None else live.next
        policies.append(policy)
        values.append(float(rng.random() * (0.5 + 0.5 * policy)))
        live.see(policy, values[-1])
    table = measure(np.zeros(12, int), np.array(policies), np.array(values), 1, 2, question)
    whole = identify(table, prior, question)
    for name, column in vars(live.answer).items():
        np.testing.assert_allclose(column, getattr(whole, name), atol=1e-9, err_msg=name)


def test_live_stops_when_it_is_sure_and_is_right() -> None:
    rng, wrong, used = np.random.default_rng(1), 0, []
    means = np.array([0.3, 0.8, 0.5])
    for _ in range(20):
        live = Live(np.array([0.9, 0.1, 0.2]), Question(0.0, 1.0, alpha=0.1))
        while live.next is not None:
            policy = live.next
            live.see(policy, float(rng.random() < means[policy]))
        wrong += int(live.answer.policy[0] != 1)
        used.append(int(live.answer.episodes[0]))
    assert wrong <= 5 and 20 < np.mean(used) < 300  # 10 % of 20 are 2; more than 5 come once in 100 times
    for policy, value, line in ((3, 0.5, "policy must be from 0 to 2, got 3"), (0, 2.0, "must lie in")):
        with pytest.raises(PolicyBudgetError, match=line):
            live.see(policy, value)


def test_what_is_said_of_users_is_wrong_as_rarely_as_promised() -> None:
    # 300 users at α = 10 %, a quarter of them poor: for 30 of them, what is said may be wrong
    rng, users, alpha = np.random.default_rng(2), 300, 0.1
    means = rng.uniform(0.05, 0.95, (users, 3)) * rng.choice([0.2, 1, 1, 1], (users, 1))
    user, policy = np.repeat(np.arange(users), 450), np.tile(np.arange(3), users * 150)
    value = (rng.random(len(user)) < means[user, policy]).astype(float)
    question = Question(0.0, 1.0, alpha, floor=0.3)
    found = identify(measure(user, policy, value, users, 3, question), np.zeros(3), question)
    chosen = means[np.arange(users), found.policy]
    gain = chosen - np.sort(np.where(np.arange(3) == found.policy[:, None], -1.0, means), axis=1)[:, -1]
    none = found.policy < 0
    wrong = np.where(none, means.max(axis=1) >= 0.3, (chosen < found.low) | (chosen > found.high))
    wrong |= ~none & ((gain < found.gain_low) | (gain > found.gain_high))
    wrong |= found.decided & ~none & (means.argmax(axis=1) != found.policy)
    assert found.decided.sum() > 100 and none.any() and wrong.sum() <= 50  # more than 50 come once in 10 000 times


def log(path: Path, rows: list[tuple[str, int, float]]) -> Path:
    path.write_text("return,site,name,policy\n" + "".join(f"{x},z,{name},{j}\n" for name, j, x in rows))
    return path


def test_a_table_of_returns(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from policybudget.deployment import few_shot_file

    monkeypatch.setattr(few_shot_file, "TOGETHER", 7)
    rng = np.random.default_rng(3)
    rows = [(f"u{rng.integers(5)}", int(rng.integers(3)), round(float(rng.uniform(0, 10)), 3)) for _ in range(60)]
    rows += [("easy", j, x) for _ in range(60) for j, x in ((0, 1.0), (1, 9.0), (2, 2.0))]
    rows += [("poor", j, 0.5) for _ in range(60) for j in range(3)]
    question, returns = Question(0.0, 10.0, floor=4.0), np.array([[7.0], [3.0], [5.0]])
    given_ = replace(bundle(floor=4.0), returns=returns)
    answers = enrol_returns(given_, log(tmp_path / "returns.csv", rows), question, tmp_path / "out.csv")
    with (tmp_path / "out.csv").open(newline="") as file:
        found = {row["name"]: row for row in csv.DictReader(file)}
    assert list(found) == list(dict.fromkeys(name for name, _, _ in rows)), "in the order in which they came"
    assert (found["easy"]["policy"], found["easy"]["decided"], found["easy"]["next"]) == ("1", "yes", "")
    assert (found["poor"]["policy"], found["poor"]["decided"], found["poor"]["episodes"]) == ("none", "yes", "180")
    assert answers.users == 7 and answers.unserved == 1 and answers.served[1] >= 1
    assert answers.episodes == len(rows) and answers.open == sum(row["decided"] == "no" for row in found.values())
    assert max(map(len, answers.text(Path("out.csv")).splitlines())) <= 80
    for name in ("u0", "u3"):
        own = [(j, x) for other, j, x in rows if other == name]
        policy, value = map(np.array, zip(*own, strict=True))
        alone = identify(measure(np.zeros(len(own), int), policy, value, 1, 3, question), returns[:, 0], question)
        assert float(found[name]["low"]) == pytest.approx(alone.low[0], rel=1e-4)
        assert found[name]["next"] == ("" if alone.decided[0] else str(alone.next[0]))


def test_users_whose_weights_are_known_begin_there(tmp_path: Path) -> None:
    (tmp_path / "users.csv").write_text("name,speed,comfort\nann,9,1\nbob,1,9\n")
    log(tmp_path / "returns.csv", [("eve", 0, 5.0), ("bob", 1, 8.0)])
    line = ["enrol", "bundle", str(tmp_path / "users.csv")]
    assert main([*line[:2]]) == 2 and main([*line, "--range", "0", "10"]) == 2
    answers = enrol_returns(
        replace(bundle(), returns=np.array([[1.0], [2.0], [3.0]])), tmp_path / "returns.csv", Question(0.0, 10.0),
        tmp_path / "out.csv", tmp_path / "users.csv",
    )  # fmt: skip
    with (tmp_path / "out.csv").open(newline="") as file:
        ann, bob, eve = csv.DictReader(file)
    assert answers.users == 3 and answers.open == 3
    assert (ann["policy"], ann["expected"], ann["low"], ann["high"], ann["next"]) == ("0", "9", "0", "10", "0")
    assert (bob["policy"], bob["expected"], bob["episodes"]) == ("1", "8.5", "1"), "9 from the weights, 8 realised"
    assert (eve["name"], eve["expected"], eve["next"]) == ("eve", "3", "2"), "(1 + 5) / 2, and 3 of the third one"


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("name,return\na,1\n", "has no column 'policy'; returns need name, policy, return"),
        (
            "name,policy,return\na,0,1\n\na,3,1\n",
            "row 4: expected a name, a policy from 0 to 2 and a number, got 'a,3,1",
        ),
        ("name,policy,return\na,0\n", "row 2"),
        ("name,policy,return\na,-1,1\n", "row 2"),
        ("name,policy,return\na,0,nan\n", "row 2"),
        ("name,policy,return\na,x,1\n", "row 2"),
        ("name,policy,return\na,0,11\n", r"must lie in \[0, 10\], got 11"),
    ],
)
def test_tables_that_are_wrong(tmp_path: Path, text: str, line: str) -> None:
    (tmp_path / "returns.csv").write_text(text)
    with pytest.raises(PolicyBudgetError, match=line):
        enrol_returns(bundle(), tmp_path / "returns.csv", Question(0.0, 10.0), tmp_path / "out.csv")
    assert [path.name for path in tmp_path.iterdir()] == ["returns.csv"], "nothing half-written"


def test_questions_that_are_wrong(tmp_path: Path) -> None:
    for wrong, line in (
        ({"low": 1.0}, "low < high"),
        ({"alpha": 0.0}, "alpha must be between"),
        ({"beta": -1.0}, "beta must be at least 0"),
    ):
        with pytest.raises(PolicyBudgetError, match=line):
            Question(**({"low": 0.0, "high": 1.0} | wrong))
    (tmp_path / "empty.csv").write_text("name,policy,return\n")
    assert read_log(tmp_path / "empty.csv", 2).names == {}
