"""Files of comma-separated values as runs have them: any spreadsheet may open them."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

from policybudget.errors import PolicyBudgetError

LONGEST = 2**22
"""Characters of a line that is read."""
FORMULA = ("=", "+", "-", "@", "\t", "\r")
"""What a text begins with that a spreadsheet would run."""


def lines(readline: Callable[[int], str]) -> Iterator[str]:
    """Lines as they come, so that a file without an end or a line without one takes no memory.

    Args:
        readline: of a text file that is open: at most so many characters of the next line; nothing at the end.

    Yields:
        Lines with their ends.

    Raises:
        PolicyBudgetError: a line has more than ``LONGEST`` characters.
    """
    while line := readline(LONGEST):
        if len(line) == LONGEST:
            raise PolicyBudgetError(f"expected lines of at most {LONGEST:,} characters")
        yield line


def as_csv(rows: Iterable[Sequence[Any]]) -> str:
    """Rows as comma-separated values that any spreadsheet may open.

    Args:
        rows: the header first. A text that a spreadsheet would run as a formula gets an apostrophe before it;
            numbers stay, also as text.

    Returns:
        The content of the file; lines end with a newline.
    """
    return "".join(map(_line, rows))


def cell(text: str) -> str:
    """A text as a cell that any spreadsheet may open, where rows are put together by hand because there are many.

    Args:
        text: such as a name.
    """
    return text if text.isalnum() else _line([text])[:-1]


def _line(row: Sequence[Any]) -> str:
    text = io.StringIO()
    csv.writer(text, lineterminator="\r\n").writerow([harmless(cell) for cell in row])  # quotes both of these in texts
    return text.getvalue().removesuffix("\r\n") + "\n"


def harmless(cell: Any) -> Any:
    """A cell with an apostrophe before it where a spreadsheet would run it; any other as it is.

    Args:
        cell: of any type.
    """
    if isinstance(cell, str) and cell.lstrip("'").startswith(FORMULA) and not _is_number(cell):
        return f"'{cell}"
    return cell


def _is_number(cell: str) -> bool:
    try:
        float(cell)
    except ValueError:
        return False
    return True
