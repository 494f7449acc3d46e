"""A table of users as a population: users.csv has a row per user, a column per reward component, optionally a name."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np

from policybudget.errors import PolicyBudgetError
from policybudget.population import Population


def read_users(path: Path, features: int, components: tuple[str, ...] = ()) -> Population:
    """A population with linear preferences.

    The header names reward components by index (0, 1, ...) or by name, in any order, and may have a ``name`` column.

    Args:
        features: m, the number of reward components.
        components: their names, if the world tells them.

    Raises:
        PolicyBudgetError: the file is missing or wrong; the line says in which row and column.
    """
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:  # a byte-order mark is no part of the header
            rows = list(csv.reader(file))
    except FileNotFoundError:
        raise PolicyBudgetError(f"population file not found: {path}") from None
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise PolicyBudgetError(f"cannot read {path}: {error}") from None
    header = [cell.strip() for cell in rows[0]] if rows else []
    numbered = [(number, row) for number, row in enumerate(rows[1:], 2) if any(cell.strip() for cell in row)]
    if not numbered:
        raise PolicyBudgetError(f"{path} has no users: expected a header and a row per user")
    for number, row in numbered:
        if len(row) != len(header):
            raise PolicyBudgetError(f"{path}, line {number}: expected {len(header)} columns, got {len(row)}")
    order = _columns(path, header, features, components)
    table = _numbers(path, header, numbered, order)
    names = _names(path, header, numbered)
    return Population.from_weights(table, names)


def _columns(path: Path, header: list[str], features: int, components: tuple[str, ...]) -> list[int]:
    """Which column holds each reward component."""
    if len(set(header)) != len(header):
        raise PolicyBudgetError(f"{path} has a column twice: {', '.join(header)}")
    order = []
    for index in range(features):
        known = [str(index), *components[index : index + 1]]
        found = [header.index(name) for name in known if name in header]
        if not found:
            raise PolicyBudgetError(
                f"{path} has no column for reward component {' or '.join(known)} (of {features}); "
                f"its columns are {', '.join(header)}"
            )
        order.append(found[0])
    extra = [name for i, name in enumerate(header) if i not in order and name != "name"]
    if extra:
        raise PolicyBudgetError(f"{path} has columns that are no reward component: {', '.join(extra)}")
    return order


def _numbers(path: Path, header: list[str], rows: list[tuple[int, list[str]]], order: list[int]) -> np.ndarray:
    try:
        table = np.array([[float(row[column]) for column in order] for _, row in rows], dtype=np.float64)
        if np.isfinite(table).all():
            return table.astype(np.float32)
    except ValueError:
        pass
    for number, row in rows:  # find the culprit
        for column in order:
            try:
                value = float(row[column])
            except ValueError:
                value = np.nan
            if not np.isfinite(value):
                raise PolicyBudgetError(
                    f"{path}, line {number}, column {header[column]}: expected a finite number, got {row[column]!r}"
                )
    raise AssertionError


def _names(path: Path, header: list[str], rows: list[tuple[int, list[str]]]) -> list[str] | None:
    if "name" not in header:
        return None
    column, seen = header.index("name"), dict[str, int]()
    for number, row in rows:
        name = row[column].strip()
        if not name:
            raise PolicyBudgetError(f"{path}, line {number}: the name is empty")
        if name in seen:
            raise PolicyBudgetError(f"{path}, line {number}: name {name!r} is that of line {seen[name]}, too")
        seen[name] = number
    return list(seen)
