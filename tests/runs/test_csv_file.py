"""Comma-separated values that a spreadsheet may open."""

from __future__ import annotations

import csv
import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from policybudget.errors import PolicyBudgetError
from policybudget.runs import csv_file
from policybudget.runs.csv_file import FORMULA, as_csv

NAMES = st.text(st.characters(exclude_categories=("Cs", "Cc"), include_characters="\n\t\r'=+-@,\""))


def read(text: str) -> list[list[str]]:
    return list(csv.reader(io.StringIO(text, newline="")))


@given(st.lists(NAMES, min_size=1, max_size=4))
def test_no_text_is_a_formula_and_none_is_lost(names: list[str]) -> None:
    (row,) = read(as_csv([["first", *names]]))
    for name, cell in zip(names, row[1:], strict=True):
        assert not cell.startswith(FORMULA) or float(cell) == float(name)
        assert cell.removeprefix("'") == name or cell == name


@pytest.mark.parametrize("name", ["=cmd()", "@SUM(A1)", "+1+1", "-2-x", "\t=1", "'=1"])
def test_formulas_get_an_apostrophe(name: str) -> None:
    assert read(as_csv([["a"], [name]]))[1] == [f"'{name}"]


@pytest.mark.parametrize("cell", ["-1.5", "+3", "a=b", "'quoted'", -2, 1e-5])
def test_numbers_and_other_texts_stay(cell: object) -> None:
    assert read(as_csv([[cell, "x"]])) == [[str(cell), "x"]]


def test_lines_come_one_by_one_and_have_an_end() -> None:
    text = io.StringIO("a,b\r\nc\n\nd", newline="")
    assert list(csv_file.lines(text.readline)) == ["a,b\r\n", "c\n", "\n", "d"]
    with open("/dev/zero") as endless, pytest.raises(PolicyBudgetError, match="lines of at most 4,194,304"):
        next(csv_file.lines(endless.readline))
