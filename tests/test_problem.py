from __future__ import annotations

import pytest
from worlds_with_known_answers import wishes

from policybudget.errors import PolicyBudgetError


@pytest.mark.parametrize("budget", [0, -1, 3, 1000])
def test_budget_out_of_range(budget: int) -> None:
    with pytest.raises(PolicyBudgetError, match=rf"budget must be between .* agents \(2\), got {budget}$"):
        wishes((0, 1), budget)


@pytest.mark.parametrize("budget", [1, 2])
def test_budget_in_range(budget: int) -> None:
    assert wishes((0, 1), budget).budget == budget
