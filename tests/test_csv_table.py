from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest

from policybudget.csv_table import Table, finite, numbers, read_table
from policybudget.errors import PolicyBudgetError


def table(tmp_path: Path, text: str) -> Table:
    path = tmp_path / "table.csv"
    path.write_text(text)
    return read_table(path, "tasks", "task", "tasks")


def test_columns_of_numbers(tmp_path: Path) -> None:
    read = table(tmp_path, "a,b\n1, 2e3\n\n-0.5,7\n")
    np.testing.assert_array_equal(numbers(read, 0), [1.0, -0.5])
    assert numbers(read, 1).tolist() == [2000.0, 7.0] and numbers(read, 1).dtype == np.float64


def test_blank_cells_may_stand_for_something(tmp_path: Path) -> None:
    read = table(tmp_path, "a,b\n1,\n2,3\n")
    found = numbers(read, 1, "a number or nothing", lambda x: finite(x) | (x == -math.inf), blank=-math.inf)
    assert found.tolist() == [-math.inf, 3.0]


@pytest.mark.parametrize("cell", ["steep", "nan", "inf", "-inf", "", " ", "1_x"])
def test_an_error_says_where_what_was_expected_and_what_came(cell: str, tmp_path: Path) -> None:
    read = table(tmp_path, f"a,b\n1,2\n\n3,{cell}\n")
    with pytest.raises(PolicyBudgetError) as error:
        numbers(read, 1, remedy="choose columns")
    assert str(error.value) == f"{read.path}, line 4, column b: expected a finite number, got {cell!r}; choose columns"


def test_numbers_of_another_kind(tmp_path: Path) -> None:
    with pytest.raises(PolicyBudgetError, match=r"line 3, column a: expected a positive number, got '0'$"):
        numbers(table(tmp_path, "a\n1\n0\n"), 0, "a positive number", lambda x: x > 0)
