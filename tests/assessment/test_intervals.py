"""Intervals and statements about many agents: values worked out by hand, and coverage in simulated populations."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from policybudget.assessment import intervals
from policybudget.assessment.statistics import mean_ci95

RNG = np.random.default_rng


def test_the_mean_counts_people() -> None:
    samples = np.array([[1.0, 10.0], [3.0, 20.0]])
    assert intervals.mean_return(samples)["mean"] == 8.5
    found = intervals.mean_return(samples, np.array([3.0, 1.0]))
    assert found == mean_ci95([(3 + 10) / 4, (9 + 20) / 4])


def test_cvar_is_the_mean_of_the_worst_returns() -> None:
    samples = RNG(0).permutation(np.arange(100.0)).reshape(20, 5)
    assert intervals.cvar(samples, tail=0.1)["mean"] == pytest.approx(np.arange(10).mean())
    assert intervals.cvar(samples, tail=1.0)["mean"] == pytest.approx(samples.mean())
    assert intervals.cvar(samples[:1], tail=0.1)["ci95"] is None
    weights = np.array([1.0, 0, 0, 0, 0])  # the others stand for nobody
    assert intervals.cvar(samples, weights, 0.1)["mean"] == pytest.approx(np.sort(samples[:, 0])[:2].mean())


@given(st.integers(0, 1000), st.sampled_from([0.05, 0.1, 0.25, 0.5]))
def test_cvar_of_any_sample_lies_between_its_minimum_and_its_mean(seed: int, tail: float) -> None:
    samples = RNG(seed).standard_exponential((13, 3))
    worst, mean = intervals.cvar(samples, tail=tail)["mean"], samples.mean()
    assert samples.min() - 1e-12 <= worst <= mean + 1e-12


def test_the_worst_agent_is_found_on_other_episodes_than_it_is_judged_on() -> None:
    judge = np.array([[0.0, 4.0, 9.0], [2.0, 6.0, 9.0]])
    found = intervals.worst_agent(np.array([3.0, 2.0, 9.0]), judge)
    assert (found.agent, found.mean, found.naive) == (1, 5.0, 1.0)
    error = np.std([0, 2], ddof=1) / np.sqrt(2)
    assert found.bound == pytest.approx(1 - stats.t.ppf(1 - 0.05 / 3, 1) * error)
    alone = intervals.worst_agent(np.array([1.0]), np.array([[3.0]]))
    assert (alone.mean, alone.ci95, alone.bound) == (3.0, None, None)


def test_holm_by_hand() -> None:
    np.testing.assert_allclose(intervals.holm(np.array([0.01, 0.04, 0.03])), [0.03, 0.06, 0.06])
    np.testing.assert_allclose(intervals.holm(np.array([0.9, 0.8])), [1.0, 1.0])


@given(st.lists(st.floats(0, 1), min_size=1, max_size=8))
def test_holm_lies_between_the_test_itself_and_bonferroni(p: list[float]) -> None:
    given_, adjusted = np.array(p), intervals.holm(np.array(p))
    assert (adjusted >= given_ - 1e-12).all() and (adjusted <= np.minimum(1, len(p) * given_) + 1e-12).all()
    assert (np.diff(adjusted[np.argsort(given_, kind="stable")]) >= 0).all()


def test_agents_beside_a_floor() -> None:
    samples = np.array([[-40.0, 50, 5, 5, 1], [-41.0, 51, 6, 5, 9], [-42.0, 52, 4, 5, 5]])
    found = intervals.against(samples, np.array([5.0, 5.0, 5.0, 5.0, -np.inf]))
    assert found.below.tolist() == [True, False, False, False, False]
    assert found.above.tolist() == [False, True, False, False, True]
    assert found.undecided.tolist() == [False, False, True, True, False], "exactly at the floor is neither"
    single = intervals.against(samples[:1], np.full(5, 5.0))
    assert single.undecided.all(), "of one episode nothing is shown"
    constant = intervals.against(np.full((3, 2), 5.0), np.array([4.0, 6.0]))
    assert constant.above.tolist() == [True, False] and constant.below.tolist() == [False, True]


def test_gaps_and_gains() -> None:
    samples = np.array([[1.0, 5.0, 9.0], [3.0, 5.0, 7.0]])
    gap = intervals.between_groups(samples, np.array([True, False, False]))
    assert gap == mean_ci95([1 - 7.0, 3 - 6.0])
    assert intervals.difference(samples + 2, samples) == {"mean": 2.0, "ci95": 0.0}, "paired: nothing varies"
    assert np.isinf(intervals.each_ci95(samples[:1])).all()


def test_intervals_cover_and_bounds_hold() -> None:
    # 400 populations: 95 % of 400 are 380, and fewer than 362 come once in 10 000 times
    rng, held = RNG(1), dict.fromkeys(("mean", "cvar", "worst", "bound"), 0)
    truth = stats.norm.expect(lambda z: z, ub=stats.norm.ppf(0.1), conditional=True)
    for _ in range(400):
        choice, fresh = rng.standard_normal((2, 60, 12))
        mean, tail = intervals.mean_return(fresh), intervals.cvar(fresh)
        worst = intervals.worst_agent(choice.mean(axis=0), fresh)
        assert worst.ci95 is not None and worst.bound is not None
        held["mean"] += abs(mean["mean"]) <= mean["ci95"]
        held["cvar"] += abs(tail["mean"] - truth) <= tail["ci95"]
        held["worst"] += abs(worst.mean) <= worst.ci95
        held["bound"] += worst.bound <= 0
    assert min(held.values()) >= 362 and held["mean"] <= 396, held
