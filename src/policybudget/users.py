"""A table of users as a population of agents: users.csv has a row per user and a column per reward component.

It may have three more columns: ``name``, ``weight`` (how many people the user stands for) and ``outside``
(what the user has without any policy, in units of return; blank for no such option). If a reward component has one of
these names, the column is the component's. Worlds of goals want one column instead, each user's goal.

Users can differ in their dynamics: columns ``env.NAME`` are keyword arguments of their own environment, columns
``reset.NAME`` options of its resets.
"""

from __future__ import annotations

import math
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from policybudget.csv_table import Table, numbers, read_table
from policybudget.errors import PolicyBudgetError
from policybudget.population import Population

ABOUT_USERS = ("name", "weight", "outside")
OWN = ("env.", "reset.")
"""What columns begin with that make a user's own environment."""
LARGEST, LEAST = float(np.finfo(np.float32).max), float(np.finfo(np.float32).tiny)


def read_users(path: Path, features: int, components: tuple[str, ...] = ()) -> Population:
    """A population with linear preferences.

    The header names reward components by index (0, 1, ...) or by name, in any order, and may have the columns
    ``name``, ``weight`` and ``outside``.

    Args:
        path: of the users.csv, in UTF-8.
        features: m, the number of reward components.
        components: their names, if the world has some.

    Returns:
        The agents, one per row.

    Raises:
        PolicyBudgetError: the file is missing or wrong; the line says in which line and column.
    """
    table = read_table(path, "population", "user", "users")
    order = _columns(path, table.header, features, components)
    about = {name: i for i, name in enumerate(table.header) if name in ABOUT_USERS and i not in order}
    columns = [numbers(table, i, fits=_finite).astype(np.float32) for i in order]
    weights = np.stack(columns or [np.ones(len(table.lines), np.float32)], axis=1)
    details: dict[str, Any] = {**details_of(table, about), **_own_details(table)}
    return Population.from_weights(weights, names_of(table, about.get("name")), **details)


@dataclass(frozen=True)
class OwnSettings:
    """How a user's own environment is made and reset.

    Attributes:
        name: of the user.
        env: keyword arguments of the environment.
        reset: options of its resets.
    """

    name: str
    env: dict[str, Any]
    reset: dict[str, Any]


def read_own(path: Path) -> tuple[OwnSettings, ...]:
    """What the columns ``env.NAME`` and ``reset.NAME`` of a users.csv say.

    A cell is a whole number, a number, true or false, or a text; a blank one leaves the argument out.

    Args:
        path: of the users.csv, in UTF-8.

    Returns:
        Settings of each user; none at all without such columns.

    Raises:
        PolicyBudgetError: the file is missing or wrong.
    """
    table = read_table(path, "population", "user", "users")
    if not (own := _own_columns(table)):
        return ()
    at = table.header.index("name") if "name" in table.header else None
    names = names_of(table, at) or [f"agent {row}" for row in range(len(table.lines))]
    cells = {kind: {name[len(kind) :]: table.columns[i] for name, i in own if name.startswith(kind)} for kind in OWN}

    def given(kind: str, row: int) -> dict[str, Any]:
        return {name: _value(column[row]) for name, column in cells[kind].items() if column[row].strip()}

    return tuple(OwnSettings(name, given("env.", row), given("reset.", row)) for row, name in enumerate(names))


def _own_columns(table: Table) -> list[tuple[str, int]]:
    return [(name, i) for i, name in enumerate(table.header) if name.startswith(OWN)]


def _own_details(table: Table) -> dict[str, Any]:
    """Dynamics that the world knows by the users' numbers, and what of them is numbers as task parameters."""
    own = [(name, [_value(cell) for cell in table.columns[i]]) for name, i in _own_columns(table)]
    if not own:
        return {}
    known = [(name, cells) for name, cells in own if all(isinstance(cell, int | float) for cell in cells)]
    details: dict[str, Any] = {"dynamics": np.zeros((len(table.lines), 0), np.float32)}
    if known:
        details["parameters"] = np.array([cells for _, cells in known], np.float32).T
        details["parameter_names"] = tuple(name.partition(".")[2] for name, _ in known)
    return details


def _value(cell: str) -> Any:
    """A cell as Python has it."""
    text = cell.strip()
    for kind in (int, float):
        with suppress(ValueError):
            value = kind(text)
            return value if math.isfinite(value) else text
    return {"true": True, "false": False}.get(text.lower(), text)


def details_of(table: Table, about: dict[str, int]) -> dict[str, np.ndarray]:
    """Weights of the users and their options outside, where the table has them.

    Args:
        table: of users.
        about: positions of the columns ``weight`` and ``outside``, where it has them.

    Returns:
        ``agent_weights`` (n) and ``outside`` (n), each where the table has it, for a :class:`Population`.

    Raises:
        PolicyBudgetError: a cell is no such number.
    """
    details = {}
    if "weight" in about:
        weights = numbers(table, about["weight"], "a positive number", _positive)
        details["agent_weights"] = weights.astype(np.float32)
    if "outside" in about:
        kind = "a finite number or nothing"
        outside = numbers(table, about["outside"], kind, _finite_or_none, blank=-math.inf)
        details["outside"] = outside.astype(np.float32)
    return details


def _listed(header: list[str]) -> str:
    return ", ".join(header) if len(header) <= 20 else f"{', '.join(header[:20])}, ..."


def read_tasks(path: Path, column: str) -> tuple[np.ndarray, list[str] | None, dict[str, np.ndarray]]:
    """A table of users who each want a number of their own: a speed, a direction.

    The header has the column of that number, and may have ``name``, ``weight`` and ``outside``.

    Args:
        path: of the file, in UTF-8.
        column: what the number is called.

    Returns:
        The numbers (n) as float32, the users' names if there are some, and ``agent_weights`` (n) and ``outside`` (n),
        each where the file has it, for a :class:`Population`.

    Raises:
        PolicyBudgetError: the file is missing or wrong; the line says in which line and column.
    """
    table = read_table(path, "population", "user", "users")
    header, known = table.header, (column, *ABOUT_USERS)
    if header.count(column) != 1 or len(set(header)) < len(header) or not set(header) <= set(known):
        raise PolicyBudgetError(
            f"{path} must have a column {column} and may have {', '.join(ABOUT_USERS)}, each once; "
            f"its columns are {_listed(header)}"
        )
    about = {name: i for i, name in enumerate(header) if name != column}
    wanted = numbers(table, header.index(column), fits=_finite).astype(np.float32)
    return wanted, names_of(table, about.get("name")), details_of(table, about)


def _columns(path: Path, header: list[str], features: int, components: tuple[str, ...]) -> list[int]:
    """Which column holds each reward component."""
    order, listed = [], _listed(header)
    if twice := [name for i, name in enumerate(header) if name in header[:i]]:
        raise PolicyBudgetError(f"{path} has column {twice[0]!r} twice: {listed}")
    for index in range(features):
        known = [str(index), *components[index : index + 1]]
        found = [header.index(name) for name in known if name in header]
        if not found and features == 1 and any(name.startswith(OWN) for name in header):
            return []  # users who differ in their environments alone
        if len(found) != 1:
            what = "no column" if not found else "two columns"
            raise PolicyBudgetError(
                f"{path} has {what} for reward component {' or '.join(known)} (of {features}); its columns are "
                f"{listed}; {_way(features, components)}"
            )
        order.append(found[0])
    extra = [
        name
        for i, name in enumerate(header)
        if i not in order and name not in ABOUT_USERS and not (name.startswith(OWN) and name not in OWN)
    ]
    if extra:
        raise PolicyBudgetError(
            f"{path} has columns that are no reward component and not name, weight or outside: {_listed(extra)}; "
            f"{_way(features, components)}"
        )
    return order


def _way(features: int, components: tuple[str, ...]) -> str:
    """What the columns may be, and what those who want another one can do."""
    known = [f"{i} or {components[i]}" if components else str(i) for i in range(min(features, 20))]
    more = ", ..." if features > len(known) else ""
    return (
        f"columns may be {', '.join(known)}{more} (how much the user wants it), name, weight (how many people) and "
        "outside (what the user has without a policy), env.NAME (an argument of the user's own environment) and "
        "reset.NAME (an option of its resets)"
    )


def _finite(values: np.ndarray) -> np.ndarray:
    fit: np.ndarray = np.abs(values) <= LARGEST
    return fit


def _positive(values: np.ndarray) -> np.ndarray:
    fit: np.ndarray = (values >= LEAST) & (values <= LARGEST)
    return fit


def _finite_or_none(values: np.ndarray) -> np.ndarray:
    fit: np.ndarray = (np.abs(values) <= LARGEST) | (values == -math.inf)
    return fit


def names_of(table: Table, column: int | None) -> list[str] | None:
    """The users' names.

    Args:
        table: of users.
        column: position of the column ``name``; None if there is none.

    Returns:
        The names; None without such a column.

    Raises:
        PolicyBudgetError: a name is empty, or that of two users.
    """
    if column is None:
        return None
    names = [name.strip() for name in table.columns[column]]
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
