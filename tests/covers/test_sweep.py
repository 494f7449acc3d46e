from __future__ import annotations

import numpy as np
import pytest

from policybudget.covers import by_budget, by_radius, cover
from policybudget.errors import PolicyBudgetError

TASKS = np.random.default_rng(0).normal(size=(30, 2))


@pytest.mark.parametrize("method", ["greedy-intersection", "exact", "kmeans"])
def test_a_sweep_is_one_cover_after_the_other(method: str) -> None:
    for found in by_budget(TASKS, range(1, 12), 0.5, method, standardise=True):
        alone = cover(TASKS, found.budget, 0.5, method, standardise=True)
        assert found.as_record() == alone.as_record()
    radii = (0.2, 0.5, 1.5)
    for radius, found in zip(radii, by_radius(TASKS, 3, radii, method), strict=True):
        assert found.as_record() == cover(TASKS, 3, radius, method).as_record()


def test_errors_come_before_the_first_cover() -> None:
    with pytest.raises(PolicyBudgetError, match=r"number of tasks \(30\), got 31"):
        by_budget(TASKS, [1, 31], 0.5)
    with pytest.raises(PolicyBudgetError, match="radius must be a positive, finite number, got 0"):
        by_radius(TASKS, 2, [0.5, 0.0])
    with pytest.raises(PolicyBudgetError, match="budgets must be one number at least"):
        by_budget(TASKS, [], 0.5)
    with pytest.raises(PolicyBudgetError, match="radii must be one number at least"):
        by_radius(TASKS, 2, [])
