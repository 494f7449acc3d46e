"""Statistics over seeds, beside what the package rliable printed for the same scores."""

from __future__ import annotations

import numpy as np
import pytest

from policybudget.assessment import seeds
from policybudget.assessment.statistics import mean_ci95
from policybudget.errors import PolicyBudgetError

SCORES = np.random.default_rng(2021).gamma(2.0, 1.0, (7, 4)) * np.array([1.0, 2.0, 0.5, 3.0])

# experiments/statistics/rliable_reference.py printed these, with rliable 1.2.0
IQM, ENDS = 1.858789992501401, (1.466586150019215, 2.5286108459160506)
PROFILE = [27 / 28, 20 / 28, 11 / 28, 7 / 28, 1 / 28]


def test_over_seeds_the_mean_has_student_s_interval() -> None:
    scores = np.random.default_rng(0).standard_normal((5, 3, 4))
    assert seeds.bootstrap(scores) == pytest.approx(mean_ci95(scores.mean(axis=(1, 2))))
    one = seeds.bootstrap(scores[:1])
    assert one == pytest.approx(mean_ci95(scores[0].mean(axis=0))), "of one seed, over its episodes"


def test_agents_like_these_are_a_level_of_their_own() -> None:
    scores = np.zeros((4, 6, 2)) + np.arange(6.0)[None, :, None]  # agents differ, seeds do not
    found = seeds.bootstrap(scores, agents=True)
    assert found == pytest.approx(mean_ci95(np.arange(6.0)))
    assert seeds.bootstrap(scores)["ci95"] == 0.0


def test_a_resampled_statistic_has_about_the_interval_of_its_formula() -> None:
    scores = np.random.default_rng(3).standard_normal((8, 5, 3))
    known, drawn = seeds.bootstrap(scores), seeds.bootstrap(scores, lambda x: float(x.mean()), repeats=4000)
    assert drawn["mean"] == pytest.approx(known["mean"])
    assert drawn["ci95"] == pytest.approx(known["ci95"], rel=0.05)
    again = seeds.bootstrap(scores, lambda x: float(x.mean()), repeats=4000)
    assert again == drawn, "one seed decides the resamples"


def test_a_single_unit_has_no_interval() -> None:
    assert seeds.bootstrap(np.ones((1, 3, 1)))["ci95"] is None
    assert seeds.bootstrap(np.ones((2, 1, 1)), agents=True)["ci95"] is None
    with pytest.raises(PolicyBudgetError, match="scores must be an array"):
        seeds.bootstrap(np.ones((2, 3)))


def test_the_interquartile_mean_by_hand() -> None:
    assert seeds.interquartile_mean(np.array([[0.0, 1, 2, 3], [4, 5, 6, 100]])) == 3.5
    assert seeds.performance_profile(np.array([[0.0, 1, 2, 3]]), np.array([-1, 0, 1.5, 3])).tolist() == [
        1,
        0.75,
        0.5,
        0,
    ]


def test_as_rliable_has_it() -> None:
    assert seeds.interquartile_mean(SCORES) == pytest.approx(IQM)
    np.testing.assert_allclose(seeds.performance_profile(SCORES, np.array([0.5, 1, 2, 4, 8])), PROFILE)
    low, high = seeds.stratified(SCORES, seeds.interquartile_mean, repeats=4000)
    np.testing.assert_allclose((low, high), ENDS, rtol=0.03)
