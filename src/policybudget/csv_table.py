"""Files of comma-separated values that users bring: a header and a row per user, or per policy."""

from __future__ import annotations

import csv
import math
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import Bool, Float

from policybudget.errors import PolicyBudgetError


@dataclass(frozen=True)
class Table:
    """A file of comma-separated values.

    Columns, not rows: a million small lists would keep the garbage collector busy.

    Attributes:
        path: of the file.
        header: names of the columns.
        lines: number of each line that is not empty.
        columns: the cells of each column.
    """

    path: Path
    header: list[str]
    lines: list[int]
    columns: list[list[str]]


def read_table(path: Path, what: str, one: str, several: str) -> Table:
    """Read a file in UTF-8.

    Args:
        path: of the file.
        what: what the file is, such as "population".
        one: what a row is about, such as "user".
        several: the plural of that.

    Returns:
        The table, with a row at least.

    Raises:
        PolicyBudgetError: the file is missing, is no such table, or has no rows.
    """
    try:
        if path.is_char_device():
            raise PolicyBudgetError(f"cannot read {path}: it is a device, not a file")
        with path.open(newline="", encoding="utf-8-sig") as file:  # a byte-order mark is no part of the header
            reader = csv.reader(file)
            header = [cell.strip() for cell in next(reader, [])]
            lines, cells = list[int](), list[str]()
            for row in reader:
                if not any(row) or not "".join(row).strip():
                    continue
                if len(row) != len(header):
                    raise PolicyBudgetError(
                        f"{path}, line {reader.line_num}: expected {len(header)} columns, got {len(row)}"
                    )
                lines.append(reader.line_num)
                cells.extend(row)
    except FileNotFoundError:
        raise PolicyBudgetError(f"{what} file not found: {path}") from None
    except UnicodeDecodeError:
        raise PolicyBudgetError(f"cannot read {path}: expected a table of comma-separated values in UTF-8") from None
    except (OSError, csv.Error) as error:
        reason = error.strerror.lower() if isinstance(error, OSError) and error.strerror else error
        raise PolicyBudgetError(f"cannot read {path}: {reason}") from None
    if not lines:
        raise PolicyBudgetError(f"{path} has no {several}: expected a header and a row per {one}")
    return Table(path, header, lines, [cells[i :: len(header)] for i in range(len(header))])


def finite(values: Float[np.ndarray, " n"]) -> Bool[np.ndarray, " n"]:
    """Which numbers are finite.

    Args:
        values: (n,) numbers.

    Returns:
        (n,) whether each is.
    """
    found: np.ndarray = np.isfinite(values)
    return found


def numbers(
    table: Table,
    column: int,
    kind: str = "a finite number",
    fits: Callable[[np.ndarray], np.ndarray] = finite,
    blank: float = math.nan,
    remedy: str = "",
) -> Float[np.ndarray, " n"]:
    """A column of a table as numbers.

    Args:
        table: the table.
        column: position of the column in the header.
        kind: what is expected of a cell, in words, for the error.
        fits: says of n numbers which are of that kind; NaN, which stands for a cell that is no number, must not be.
        blank: what an empty cell stands for.
        remedy: what to do about a cell of another kind, for the error.

    Returns:
        The numbers (n,), as float64.

    Raises:
        PolicyBudgetError: a cell is of another kind; the error names its line and column.
    """
    cells = table.columns[column]
    try:
        values = np.fromiter(map(float, cells), float, len(cells))
    except ValueError:
        values = np.fromiter((_number(cell, blank) for cell in cells), float, len(cells))
    if (fit := fits(values)).all():
        return values
    row = int(np.argmin(fit))
    raise PolicyBudgetError(
        f"{table.path}, line {table.lines[row]}, column {table.header[column]}: expected {kind}, got {cells[row]!r}"
        + (f"; {remedy}" if remedy else "")
    )


def _number(cell: str, blank: float) -> float:
    """What is no number becomes NaN, which never fits."""
    try:
        return float(cell)
    except ValueError:
        return math.nan if cell.strip() else blank
