"""A table of users as a population of agents: users.csv has a row per user and a column per reward component.

It may have three more columns: ``name``, ``weight`` (how many people the user stands for) and ``outside``
(what the user has without any policy, in units of return; blank for no such option). If a reward component has one of
these names, the column is the component's. Worlds of goals want one column instead, each user's goal. All users act in
the same world: no column changes its dynamics.
"""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np

from policybudget.csv_table import Table, numbers, read_table
from policybudget.errors import PolicyBudgetError
from policybudget.population import Population

ABOUT_USERS = ("name", "weight", "outside")
NO_DYNAMICS = (
    "users who differ in their dynamics are not supported by --population yet: draw what differs at every reset and "
    "let it be observed, or train for each kind of user apart"
)
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
    weights = np.stack([numbers(table, i, fits=_finite).astype(np.float32) for i in order], axis=1)
    return Population.from_weights(weights, names_of(table, about.get("name")), **details_of(table, about))


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
            f"its columns are {_listed(header)}; {NO_DYNAMICS}"
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
        if len(found) != 1:
            what = "no column" if not found else "two columns"
            raise PolicyBudgetError(
                f"{path} has {what} for reward component {' or '.join(known)} (of {features}); its columns are "
                f"{listed}; {_way(features, components)}"
            )
        order.append(found[0])
    extra = [name for i, name in enumerate(header) if i not in order and name not in ABOUT_USERS]
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
        f"outside (what the user has without a policy); {NO_DYNAMICS}"
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
