"""The recursion against closed forms: Merton's share, growth that is certain, and plain simulation."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import ndtri

from policybudget.worlds.savers.planning import GRID, at, best_rule, utility, worth

YEARS = 64
RATE, MEAN, DEVIATION = 0.02, 0.02, 0.05
"""Of logarithms: bills, the excess of stocks over them (its mean gross return), and its spread."""


def lognormal() -> np.ndarray:
    """Years with lognormal returns: quantiles in the middle of slices of the same chance."""
    normal = ndtri((np.arange(YEARS) + 0.5) / YEARS)
    normal /= normal.std()
    bills = math.exp(RATE)
    return np.stack([np.full(YEARS, bills), bills * np.exp(MEAN - DEVIATION**2 / 2 + DEVIATION * normal)], axis=1)


@pytest.mark.parametrize("aversion", [9.0, 12.0])
def test_without_contributions_the_best_share_is_that_of_merton(aversion: float) -> None:
    values, shares = best_rule(aversion, lognormal(), 5)
    merton = MEAN / (aversion * DEVIATION**2)  # for portfolios that are adjusted all the time; here once a year
    assert 0.5 < merton < 0.95
    np.testing.assert_allclose(shares[:, -1], merton, atol=0.03)
    assert np.ptp(shares[:, -1]) == 0  # the same at every age
    certain = RATE + MEAN**2 / (2 * aversion * DEVIATION**2)
    assert math.log(at(values, 5, 1.0)) / 5 == pytest.approx(certain, rel=0.02)


def test_contributions_to_come_count_as_a_bond() -> None:
    _, shares = best_rule(12.0, lognormal(), 12)
    invested = GRID[None] + (1 - GRID[None]) / np.arange(1, 13)[:, None]
    alone = shares[:, -1:]
    held = shares * invested  # of wealth and contributions to come; less than Merton's only where all is in stocks
    free = shares < 1
    # contributions pay no interest while they are waited for, so that the share is a little below
    assert (held[free] <= np.broadcast_to(alone, held.shape)[free] + 0.03).all()
    assert (held[free] >= np.broadcast_to(alone, held.shape)[free] - 0.12).all()
    assert (np.diff(shares, axis=1) <= 0.02 + 1e-6).all()  # the more is invested, the less of it is in stocks
    assert shares[-1, 0] == 1.0


@pytest.mark.parametrize("aversion", [0.5, 1.0, 1.00001, 4.0])
def test_certain_growth(aversion: float) -> None:
    gross = np.array([[1.02, 1.05]] * 3)
    values, shares = best_rule(aversion, gross, 3)
    assert (shares == 1).all()
    assert at(values, 3, 1.0) == pytest.approx(1.05**3, rel=1e-5)
    paid = np.mean([1.05, 1.05**2, 1.05**3])
    assert at(values, 3, 0.0) == pytest.approx(paid, rel=1e-4)
    bills = worth(np.zeros((1, 3, len(GRID))), aversion, gross)[0]
    assert at(bills, 3, 0.0) == pytest.approx(np.mean([1.02, 1.02**2, 1.02**3]), rel=1e-4)


def test_a_rule_is_worth_what_simulation_says() -> None:
    draw = np.random.default_rng(0)
    gross = np.stack([draw.uniform(0.98, 1.03, 20), draw.uniform(0.8, 1.4, 20)], axis=1)
    shares = np.linspace(0.2, 0.9, 6)
    found = worth(np.broadcast_to(shares[None, :, None], (1, 6, len(GRID))), 3.0, gross)[0]
    wealth, paid = np.full(200_000, 0.4), 0.1
    for left in range(6, 0, -1):
        year = gross[draw.integers(0, 20, wealth.size)]
        wealth = (wealth + paid) * (year[:, 0] + shares[left - 1] * (year[:, 1] - year[:, 0]))
    assert at(found, 6, 0.4) == pytest.approx(np.mean(wealth**-2.0) ** -0.5, rel=3e-3)


@settings(max_examples=10, deadline=None)
@given(st.integers(0, 10_000))
def test_no_rule_is_worth_more_than_the_best(seed: int) -> None:
    draw = np.random.default_rng(seed)
    gross = np.stack([np.full(8, 1.01), draw.uniform(0.7, 1.5, 8)], axis=1)
    shares = draw.uniform(size=(3, 4, len(GRID)))
    best, rule = best_rule(4.0, gross, 4)
    assert (worth(shares, 4.0, gross) <= best + 1e-4).all()
    np.testing.assert_allclose(worth(rule[None], 4.0, gross)[0], best, rtol=1e-5)


def test_utility() -> None:
    np.testing.assert_allclose(utility(np.array([1.0, 2.0]), 1.0), [0.0, math.log(2)])
    np.testing.assert_allclose(utility(np.array([0.5, 2.0]), 2.0), [-1.0, 0.5])
    assert utility(np.array([1.5]), 1 + 1e-7)[0] == pytest.approx(utility(np.array([1.5]), 1 + 2e-6)[0], rel=1e-5)
