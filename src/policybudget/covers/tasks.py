"""A table of tasks from a file: tasks.csv has a row per task and a column per parameter.

It may have a column ``name`` and a column ``description``; neither is a parameter (see ``descriptions.py``).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import Float

from policybudget.csv_table import Table, read_table
from policybudget.errors import PolicyBudgetError

ABOUT_TASKS = ("name", "description")


@dataclass(frozen=True)
class Tasks:
    """Tasks and their parameters.

    Attributes:
        names: of the tasks, or None.
        columns: names of the parameters.
        parameters: in the units of the file, or embedded descriptions.
        descriptions: what a column ``description`` says, or None.
    """

    names: tuple[str, ...] | None
    columns: tuple[str, ...]
    parameters: Float[np.ndarray, "n d"]
    descriptions: tuple[str, ...] | None = None


def read_tasks(
    path: Path, columns: Sequence[str] | None = None, remedy: str = "choose the parameters by --columns"
) -> Tasks:
    """Tasks from a file of comma-separated values, in UTF-8.

    Args:
        path: of the file.
        columns: the parameters to read; None for every column but ``name`` and ``description``.
        remedy: what to do about a column that is no parameter, if all are read.

    Raises:
        PolicyBudgetError: the file is missing or wrong; the line says in which line and column.
    """
    table = table_of(path)
    header, told = table.header, ", ".join(table.header[:20])
    if columns is not None:
        if unknown := [name for name in columns if name not in header]:
            raise PolicyBudgetError(f"{path} has no column {unknown[0]!r}; its columns are {told}")
        if again := [name for i, name in enumerate(columns) if name in columns[:i]]:
            raise PolicyBudgetError(f"columns must be different, got {again[0]!r} twice")
    chosen = [name for name in header if name not in ABOUT_TASKS] if columns is None else list(columns)
    if not chosen or "" in chosen:
        words = "; --descriptions tfidf embeds what the description says" if "description" in header else ""
        raise PolicyBudgetError(f"{path} must have a named column per parameter, got columns {told}{words}")
    remedy = f"; {remedy}" if columns is None else ""
    parameters = np.stack([_numbers(table, header.index(name), remedy) for name in chosen], axis=1)
    names = None if "name" in chosen else names_of(table)
    said = None
    if "description" in header and columns is None:
        said = tuple(table.columns[header.index("description")])
    return Tasks(names, tuple(chosen), parameters, said)


def table_of(path: Path) -> Table:
    """A table of tasks with columns of different names.

    Raises:
        PolicyBudgetError: the file is missing or is no such table.
    """
    table = read_table(path, "tasks", "task", "tasks")
    if twice := [name for i, name in enumerate(table.header) if name in table.header[:i]]:
        raise PolicyBudgetError(f"{path} has column {twice[0]!r} twice: {', '.join(table.header[:20])}")
    return table


def names_of(table: Table) -> tuple[str, ...] | None:
    """What column ``name`` says, if there is one."""
    if "name" not in table.header:
        return None
    return tuple(cell.strip() for cell in table.columns[table.header.index("name")])


def _numbers(table: Table, index: int, remedy: str) -> np.ndarray:
    """A column as float64."""
    column, cells = table.header[index], table.columns[index]
    values = np.array([_number(cell) for cell in cells])
    if np.isfinite(values).all():
        return values
    row = int(np.argmin(np.isfinite(values)))
    raise PolicyBudgetError(
        f"{table.path}, line {table.lines[row]}, column {column}: expected a finite number, got {cells[row]!r}{remedy}"
    )


def _number(cell: str) -> float:
    try:
        return float(cell)
    except ValueError:
        return np.nan
