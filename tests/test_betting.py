"""Bounds by betting where nobody knows when play will stop; for a fixed number see assessment/test_bounds.py."""

from __future__ import annotations

import numpy as np

from policybudget.betting import PLANS, betting_lower


def test_several_plans_are_the_mean_of_their_capitals() -> None:
    x, alpha = np.array([0.9, 0.8, 1.0, 0.7] * 10), 0.05
    bound = float(betting_lower(x, 0.0, 1.0, alpha, planned=(10, 40)))
    before = [0.25]
    for i in range(1, len(x)):
        centres = (0.5 + np.cumsum(x[:i])) / np.arange(2, i + 2)
        before.append((0.25 + ((x[:i] - centres) ** 2).sum()) / (i + 1))

    def most(m: float) -> float:
        stakes = [np.minimum(np.sqrt(2 * np.log(1 / alpha) / (n * np.array(before))), 0.75 / m) for n in (10, 40)]
        return float(np.mean([np.cumprod(1 + own * (x - m)) for own in stakes], axis=0).max())

    assert most(bound) >= 1 / alpha > most(bound + 1e-4)


def test_rows_of_different_lengths() -> None:
    rows = np.random.default_rng(0).random((3, 50))
    ragged = rows.copy()
    ragged[0, 20:], ragged[1, 1:], ragged[2] = np.nan, np.nan, np.nan
    bounds = betting_lower(ragged, -1.0, 1.0, 0.05, PLANS)
    alone = [float(betting_lower(rows[i, :n], -1.0, 1.0, 0.05, PLANS)) for i, n in ((0, 20), (1, 1))]
    np.testing.assert_allclose(bounds, [*alone, -1.0], atol=1e-12)
    assert betting_lower(np.empty((2, 0)), -1.0, 1.0, 0.05).tolist() == [-1.0, -1.0]


def test_a_bound_that_is_looked_at_after_every_episode() -> None:
    # it fails at any of 300 looks in 5 % of all streams at most; more than 33 of 400 come once in 1 000 times
    rows = (np.random.default_rng(0).random((400, 300)) < 0.3).astype(float)
    failed = np.zeros(400, bool)
    for looked in (*range(1, 20), *range(20, 301, 20)):
        failed |= betting_lower(rows[:, :looked], 0.0, 1.0, 0.05, PLANS) > 0.3
    assert failed.sum() <= 33
