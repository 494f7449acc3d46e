"""Bounds of the mean so far: they hold at all times, also where the mean drifts, and come from the mixture."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from policybudget.deployment.running_mean import LAMBDAS, WEIGHTS, RunningMean, farthest


@given(st.floats(0, 1e6), st.floats(1e-4, 0.4))
def test_the_mixture_is_one_over_alpha_there(spread: float, alpha: float) -> None:
    psi = -np.log1p(-LAMBDAS) - LAMBDAS

    def mixture(far: float) -> float:
        logs = np.log(WEIGHTS) + LAMBDAS * far - psi * spread
        return float(logs.max() + np.log(np.exp(logs - logs.max()).sum()))

    far = farthest(spread, alpha)
    assert mixture(far) == pytest.approx(math.log(1 / alpha), abs=1e-5)
    assert mixture(far - 0.01) < math.log(1 / alpha) and far >= math.sqrt(2 * spread * math.log(1 / alpha))


def test_by_hand() -> None:
    mean = RunningMean()
    assert mean.interval(0.05) == (0.0, 1.0)
    for value in (0.5, 1.0, 0.0):
        mean.see(value)
    spread = 0.0 + 0.5**2 + (2 / 3) ** 2  # guesses are 0.5, 1 / 2 and 2 / 3
    apart = farthest(spread, 0.1) / 3
    assert mean.interval(0.2) == (pytest.approx(max(0.0, 0.5 - apart)), pytest.approx(min(1.0, 0.5 + apart)))


def test_it_holds_where_the_mean_drifts() -> None:
    # at 10 %, 40 of 400 streams may leave their interval at any time; more than 62 would come once in 10 000 times
    rng, wrong = np.random.default_rng(0), 0
    means = 0.5 + 0.4 * np.sin(np.arange(400) / 60)
    so_far = np.cumsum(means) / np.arange(1, 401)
    for _ in range(400):
        mean, failed = RunningMean(), False
        for at, value in enumerate(rng.random(400) < means):
            mean.see(float(value))
            if at % 25 == 24:
                low, high = mean.interval(0.1)
                failed |= not low <= so_far[at] <= high
        wrong += failed
    assert wrong <= 62 and high - low < 0.25
