"""A front of policies as a table: a row per policy, a column per reward component, optionally a column ``name``.

With linear users the value of policy j to user i is the policy's vector of returns times the user's weights, so a front
(a convex coverage set) and a table of users make the value table of :mod:`policybudget.selection.subset`.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import Float

from policybudget.csv_table import Table, read_table
from policybudget.errors import PolicyBudgetError


@dataclass(frozen=True)
class Front:
    """Policies and what they return.

    Attributes:
        names: of the policies, or None.
        components: names of the m reward components; empty if the file numbers them.
        returns: (p, m) mean return of each policy in each component, in the order of the components.
    """

    names: tuple[str, ...] | None
    components: tuple[str, ...]
    returns: Float[np.ndarray, "p m"]


def read_front(path: Path) -> Front:
    """A front from a file of comma-separated values, in UTF-8.

    The header names the reward components, or numbers them (0, 1, ..., in any order).

    Args:
        path: of the file.

    Returns:
        The policies.

    Raises:
        PolicyBudgetError: the file is missing or wrong; the line says in which line and column.
    """
    table = read_table(path, "front", "policy", "policies")
    header = table.header
    columns = [i for i, name in enumerate(header) if name != "name"]
    components = [header[i] for i in columns]
    _check_header(path, header, components)
    returns = np.stack([_numbers(table, i) for i in columns], axis=1)
    if sorted(components) == sorted(map(str, range(len(components)))):
        returns = returns[:, np.argsort([int(name) for name in components])]
        components = []
    names = tuple(map(str.strip, table.columns[header.index("name")])) if "name" in header else None
    return Front(names, tuple(components), returns)


def _check_header(path: Path, header: list[str], components: list[str]) -> None:
    columns = ", ".join(header[:20])
    if twice := [name for i, name in enumerate(header) if name in header[:i]]:
        raise PolicyBudgetError(f"{path} has column {twice[0]!r} twice: {columns}")
    if not components or "" in components:
        raise PolicyBudgetError(f"{path} must have a named column per reward component, got columns {columns}")
    numbered = [name for name in components if name.isdigit()]
    if numbered and sorted(numbered) != sorted(map(str, range(len(components)))):
        raise PolicyBudgetError(
            f"{path} must number its reward components 0 to {len(components) - 1} or name them all, "
            f"got columns {columns}"
        )


def _numbers(table: Table, column: int) -> np.ndarray:
    cells = zip(table.lines, table.columns[column], strict=True)
    return np.array([_number(table.path, line, table.header[column], cell) for line, cell in cells])


def _number(path: Path, line: int, column: str, cell: str) -> float:
    try:
        value = float(cell)
    except ValueError:
        value = np.nan
    if not np.isfinite(value):
        raise PolicyBudgetError(f"{path}, line {line}, column {column}: expected a finite number, got {cell!r}")
    return value
