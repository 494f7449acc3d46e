"""A table of users as a population: users.csv has a row per user, a column per reward component, optionally a name."""

from __future__ import annotations

import csv
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from policybudget.errors import PolicyBudgetError
from policybudget.population import Population


@dataclass(frozen=True)
class Table:
    """A file of comma-separated values: its header, the numbers of its lines that are not empty, and its columns.

    Columns, not rows: a million small lists would keep the garbage collector busy.
    """

    path: Path
    header: list[str]
    lines: list[int]
    columns: list[list[str]]


def read_users(path: Path, features: int, components: tuple[str, ...] = ()) -> Population:
    """A population with linear preferences.

    The header names reward components by index (0, 1, ...) or by name, in any order, and may have a ``name`` column.

    Args:
        path: of the users.csv, in UTF-8.
        features: m, the number of reward components.
        components: their names, if the world tells them.

    Raises:
        PolicyBudgetError: the file is missing or wrong; the line says in which line and column.
    """
    table = _read(path)
    order = _columns(path, table.header, features, components)
    names = _names(table)
    return Population.from_weights(_numbers(table, order), names)


def _read(path: Path) -> Table:
    try:
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
        raise PolicyBudgetError(f"population file not found: {path}") from None
    except UnicodeDecodeError:
        raise PolicyBudgetError(f"cannot read {path}: expected a table of comma-separated values in UTF-8") from None
    except (OSError, csv.Error) as error:
        reason = error.strerror.lower() if isinstance(error, OSError) and error.strerror else error
        raise PolicyBudgetError(f"cannot read {path}: {reason}") from None
    if not lines:
        raise PolicyBudgetError(f"{path} has no users: expected a header and a row per user")
    return Table(path, header, lines, [cells[i :: len(header)] for i in range(len(header))])


def _columns(path: Path, header: list[str], features: int, components: tuple[str, ...]) -> list[int]:
    """Which column holds each reward component."""
    order, listed = [], ", ".join(header) if len(header) <= 20 else f"{', '.join(header[:20])}, ..."
    if twice := [name for i, name in enumerate(header) if name in header[:i]]:
        raise PolicyBudgetError(f"{path} has column {twice[0]!r} twice: {listed}")
    for index in range(features):
        known = [str(index), *components[index : index + 1]]
        found = [header.index(name) for name in known if name in header]
        if len(found) != 1:
            what = "no column" if not found else "two columns"
            raise PolicyBudgetError(
                f"{path} has {what} for reward component {' or '.join(known)} (of {features}); its columns are {listed}"
            )
        order.append(found[0])
    extra = [name for i, name in enumerate(header) if i not in order and name != "name"]
    if extra:
        raise PolicyBudgetError(
            f"{path} has columns that are no reward component (0 to {features - 1}) and not 'name': {', '.join(extra)}"
        )
    return order


def _numbers(table: Table, order: list[int]) -> np.ndarray:
    """Weights (n, m)."""
    try:
        columns = [np.fromiter(map(float, table.columns[i]), float, len(table.lines)) for i in order]
        with np.errstate(over="ignore"):
            weights: np.ndarray = np.stack(columns, axis=1).astype(np.float32)
        if np.isfinite(weights).all():
            return weights
    except ValueError:
        pass
    for row, number in enumerate(table.lines):  # find the culprit
        for i in order:
            if not _is_weight(cell := table.columns[i][row]):
                raise PolicyBudgetError(
                    f"{table.path}, line {number}, column {table.header[i]}: expected a finite number, got {cell!r}"
                )
    raise AssertionError


def _is_weight(cell: str) -> bool:
    try:
        return abs(float(cell)) <= float(np.finfo(np.float32).max)
    except ValueError:
        return False


def _names(table: Table) -> list[str] | None:
    if "name" not in table.header:
        return None
    names = [name.strip() for name in table.columns[table.header.index("name")]]
    if all(names) and len(set(names)) == len(names):
        return names
    seen = dict[str, int]()
    for name, number in zip(names, table.lines, strict=True):  # find the culprit
        if not name:
            raise PolicyBudgetError(f"{table.path}, line {number}: the name is empty")
        if name in seen:
            raise PolicyBudgetError(f"{table.path}, line {number}: name {name!r} is that of line {seen[name]}, too")
        seen[name] = number
    raise AssertionError
