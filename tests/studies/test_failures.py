"""What went wrong, in one line."""

from __future__ import annotations

import pytest

from policybudget.errors import LONGEST, PolicyBudgetError, one_line
from policybudget.studies.failures import explained


def test_errors_that_have_a_line() -> None:
    assert explained(PolicyBudgetError("budget must be\n 1")) == "budget must be 1"
    assert explained(OSError(24, "Too many open files", "a/b")) == "cannot use a/b: too many open files"
    assert explained(MemoryError()) == explained(RuntimeError("RESOURCE_EXHAUSTED: Out of memory allocating 8 bytes"))
    assert "not enough memory" in str(explained(MemoryError()))


def test_an_error_of_our_own_is_shown_whole() -> None:
    assert explained(ValueError("a defect")) is None


@pytest.mark.parametrize(("text", "line"), [("a\tb\nc", "a b c"), ("a\x1b[2Jb", r"a\x1b[2Jb"), ("\udc80", r"\udc80")])
def test_nothing_that_a_terminal_obeys(text: str, line: str) -> None:
    assert one_line(text) == line


def test_long_lines_lose_their_middle() -> None:
    line = one_line("a" * 5000 + "b")
    assert len(line) <= LONGEST and line.startswith("aaa") and line.endswith("ab")
