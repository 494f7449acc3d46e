"""Sets of policies under all power means: known values, brute force, and published return matrices."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from policybudget.assessment import portfolio as portfolios
from policybudget.assessment.portfolio import best_for, best_portfolio, for_any_order, portfolio, power_means
from policybudget.errors import PolicyBudgetError

ORDERS = np.array([-np.inf, -2.0, 0.0, 0.5, 1.0])


def test_power_means_by_hand() -> None:
    table = np.array([[1.0, 4.0], [0.0, 9.0], [0.0, 0.0]])
    found = power_means(table, ORDERS)
    np.testing.assert_allclose(found[0], [1, np.sqrt(2 / (1 + 1 / 16)), 2, 2.25, 2.5])
    np.testing.assert_allclose(found[1], [0, 0, 0, 2.25, 4.5], atol=1e-12)
    np.testing.assert_array_equal(found[2], 0)
    weighted = power_means(table[:1], np.array([1.0, 0.0]), np.array([3.0, 1.0]))
    np.testing.assert_allclose(weighted, [[1.75, 4**0.25]])


@given(st.integers(0, 10_000), st.floats(-60, 1))
def test_power_means_are_those_of_scipy(seed: int, p: float) -> None:
    values, p = np.random.default_rng(seed).uniform(0.5, 5, 6), round(p, 3)  # SciPy loses its digits close to 0
    np.testing.assert_allclose(power_means(values[None], np.array([p]))[0, 0], stats.pmean(values, p), rtol=1e-6)


def test_what_has_no_power_mean() -> None:
    with pytest.raises(PolicyBudgetError, match="values of 0 and more, got -1"):
        power_means(np.array([[-1.0, 2.0]]))
    with pytest.raises(PolicyBudgetError, match="up to 1, got 2"):
        power_means(np.ones((1, 2)), np.array([2.0]))
    assert for_any_order(np.array([[-1.0]]), np.array([[1.0]]), np.array([0])) is None


@given(st.integers(0, 10_000), st.integers(1, 4))
def test_the_best_portfolio_is_that_of_brute_force(seed: int, size: int) -> None:
    values = np.random.default_rng(seed).uniform(0, 1, (7, 4)).round(2)
    found = best_portfolio(values, size, ORDERS)
    everything = [portfolio(values, np.array(rows), ORDERS).factor for rows in combinations(range(7), size)]
    assert len(found.chosen) <= size and found.factor == pytest.approx(max(everything))


def test_two_policies_serve_both_ends() -> None:
    values = np.array([[5.0, 5.0], [0.1, 20.0], [4.0, 4.0]])
    assert best_portfolio(values, 2).chosen.tolist() == [0, 1] and best_portfolio(values, 2).factor == 1.0
    alone = best_portfolio(values, 1)
    assert alone.chosen.tolist() == [0], "half of the mean of the other, all of its own minimum"
    assert alone.factor == pytest.approx(5 / 10.05, rel=1e-3)


@given(st.integers(0, 10_000), st.sampled_from([-np.inf, -3.0, 0.0, 1.0]))
def test_exchanges_never_lower_the_power_mean(seed: int, order: float) -> None:
    rng = np.random.default_rng(seed)
    values, start = rng.uniform(0, 5, (8, 5)), rng.choice(8, 3, replace=False)
    chosen = best_for(values, start, order)

    def worth(rows: np.ndarray) -> float:
        return float(power_means(values[rows].max(axis=0)[None], np.array([order]))[0, 0])

    assert len(set(chosen)) == 3 and worth(chosen) >= worth(start)
    assert for_any_order(values, values, chosen, (order,))[0] == pytest.approx(1.0)


def test_a_set_for_the_mean_may_be_poor_for_the_worst() -> None:
    values = np.array([[10.0, 10.0, 0.0], [1.0, 1.0, 1.0]])
    ratios = for_any_order(values, values, np.array([0]), (-np.inf, 1.0))
    assert ratios is not None
    np.testing.assert_allclose(ratios, [0.0, 1.0])


def test_orders_rise_from_the_worst_to_the_mean() -> None:
    assert portfolios.GRID[0] == -np.inf and portfolios.GRID[-1] == 1.0 and (np.diff(portfolios.GRID) > 0).all()
