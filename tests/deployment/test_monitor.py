"""Watching what was promised: no more false alarms than allowed, and an alarm where a promise is not kept."""

from __future__ import annotations

import io
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from policybudget.deployment.monitor import BETS, Watch
from policybudget.deployment.monitor_file import Key, monitor
from policybudget.errors import PolicyBudgetError


def bundle(
    *promises: float | None, groups: dict[tuple[int, str], float] | None = None, floor: float | None = None
) -> SimpleNamespace:
    each = [SimpleNamespace(policy=j, group=g, users=1, promise=b) for (j, g), b in (groups or {}).items()]
    record = SimpleNamespace(promises=list(promises), groups=each, floor=floor)
    return SimpleNamespace(record=record, folder=Path("bundle"))


def test_the_capital_by_hand() -> None:
    watch = Watch(0.5, 0.0, 1.0)
    bets = 0.9 / 0.5 * np.geomspace(1e-3, 1, BETS)
    assert watch.evidence == pytest.approx(1.0)
    watch.see(0.2)
    assert watch.evidence == pytest.approx((1 + bets * 0.3).mean())
    watch.see(0.9)
    assert watch.evidence == pytest.approx(((1 + bets * 0.3) * (1 - bets * 0.4)).mean())
    assert (watch.returns, watch.mean, watch.alarm_at) == (2, pytest.approx(0.55), None)


@given(st.lists(st.floats(-3, 7), min_size=1, max_size=60))
def test_units_make_no_difference(values: list[float]) -> None:
    one, other = Watch(2.0, -3.0, 7.0), Watch(0.5, 0.0, 1.0)
    for value in values:
        one.see(value)
        other.see(min(1.0, max(0.0, (value + 3) / 10)))
    assert one.evidence == pytest.approx(other.evidence, rel=1e-6) and one.evidence > 0


def test_false_alarms_are_as_rare_as_promised() -> None:
    # exactly at the promise, 400 streams of 500 returns: 5 % are 20, and more than 35 come once in 1 000 times
    rng, alarms = np.random.default_rng(0), 0
    for _ in range(400):
        watch = Watch(0.5, 0.0, 1.0)
        for value in rng.random(500) < 0.5:
            watch.see(float(value))
        alarms += watch.alarm_at is not None
    assert alarms <= 35


def test_a_broken_promise_is_noticed_and_what_it_cost() -> None:
    watch = Watch(80.0, 0.0, 100.0)
    raised = [watch.see(60.0) for _ in range(200)]
    assert sum(raised) == 1 and watch.alarm_at == raised.index(True) + 1 < 60
    assert watch.lost_at_alarm == pytest.approx(20 * watch.alarm_at)
    kept = Watch(80.0, 0.0, 100.0)
    assert not any(kept.see(85.0) for _ in range(1000)) and kept.evidence < 1


def test_a_stream_of_several_policies() -> None:
    lines = ["policy,return,site", *("0,9,x" for _ in range(30)), "", "1,-99,z", *("2,1,y" for _ in range(80))]
    heard: list[Key] = []
    found = monitor(bundle(8.0, None, 5.0), lines, 0.0, 10.0, alarmed=lambda key, watch: heard.append(key))
    assert found.alarms == [(2, None)] == heard and sorted(found.watches) == [0, 2]
    assert found.watches[0].level == 0.025, "of both policies together 5 %"
    text = found.text()
    assert max(map(len, text.splitlines())) <= 80 and "short" in text
    assert found.watches[2].returns == 80, "it goes on being watched"


def test_groups_are_held_to_what_they_were_promised() -> None:
    promised = bundle(7.0, 5.0, groups={(0, "north"): 8.0, (0, "south"): 3.0})
    rows = ["group,policy,return"]
    for _ in range(120):  # policy 0 keeps its promise in the mean, and not the one to the north
        rows += ["north,0,6", "south,0,9", "west,1,6", ",1,5"]
    heard: list[Key] = []
    found = monitor(promised, rows, 0.0, 10.0, alarmed=lambda key, watch: heard.append(key))
    assert heard == [(0, "north")] == found.alarms
    assert {watch.level for watch in (*found.watches.values(), *found.groups.values())} == {0.05 / 4}
    assert found.unpromised == {(1, "west"): 120} and found.watches[1].returns == 240
    text = found.text()
    assert max(map(len, text.splitlines())) <= 80
    assert "policy 0, group north:" in text and "120 returns are of groups that are promised nothing" in text
    alone = monitor(promised, [row.partition(",")[2] for row in rows], 0.0, 10.0)
    assert alone.groups == {} and alone.watches[0].level == 0.025, "without the column nothing is spent on groups"


def test_groups_that_come_later_are_held_to_the_floor() -> None:
    promised = bundle(7.0, None, groups={(0, "north"): 6.0}, floor=4.0)
    rows = ["policy,return,group", "0,7,north", *(f"0,7,new {i}" for i in range(200)), "1,0,x", *["0,0,worse"] * 60]
    found = monitor(promised, rows, 0.0, 10.0)
    later = [watch.level for key, watch in found.groups.items() if key != (0, "north")]
    np.testing.assert_allclose(later[:3], 0.025 * 6 / np.pi**2 / np.array([1, 4, 9]))
    spent = sum(later) + sum(watch.level for watch in found.watches.values()) + found.groups[0, "north"].level
    assert 0.049 < spent < 0.05 and len(later) == 201
    assert (0, "worse") in found.alarms and found.groups[0, "worse"].promised == 4.0
    assert not any(j == 1 for j, _ in found.groups), "it promises nothing"
    lower = monitor(bundle(7.0, floor=-5.0), ["policy,return,group", "0,7,north"], 0.0, 10.0)
    assert lower.groups == {} and lower.watches[0].level == 0.05, "a floor below all returns holds by itself"


def test_no_more_false_alarms_with_groups() -> None:
    # all exactly at their promises: 300 streams of 300 returns; 5 % are 15, more than 28 come once in 1 000 times
    rng, alarms = np.random.default_rng(0), 0
    promised = bundle(5.0, groups={(0, "a"): 5.0, (0, "b"): 5.0}, floor=5.0)
    for _ in range(300):
        values, groups = rng.random(300) < 0.5, rng.choice(["a", "b", "c", "d"], 300)
        rows = ["policy,return,group", *(f"0,{10 * x},{g}" for x, g in zip(values.astype(int), groups, strict=True))]
        alarms += bool(monitor(promised, rows, 0.0, 10.0).alarms)
    assert alarms <= 28


def test_what_may_be_lost_unnoticed() -> None:
    watch = Watch(80.0, 0.0, 100.0)
    assert watch.interval == (0.0, 100.0) and watch.lost == (0.0, 0.0)
    rng, widths = np.random.default_rng(0), []
    for _ in range(400):
        watch.see(float(rng.uniform(70, 80)))
        widths.append(watch.interval[1] - watch.interval[0])
    low, high = watch.interval
    assert low < 75 < high < 80 and widths[-1] < 8 < widths[40]
    assert watch.lost == (pytest.approx(400 * (80 - high)), pytest.approx(400 * (80 - low)))
    assert watch.lost[0] < 400 * 5 < watch.lost[1], "five per return were lost"


def test_a_stream_is_read_as_it_comes() -> None:
    seen: list[int] = []

    def coming():
        yield "policy,return\n"
        for i in range(50):
            seen.append(i)
            yield "0,0\n"

    noticed: list[int] = []
    monitor(bundle(5.0), coming(), 0.0, 10.0, alarmed=lambda key, watch: noticed.append(seen[-1]))
    assert noticed and noticed[0] < 49, "the alarm came before the stream had ended"


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("return\n1\n", "there is no policy"),
        ("policy,return\n7,1\n", "line 2 of the returns: expected a policy from 0 to 0 and a number, got '7,1'"),
        ("policy,return\n-1,1\n", "line 2"),
        ("policy,return\n0,1\n0,x\n", "line 3"),
        ("policy,return\n0\n", "line 2"),
        ("policy,return\n0,11\n", r"a return must lie in \[0.0, 10.0\], got 11"),
        ("policy,return\n0,nan\n", "must lie in"),
        ("policy,return\n0,1" + "0" * 200_000, "no table of comma-separated values"),
        ("policy,return\n" + "9" * 9_000 + ",1\n", "line 2"),
    ],
)
def test_streams_that_are_wrong(text: str, line: str) -> None:
    with pytest.raises(PolicyBudgetError, match=line):
        monitor(bundle(5.0), io.StringIO(text), 0.0, 10.0)


def test_promises_and_ranges_that_are_wrong() -> None:
    for low, high, promised, line in (
        (1, 1, 1, "low must be below high"),
        (0, 1, 2, "must lie in"),
        (0, np.inf, 1, "finite"),
    ):
        with pytest.raises(PolicyBudgetError, match=line):
            Watch(promised, low, high)
    with pytest.raises(PolicyBudgetError, match="level must be between"):
        Watch(0.5, 0.0, 1.0, 1.0)
