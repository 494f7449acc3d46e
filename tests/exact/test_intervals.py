from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from policybudget.errors import PolicyBudgetError
from policybudget.exact.intervals import (
    absolute_gains,
    best_intervals,
    best_points,
    best_points_each,
    squared_gains,
    velocity_ceiling,
)
from policybudget.worlds.mujoco.velocity import BOUNDS, velocity_population


def paid(targets: np.ndarray, points: Any, half_width: float, weights: np.ndarray | None = None) -> float:
    pay = 1 - np.minimum(1, np.abs(targets[:, None] - np.asarray(points)) / half_width)
    return float(np.average(pay.max(axis=1), weights=weights))


@given(st.integers(1, 7), st.integers(0, 10_000), st.booleans(), st.booleans(), st.floats(0.05, 3.0))
def test_points_equal_brute_force_over_more_candidates(
    agents: int, seed: int, weighted: bool, tied: bool, half_width: float
) -> None:
    random = np.random.default_rng(seed)
    targets = random.integers(0, 4, agents).astype(float) if tied else random.uniform(-1, 3, agents)
    weights = random.integers(0, 4, agents) + 0.25 if weighted else None
    between = (targets[:, None] + targets) / 2
    candidates = np.unique(np.concatenate([targets, targets - half_width, targets + half_width, between.ravel()]))
    for budget in range(1, min(agents, 3) + 1):
        best = best_points(targets, half_width, budget, weights)
        tried = itertools.combinations_with_replacement(candidates, budget)
        assert best.value == pytest.approx(max(paid(targets, some, half_width, weights) for some in tried))
        assert best.value == pytest.approx(paid(targets, best.points, half_width, weights))
        assert len(best.points) <= budget and (np.diff(best.points) > 0).all()
        pay = 1 - np.abs(targets[:, None] - best.points) / half_width
        for i, label in enumerate(best.labels):
            assert (pay[i] <= 0).all() if label < 0 else pay[i, label] == pay[i].max() > 0


@pytest.mark.parametrize(("agents", "budget"), [(1, 1), (60, 1), (60, 7), (60, 60)])
def test_points_and_intervals_agree(agents: int, budget: int) -> None:
    """Two programmes: over points and over groups, each group served at the best of its targets."""
    targets, width = np.sort(np.random.default_rng(agents).uniform(0, 4, agents)), 0.3
    pay = 1 - np.minimum(1, np.abs(targets[:, None] - targets) / width)
    gain = np.zeros((agents, agents + 1))
    for i, j in itertools.combinations(range(agents + 1), 2):
        gain[i, j] = pay[i:j, i:j].sum(axis=1).max()
    assert 100 * best_intervals(gain, budget).value / agents == pytest.approx(velocity_ceiling(targets, width, budget))


@pytest.mark.parametrize(
    ("agents", "budget", "expected"), [(100, 1, 9.5), (100, 2, 17.5), (100, 5, 37.4), (100, 10, 61.2), (1000, 50, 91.5)]
)
def test_the_ceiling_of_the_papers_sizes(agents: int, budget: int, expected: float) -> None:
    """Means over ten draws, known to 0.1 from other draws of which ten scatter by 1."""
    draws = [velocity_population("half-cheetah", agents, seed).parameters[:, 0] for seed in range(10)]  # type: ignore[index]
    ceilings = [velocity_ceiling(draw, BOUNDS["half-cheetah"] / 20, budget) for draw in draws]
    assert np.mean(ceilings) == pytest.approx(expected, abs=1.2 if agents == 100 else 0.3)


def test_the_ceiling_is_the_same_in_every_unit() -> None:
    targets = np.random.default_rng(0).uniform(0, 4, 50)
    assert velocity_ceiling(targets, 0.2, 5) == pytest.approx(velocity_ceiling(targets * 0.7 - 1e3, 0.14, 5), rel=1e-9)


def test_several_budgets_from_one_programme() -> None:
    targets = np.random.default_rng(1).uniform(0, 4, 30)
    several = best_points_each(targets, 0.2, range(1, 31))
    for budget in (1, 4, 17, 30):
        alone = best_points(targets, 0.2, budget)
        assert several[budget - 1].value == alone.value
        np.testing.assert_array_equal(several[budget - 1].points, alone.points)
    assert several[-1].value == pytest.approx(1.0)


def least_loss(targets: np.ndarray, weights: np.ndarray, power: int) -> float:
    levels = {1: targets, 2: [np.average(targets, weights=weights)]}[power]
    return min(float(weights @ np.abs(targets - level) ** power) for level in levels)


@pytest.mark.parametrize("power", [1, 2])
@pytest.mark.parametrize("weighted", [False, True])
def test_losses_of_levels_equal_brute_force(power: int, weighted: bool) -> None:
    random = np.random.default_rng(power)
    targets = np.sort(random.normal(5.0, 2.0, 8))
    weights = random.uniform(0.1, 2.0, 8) if weighted else None
    shares = np.full(8, 1 / 8) if weights is None else weights / weights.sum()
    gain = {1: absolute_gains, 2: squared_gains}[power](targets, weights)
    for i, j in itertools.combinations(range(9), 2):
        assert gain[i, j] == pytest.approx(-least_loss(targets[i:j], shares[i:j], power), abs=1e-12)
    for budget in (1, 2, 3, 8):
        found = best_intervals(gain, budget)
        groups = itertools.product(range(budget), repeat=8)  # any groups, not intervals alone
        best = min(
            sum(least_loss(targets[g], shares[g], power) for g in map(np.array, _members(labels)))
            for labels in (groups if budget < 4 else [range(8)])
        )
        assert -found.value == pytest.approx(best, abs=1e-12)
        assert found.edges[0] == 0 and found.edges[-1] == 8 and (np.diff(found.edges) > 0).all()
        pieces = itertools.pairwise(found.edges)
        assert found.value == pytest.approx(sum(gain[i, j] for i, j in pieces), abs=1e-12)


def _members(labels: Any) -> list[list[int]]:
    return [[i for i, own in enumerate(labels) if own == label] for label in sorted(set(labels))]


def test_fewer_intervals_if_they_are_worth_more() -> None:
    gain = np.array([[0.0, -5, -5, 3], [0, 0, -5, -5], [0, 0, 0, -5]])
    found = best_intervals(gain, 3)
    assert found.edges.tolist() == [0, 3] and found.value == 3.0


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: best_points(np.ones(3), 0.2, 0), r"budget must be between 1 and the number of agents \(3\), got 0"),
        (lambda: best_points(np.ones(3), 0.2, 4), "got 4"),
        (lambda: best_points(np.ones(3), 0.0, 1), "half_width must be positive, got 0.0"),
        (lambda: best_points(np.ones(3), np.nan, 1), "half_width must be positive, got nan"),
        (lambda: best_points(np.array([1.0, np.inf]), 0.2, 1), "targets must be a list of finite numbers"),
        (lambda: best_points(np.zeros(0), 0.2, 1), "targets must be a list of finite numbers"),
        (lambda: best_points(np.ones(2), 0.2, 1, np.ones(3)), "weights must be 2 numbers"),
        (lambda: best_intervals(np.ones((3, 3)), 1), r"gain must be a table \(n, n \+ 1\), got shape \(3, 3\)"),
        (lambda: best_intervals(np.ones((3, 4)), 4), "budget must be between 1"),
        (lambda: squared_gains(np.array([2.0, 1.0])), "targets must be ascending"),
    ],
)
def test_arguments_that_do_not_fit(call: Any, message: str) -> None:
    with pytest.raises(PolicyBudgetError, match=message):
        call()
