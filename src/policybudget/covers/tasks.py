"""A table of tasks from a file: tasks.csv has a row per task and a column per parameter.

It may have a column ``name`` and a column ``description``; neither is a parameter (see ``descriptions.py``).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import Float

from policybudget.csv_table import Table, numbers, read_table
from policybudget.errors import PolicyBudgetError

ABOUT_TASKS = ("name", "description")


@dataclass(frozen=True)
class Tasks:
    """Tasks and their parameters.

    Attributes:
        names: of the n tasks, or None.
        columns: names of the d parameters.
        parameters: (n, d) in the units of the file, or embedded descriptions in standard deviations.
        descriptions: the n texts of a column ``description``, or None.
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
        remedy: what to do about a column that is no parameter, for the error, if all are read.

    Returns:
        The tasks, one per row.

    Raises:
        PolicyBudgetError: the file is missing or wrong; the line says in which line and column.
    """
    table = table_of(path)
    header, listed = table.header, ", ".join(table.header[:20])
    if columns is not None:
        if unknown := [name for name in columns if name not in header]:
            raise PolicyBudgetError(f"{path} has no column {unknown[0]!r}; its columns are {listed}")
        if again := [name for i, name in enumerate(columns) if name in columns[:i]]:
            raise PolicyBudgetError(f"columns must be different, got {again[0]!r} twice")
    chosen = [name for name in header if name not in ABOUT_TASKS] if columns is None else list(columns)
    if not chosen or "" in chosen:
        words = "; --descriptions tfidf embeds what the description says" if "description" in header else ""
        raise PolicyBudgetError(f"{path} must have a named column per parameter, got columns {listed}{words}")
    remedy = remedy if columns is None else ""
    parameters = np.stack([numbers(table, header.index(name), remedy=remedy) for name in chosen], axis=1)
    names = None if "name" in chosen else names_of(table)
    descriptions = None
    if "description" in header and columns is None:
        descriptions = tuple(table.columns[header.index("description")])
    return Tasks(names, tuple(chosen), parameters, descriptions)


def table_of(path: Path) -> Table:
    """A table of tasks with columns of different names.

    Args:
        path: of the file, in UTF-8.

    Returns:
        The table.

    Raises:
        PolicyBudgetError: the file is missing or is no such table.
    """
    table = read_table(path, "tasks", "task", "tasks")
    if twice := [name for i, name in enumerate(table.header) if name in table.header[:i]]:
        raise PolicyBudgetError(f"{path} has column {twice[0]!r} twice: {', '.join(table.header[:20])}")
    return table


def names_of(table: Table) -> tuple[str, ...] | None:
    """The names of the tasks.

    Args:
        table: of tasks.

    Returns:
        The cells of column ``name``, or None if there is no such column.
    """
    if "name" not in table.header:
        return None
    return tuple(cell.strip() for cell in table.columns[table.header.index("name")])
