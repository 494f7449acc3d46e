"""Tables of users of any length: read a block at a time, and written so that a file appears whole or not at all."""

from __future__ import annotations

import csv
import os
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import chain, islice
from operator import itemgetter
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

from policybudget.deployment.bundle import Bundle
from policybudget.deployment.enrol import FARTHEST, TOGETHER, fit
from policybudget.errors import PolicyBudgetError
from policybudget.runs import files
from policybudget.runs.csv_file import lines


def opened(table: Path) -> IO[str]:
    """A table to read.

    Args:
        table: of comma-separated values, in UTF-8.

    Raises:
        PolicyBudgetError: it cannot be read.
    """
    try:
        return table.open(encoding="utf-8-sig", newline="")
    except OSError as error:
        raise PolicyBudgetError(f"cannot read {table}: {(error.strerror or str(error)).lower()}") from None


@contextmanager
def written(out: Path, bundle: Bundle) -> Iterator[IO[str]]:
    """A file to write; it takes its name when all of it is there.

    Args:
        out: the file.
        bundle: that it must not be in.

    Raises:
        PolicyBudgetError: it cannot be written, or would be in the bundle.
    """
    files.replaceable(out)
    if bundle.folder.resolve() in out.resolve().parents:
        raise PolicyBudgetError(f"{out} is in the bundle, which is sealed; give a file elsewhere")
    beside = out.with_name(f".{out.name}.{os.getpid()}")
    try:
        with beside.open("w", encoding="utf-8", newline="") as sink:
            yield sink
        beside.replace(out)
    except OSError as error:
        raise files.cannot_write(out, error) from error
    finally:
        beside.unlink(missing_ok=True)


def blocks(path: Path, source: IO[str], columns: tuple[str, ...]) -> Iterator[tuple[list[str], NDArray[Any]]]:
    """Names and numbers of so many users at a time.

    Args:
        path: of the table, for errors.
        source: the table; its header has the columns, in any order, and may have ``name``.
        columns: of the numbers.

    Returns:
        Names (u), the number of the row where the table has none, and numbers (u, columns).

    Raises:
        PolicyBudgetError: a column is missing, or a row is wrong; the error names its line.
    """
    first = 0
    try:
        reader = csv.reader(lines(source.readline))
        header = header_of(path, reader, columns, "users")
        places = [header.index(name) for name in columns]
        named = header.index("name") if "name" in header else None
        pick = itemgetter(*places, places[0])  # once more the first, so that one column is a tuple, too
        filled = filter(None, reader)  # without empty lines
        while rows := list(islice(filled, TOGETHER)):
            try:
                cells = map(float, chain.from_iterable(map(pick, rows)))
                numbers = np.fromiter(cells, float, len(rows) * (len(places) + 1)).reshape(len(rows), -1)[:, :-1]
            except (ValueError, IndexError):
                numbers = np.full((1, 1), np.nan)
            if not fit(numbers).all() or set(map(len, rows)) != {len(header)}:
                raise PolicyBudgetError(_wrong(path, rows, places, header, first + 2))
            first += len(rows)
            names = (
                [str(first - len(rows) + i) for i in range(len(rows))] if named is None else [r[named] for r in rows]
            )
            yield names, numbers
    except (csv.Error, UnicodeDecodeError) as error:
        raise no_table(path, error) from None


def header_of(path: Path, reader: Iterator[list[str]], columns: tuple[str, ...], what: str) -> list[str]:
    """The header of a table.

    Args:
        path: of the table, for the error.
        reader: of its rows.
        columns: that it must have.
        what: needs them, in the plural.

    Raises:
        PolicyBudgetError: a column is missing, or there twice.
    """
    header = [cell.strip() for cell in next(reader, [])]
    if lacking := [name for name in columns if name not in header]:
        raise PolicyBudgetError(f"{path} has no column {lacking[0]!r}; {what} need {', '.join(columns)[:200]}")
    if twice := [name for name in (*columns, "name") if header.count(name) > 1]:
        raise PolicyBudgetError(f"{path} has column {twice[0]!r} twice")
    return header


def columns_in(path: Path) -> list[str]:
    """The columns of a table.

    Args:
        path: of the table.

    Raises:
        PolicyBudgetError: it cannot be read.
    """
    with opened(path) as source:
        try:
            return header_of(path, csv.reader(lines(source.readline)), (), "")
        except (csv.Error, UnicodeDecodeError) as error:
            raise no_table(path, error) from None


def no_table(path: Path, error: Exception) -> PolicyBudgetError:
    """The error for a file that is no table of comma-separated values.

    Args:
        path: of the file.
        error: what the reader said.
    """
    return PolicyBudgetError(f"cannot read {path}: expected a table of comma-separated values ({error})")


def _wrong(path: Path, rows: list[list[str]], places: list[int], header: list[str], line: int) -> str:
    """The first cell that is no finite number."""
    for number, row in enumerate(rows, line):
        if len(row) != len(header):
            return f"{path}, row {number}: expected {len(header)} columns, got {len(row)}"
        for place in places:
            try:
                good = bool(fit(np.array(float(row[place]))).all())
            except ValueError:
                good = False
            if not good:
                where = f"{path}, row {number}, column {header[place]}"
                return f"{where}: expected a finite number (at most {FARTHEST:g}), got {row[place]!r:.60}"
    return f"{path} is no table of numbers"
