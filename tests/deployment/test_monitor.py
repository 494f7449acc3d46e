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
from policybudget.deployment.monitor_file import monitor
from policybudget.errors import PolicyBudgetError


def bundle(*promises: float | None) -> SimpleNamespace:
    return SimpleNamespace(record=SimpleNamespace(promises=list(promises)), folder=Path("bundle"))


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
    heard: list[int] = []
    found = monitor(bundle(8.0, None, 5.0), lines, 0.0, 10.0, alarmed=lambda policy, watch: heard.append(policy))
    assert found.alarms == [2] == heard and sorted(found.watches) == [0, 2]
    assert found.watches[0].level == 0.025, "of both policies together 5 %"
    text = found.text()
    assert max(map(len, text.splitlines())) <= 80 and "short" in text
    assert found.watches[2].returns == 80, "it goes on being watched"


def test_a_stream_is_read_as_it_comes() -> None:
    seen: list[int] = []

    def coming():
        yield "policy,return\n"
        for i in range(50):
            seen.append(i)
            yield "0,0\n"

    noticed: list[int] = []
    monitor(bundle(5.0), coming(), 0.0, 10.0, alarmed=lambda policy, watch: noticed.append(seen[-1]))
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
