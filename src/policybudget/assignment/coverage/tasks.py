"""A table of tasks from a file: tasks.csv has a row per task and a column per parameter.

It may have a column ``name`` and a column ``description``; neither is a parameter.
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
        parameters: in the units of the file.
        described: there is a column ``description``, which was left out.
    """

    names: tuple[str, ...] | None
    columns: tuple[str, ...]
    parameters: Float[np.ndarray, "n d"]
    described: bool


def read_tasks(path: Path, columns: Sequence[str] | None = None) -> Tasks:
    """Tasks from a file of comma-separated values, in UTF-8.

    Args:
        path: of the file.
        columns: the parameters to read; None for every column but ``name`` and ``description``.

    Raises:
        PolicyBudgetError: the file is missing or wrong; the line says in which line and column.
    """
    table = read_table(path, "tasks", "task", "tasks")
    header, told = table.header, ", ".join(table.header[:20])
    if twice := [name for i, name in enumerate(header) if name in header[:i]]:
        raise PolicyBudgetError(f"{path} has column {twice[0]!r} twice: {told}")
    if columns is not None:
        if unknown := [name for name in columns if name not in header]:
            raise PolicyBudgetError(f"{path} has no column {unknown[0]!r}; its columns are {told}")
        if again := [name for i, name in enumerate(columns) if name in columns[:i]]:
            raise PolicyBudgetError(f"columns must be different, got {again[0]!r} twice")
    chosen = [name for name in header if name not in ABOUT_TASKS] if columns is None else list(columns)
    if not chosen or "" in chosen:
        raise PolicyBudgetError(f"{path} must have a named column per parameter, got columns {told}")
    parameters = np.stack([_numbers(table, header.index(name), columns is None) for name in chosen], axis=1)
    names = None
    if "name" in header and "name" not in chosen:
        names = tuple(cell.strip() for cell in table.columns[header.index("name")])
    return Tasks(names, tuple(chosen), parameters, "description" in header and columns is None)


def _numbers(table: Table, index: int, all_columns: bool) -> np.ndarray:
    """A column as float64."""
    column, cells = table.header[index], table.columns[index]
    values = np.array([_number(cell) for cell in cells])
    if np.isfinite(values).all():
        return values
    row = int(np.argmin(np.isfinite(values)))
    remedy = "; choose the parameters by --columns" if all_columns else ""
    raise PolicyBudgetError(
        f"{table.path}, line {table.lines[row]}, column {column}: expected a finite number, got {cells[row]!r}{remedy}"
    )


def _number(cell: str) -> float:
    try:
        return float(cell)
    except ValueError:
        return np.nan
