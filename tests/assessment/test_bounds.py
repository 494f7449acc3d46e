from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from policybudget.assessment.bounds import clopper_pearson_lower, empirical_bernstein, hoeffding
from policybudget.betting import betting_lower, check_level, within
from policybudget.errors import PolicyBudgetError


def test_hoeffding_by_hand() -> None:
    assert hoeffding(50, 2.0, math.exp(-1.0)) == pytest.approx(0.2)  # 2 sqrt(1 / 100)


def test_empirical_bernstein_by_hand() -> None:
    alpha = 2 * math.exp(-1.0)  # ln(2 / alpha) = 1
    radius = empirical_bernstein(8, np.array([0.0, 1.0]), 3.0, alpha)
    np.testing.assert_allclose(radius, [1.0, 1.5])  # 7 * 3 / (3 * 7) = 1, sqrt(2 / 8) = 0.5
    assert empirical_bernstein(1, np.zeros(2), 3.0, 0.1).tolist() == [math.inf, math.inf]


@given(st.integers(1, 200), st.data(), st.floats(0.001, 0.5))
def test_clopper_pearson_inverts_the_binomial_tail(trials: int, data: st.DataObject, alpha: float) -> None:
    successes = data.draw(st.integers(1, trials))
    share = clopper_pearson_lower(successes, trials, alpha)
    assert stats.binom.sf(successes - 1, trials, share) == pytest.approx(alpha, rel=1e-6)


def test_clopper_pearson_at_the_ends() -> None:
    assert clopper_pearson_lower(0, 10, 0.05) == 0.0
    assert clopper_pearson_lower(10, 10, 0.05) == pytest.approx(0.05 ** (1 / 10))
    with pytest.raises(PolicyBudgetError, match=r"from 0 to the number of trials \(10\), got 11"):
        clopper_pearson_lower(11, 10, 0.05)


def capital(x: np.ndarray, m: float, alpha: float) -> float:
    """The most that the better of the docstring ever holds, episode by episode."""
    money, most, total, squares = 1.0, 1.0, 0.5, 0.25
    for i, value in enumerate(x, start=1):
        stake = min(math.sqrt(2 * math.log(1 / alpha) / (len(x) * squares / i)), 0.75 / m)
        money *= 1 + stake * (value - m)
        most = max(most, money)
        total += value
        squares += (value - total / (i + 1)) ** 2
    return most


@given(st.lists(st.floats(0.0, 1.0), min_size=1, max_size=30), st.sampled_from([0.3, 0.05, 0.001]))
def test_betting_finds_where_the_capital_is_one_over_alpha(values: list[float], alpha: float) -> None:
    x = np.array(values)
    bound = float(betting_lower(x[None], 0.0, 1.0, alpha)[0])
    assert 0.0 <= bound <= x.mean() + 1e-12
    if bound > 1e-5:
        assert capital(x, bound, alpha) >= (1 - 1e-6) / alpha
    if 1e-5 < bound < x.mean() - 1e-5:
        assert capital(x, bound + 1e-5, alpha) < 1 / alpha


@given(st.floats(-50.0, 50.0), st.floats(0.1, 100.0))
def test_betting_in_other_units(low: float, span: float) -> None:
    x = np.random.default_rng(0).beta(2, 3, (3, 40))
    moved = betting_lower(low + span * x, low, low + span, 0.05)
    np.testing.assert_allclose(moved, low + span * betting_lower(x, 0.0, 1.0, 0.05), atol=1e-5 * span)


def test_betting_gains_where_returns_vary_little() -> None:
    x = np.full((1, 50), 0.7)
    radius = 0.7 - float(betting_lower(x, 0.0, 1.0, 0.05)[0])
    assert radius < 0.06 < hoeffding(50, 1.0, 0.05) < float(empirical_bernstein(50, np.zeros(1), 1.0, 0.05)[0])


@pytest.mark.parametrize("episodes", [1, 5, 20, 100])
@pytest.mark.parametrize("mean", [0.02, 0.5, 0.9, 0.99])
def test_no_bound_fails_more_often_than_alpha(episodes: int, mean: float) -> None:
    """Coins are the hardest returns of a given mean; 4000 tries, three standard errors."""
    alpha, tries = 0.1, 4000
    x = (np.random.default_rng(episodes).random((tries, episodes)) < mean).astype(float)
    most = alpha + 3 * math.sqrt(alpha * (1 - alpha) / tries)
    assert (betting_lower(x, 0.0, 1.0, alpha) > mean).mean() <= most
    assert (x.mean(axis=1) - hoeffding(episodes, 1.0, alpha) > mean).mean() <= most
    variance = x.var(axis=1, ddof=1) if episodes > 1 else np.zeros(tries)
    assert (x.mean(axis=1) - empirical_bernstein(episodes, variance, 1.0, alpha) > mean).mean() <= most


def test_returns_outside_their_range_are_refused() -> None:
    assert within([0.0, 1.0 + 1e-9], 0.0, 1.0).tolist() == [0.0, 1.0]
    with pytest.raises(PolicyBudgetError, match=r"returns must lie in \[0, 1\], got 1.5 \(1 of 2 are outside\)"):
        within([0.5, 1.5], 0.0, 1.0)
    with pytest.raises(PolicyBudgetError, match="got nan"):
        within([math.nan], 0.0, 1.0)
    with pytest.raises(PolicyBudgetError, match="finite range with low < high, got low 1.0 and high 1.0"):
        within([1.0], 1.0, 1.0)


@pytest.mark.parametrize("alpha", [0.0, 1.0, -0.1, math.nan])
def test_levels(alpha: float) -> None:
    with pytest.raises(PolicyBudgetError, match="alpha must be between 0 and 1"):
        check_level(alpha)


def test_play_that_stopped_early_for_a_reason_in_the_returns() -> None:
    """Stopped at the worst moment of 60 planned episodes, both bounds still hold; one for a fixed number would not."""
    alpha, tries, planned = 0.4, 1000, 60
    x = (np.random.default_rng(0).random((tries, planned)) < 0.5).astype(float)
    fixed, stopped, bets = (np.zeros(tries, bool) for _ in range(3))
    for m in range(1, planned + 1):
        mean = x[:, :m].mean(axis=1)
        fixed |= mean - hoeffding(m, 1.0, alpha) > 0.5
        stopped |= mean - hoeffding(m, 1.0, alpha, planned) > 0.5
        bets |= betting_lower(x[:, :m], 0.0, 1.0, alpha, planned) > 0.5
    most = alpha + 3 * math.sqrt(alpha * (1 - alpha) / tries)
    assert stopped.mean() <= most and bets.mean() <= most < fixed.mean()
    assert hoeffding(50, 2.0, math.exp(-1.0), planned=200) == pytest.approx(0.4)
