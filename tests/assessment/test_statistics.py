from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from policybudget.assessment.statistics import mean_ci95, plus_minus


def test_by_hand() -> None:
    # mean 2, standard deviation 1, t(0.975, 2) = 4.302653
    got = mean_ci95(np.array([1.0, 2.0, 3.0]))
    assert got["mean"] == 2.0
    np.testing.assert_allclose(got["ci95"], 4.302653 / np.sqrt(3), rtol=1e-6)


@given(st.lists(st.floats(-1e3, 1e3), min_size=2, max_size=20).filter(lambda x: np.std(x) > 1e-3))
def test_equals_scipys_interval(samples: list[float]) -> None:
    got = mean_ci95(np.array(samples))
    low, high = stats.t.interval(0.95, len(samples) - 1, loc=np.mean(samples), scale=stats.sem(samples))
    np.testing.assert_allclose(
        [got["mean"] - got["ci95"], got["mean"] + got["ci95"]], [low, high], rtol=1e-7, atol=1e-6
    )


def test_a_single_or_constant_sample() -> None:
    assert mean_ci95(np.array([7.0])) == {"mean": 7.0, "ci95": None}
    assert mean_ci95(np.array([7.0, 7.0])) == {"mean": 7.0, "ci95": 0.0}


def test_intervals_as_text() -> None:
    assert f"7.00{plus_minus(mean_ci95([7.0])['ci95'])}" == "7.00"
    assert plus_minus(1.249) == " +- 1.25" and plus_minus(0.0, 1) == " +- 0.0"
