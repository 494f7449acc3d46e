from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from policybudget.errors import PolicyBudgetError
from policybudget.worlds.finite.tables import absorbing, check_tables

STAY = np.array([[[0.5, 0.5], [1.0, 0.0]], [[0.0, 1.0], [0.0, 1.0]]])
PAID = np.array([[[1.0, 0.0], [2.0, 0.0]], [[0.0, 0.0], [0.0, 0.0]]])
FIRST = np.array([0.25, 0.75])
MISSING = "let what is missing lead to a state that no action leaves and that has no features"
SHAPE = (
    "transitions must have shape (S, A, S), or (n, S, A, S), with at least one state and one action, got {}; let entry"
)
FEATURES = "features must have shape (S, A, m) = (2, 2, m) with at least one feature, got {}"


def changed(table: np.ndarray, at: tuple[int, ...], value: float) -> np.ndarray:
    copy = table.copy()
    copy[at] = value
    return copy


def test_good_tables_are_copied_and_frozen() -> None:
    given = STAY.astype(np.float32)
    transitions, features, initial = check_tables(given, PAID.tolist(), FIRST)
    given[:] = 0.0
    np.testing.assert_array_equal(transitions, STAY)
    assert transitions.dtype == features.dtype == initial.dtype == np.float64
    with pytest.raises(ValueError, match="read-only"):
        transitions[0, 0, 0] = 1.0


def test_rows_may_be_off_by_rounding() -> None:
    check_tables(STAY + 4e-9, PAID, FIRST)


@pytest.mark.parametrize(
    ("transitions", "features", "initial", "message"),
    [
        (STAY[0], PAID, FIRST, SHAPE.format("(2, 2)")),
        (STAY[:1], PAID, FIRST, SHAPE.format("(1, 2, 2)")),
        (np.zeros((2, 0, 2)), PAID, FIRST, SHAPE.format("(2, 0, 2)")),
        (np.zeros((0, 2, 0)), PAID, FIRST, SHAPE.format("(0, 2, 0)")),
        ([[1.0], [1.0, 2.0]], PAID, FIRST, "transitions must be an array (S, A, S) of numbers, got list"),
        (STAY, PAID[:1], FIRST, FEATURES.format("(1, 2, 2)")),
        (STAY, PAID[..., 0], FIRST, FEATURES.format("(2, 2)")),
        (STAY, PAID[..., :0], FIRST, FEATURES.format("(2, 2, 0)")),
        (STAY, PAID, FIRST[:1], "initial must have shape (S,) = (2,), got (1,)"),
        (
            changed(STAY, (1, 0, 1), np.nan), PAID, FIRST,
            "transitions must be finite, got nan for state 1, action 0, next state 1",
        ),
        (
            STAY, changed(PAID, (0, 1, 1), np.inf), FIRST,
            "features must be finite, got inf for state 0, action 1, feature 1",
        ),
        (STAY, PAID, changed(FIRST, (1,), np.nan), "initial must be finite, got nan for state 1"),
        (
            np.array([[[1.5, -0.5], [1.0, 0.0]], [[0.0, 1.0], [0.0, 1.0]]]), PAID, FIRST,
            "transition probabilities must not be negative, got -0.5 for state 0, action 0, next state 1",
        ),
        (
            changed(STAY, (1, 0, 1), 0.9), PAID, FIRST,
            f"transition probabilities must sum to 1, got 0.9 for state 1, action 0; {MISSING}",
        ),
        (
            changed(np.stack([STAY, STAY]), (1, 1, 0, 1), 0.9), PAID, FIRST,
            f"transition probabilities must sum to 1, got 0.9 for agent 1, state 1, action 0; {MISSING}",
        ),
        (
            changed(np.stack([STAY, STAY]), (1, 0, 1, 1), -1.0), PAID, FIRST,
            "transition probabilities must not be negative, got -1 for agent 1, state 0, action 1, next state 1",
        ),
        (np.zeros((0, 2, 2, 2)), PAID, FIRST, SHAPE.format("(0, 2, 2, 2)")),
        (STAY, PAID, np.array([1.5, -0.5]), "initial must not be negative, got -0.5 for state 1"),
        (STAY, PAID, np.array([0.5, 0.4]), "initial must sum to 1 over the states, got 0.9"),
    ],
)  # fmt: skip
def test_bad_tables(transitions: Any, features: Any, initial: Any, message: str) -> None:
    with pytest.raises(PolicyBudgetError) as error:
        check_tables(transitions, features, initial)
    assert str(error.value).startswith(message) and "\n" not in str(error.value)


def test_the_end_is_where_nothing_leads_out_and_nothing_is_paid() -> None:
    np.testing.assert_array_equal(absorbing(STAY, PAID), [False, True])
    np.testing.assert_array_equal(absorbing(STAY, changed(PAID, (1, 1, 1), 0.1)), [False, False])
