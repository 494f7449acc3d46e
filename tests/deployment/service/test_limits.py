"""Buckets of tokens, by a clock that is set by hand."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from policybudget.deployment.service.limits import REMEMBERED, Buckets


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


@given(
    rate=st.sampled_from([0.25, 1.0, 3.0, 50.0]),
    gaps=st.lists(st.sampled_from([0.0, 0.001, 0.1, 0.5, 2.0, 100.0]), min_size=1, max_size=200),
)
def test_in_no_span_of_time_does_a_client_get_more(rate: float, gaps: list[float]) -> None:
    clock, got = Clock(), list[float]()
    buckets = Buckets(rate, clock)
    for gap in gaps:
        clock.now += gap
        if buckets.wait("a") == 0.0:
            got.append(clock.now)
    for first, start in enumerate(got):
        for last in range(first, len(got)):
            assert last - first + 1 <= max(1.0, rate) + rate * (got[last] - start) + 1e-6


def test_who_waits_as_told_is_served() -> None:
    clock = Clock()
    buckets = Buckets(2.0, clock)
    assert [buckets.wait("a"), buckets.wait("a")] == [0.0, 0.0] and buckets.wait("b") == 0.0
    wait = buckets.wait("a")
    assert wait == 0.5
    clock.now += wait
    assert buckets.wait("a") == 0.0 and buckets.wait("a") > 0.0


def test_no_limit_and_a_bounded_memory() -> None:
    assert not any(Buckets(0.0).wait("a") for _ in range(10_000))
    buckets = Buckets(1.0, Clock())
    for client in range(REMEMBERED + 500):
        assert buckets.wait(str(client)) == 0.0
    assert len(buckets._buckets) == REMEMBERED
    assert buckets.wait("0") == 0.0, "forgotten" and buckets.wait(str(REMEMBERED + 499)) > 0.0
