"""Budgets as they are typed."""

from __future__ import annotations

import pytest

from policybudget.errors import PolicyBudgetError
from policybudget.settings import budgets


@pytest.mark.parametrize(
    ("text", "expected"),
    [("3", (3,)), ("2-4", (2, 3, 4)), ("10,1-2, 5", (1, 2, 5, 10)), ("1-2,2-3", (1, 2, 3)), ("-1", (-1,))],
)
def test_budgets(text: str, expected: tuple[int, ...]) -> None:
    assert budgets(text) == expected


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "budget must be a number such as 3, a range such as 1-5 or a list, got ''"),
        ("1-2-3", "budget must be a number"),
        ("1;2", "budget must be a number"),
        ("4-2", "a range of budgets must begin with the smaller number, got '4-2'"),
        ("1-1001", "a range of budgets has at most 1000, got 1001"),
    ],
)
def test_what_are_no_budgets(text: str, words: str) -> None:
    with pytest.raises(PolicyBudgetError, match=words):
        budgets(text)
