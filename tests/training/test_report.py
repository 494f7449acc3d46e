"""What an iteration tells: welfare also of agents whom no policy learns for."""

from __future__ import annotations

import jax.numpy as jnp
import numpy as np
import pytest
from worlds_with_known_answers import QUICK, wishes

from policybudget.assignment.returns import Returns
from policybudget.learning.losses import ActorLosses
from policybudget.training.report import Report, report_of
from policybudget.training.state import make_task
from policybudget.training.train import Training

V = jnp.array([[4.0, 1.0, -1.0], [2.0, 3.0, -2.0]])


def told(alpha: list[list[float]], episodes: list[list[float]]) -> Report:
    (phase,) = Training.of(wishes([0, 1, 2], 2), search="plain", learner=QUICK, transitions=QUICK.batch).phases
    task, nothing = make_task(wishes([0, 1, 2], 2), phase, 0.05, False), jnp.zeros(2)
    given, returns = jnp.asarray(alpha), Returns(V, jnp.asarray(episodes))
    return report_of(task, returns, (given, given), ActorLosses(nothing, nothing, nothing), nothing, nothing)


def test_whom_no_policy_learns_for_counts_as_with_the_one_that_pays_most() -> None:
    report = told([[0.0, 1, 0], [1, 0, 0]], [[1.0] * 3, [1.0] * 3])
    assert float(report.welfare) == pytest.approx((2 + 1 - 1) / 3), "the others stay where they are, and 2 goes to 0"
    assert int(report.unserved) == 1
    np.testing.assert_allclose(report.group_welfare, [1, 2])


def test_they_count_by_what_is_known() -> None:
    report = told([[0.0, 1, 0], [1, 0, 0]], [[1.0, 1, 0], [1, 1, 1]])
    assert float(report.welfare) == pytest.approx((2 + 1 - 2) / 3), "nobody knows what 0 would pay to 2"
    assert np.isnan(told([[0.0, 1, 0], [1, 0, 0]], [[1.0, 1, 0], [1, 1, 0]]).welfare), "nor what anybody would"
