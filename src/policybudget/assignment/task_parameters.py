"""Task parameters of agents from a table of their own: what a committee covers, in any world."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from policybudget.covers.descriptions import COMPONENTS, encoder, read_described
from policybudget.covers.tasks import read_tasks
from policybudget.errors import PolicyBudgetError
from policybudget.population import Population


def with_parameters(
    population: Population,
    parameters: object,
    columns: Sequence[str] | None = None,
    agents: Sequence[str] | None = None,
) -> Population:
    """The same agents and rewards, told apart by other numbers.

    Args:
        population: n agents.
        parameters: (n, p), a row per agent, such as embedded descriptions.
        columns: p names; ``parameter 0``, ``parameter 1``, ... if not given.
        agents: whose each row is, in any order; None if the rows are in the order of the population.

    Raises:
        PolicyBudgetError: the rows are not one of finite numbers for each agent.
    """
    table = np.asarray(parameters)
    if table.dtype.kind not in "iufb" or table.ndim != 2 or table.shape[0] != population.size or not table.size:
        raise PolicyBudgetError(
            f"tasks must be a row of numbers for each agent ({population.size}), "
            f"got shape {table.shape} of {table.dtype}"
        )
    if not np.isfinite(table).all():
        row = int(np.argwhere(~np.isfinite(table))[0, 0])
        raise PolicyBudgetError(f"tasks must be finite numbers, got others in row {row}")
    names = tuple(f"parameter {i}" for i in range(table.shape[1])) if columns is None else tuple(columns)
    if len(names) != table.shape[1]:
        raise PolicyBudgetError(f"columns must be {table.shape[1]} names, got {len(names)}")
    if agents is not None:
        table = table[_order(population.names, agents)]
    return replace(population, parameters=table.astype(np.float64), parameter_names=names)


def with_tasks(
    population: Population, path: Path, descriptions: str | None = None, components: int | None = None
) -> Population:
    """The same agents, described by a file: a row per agent in their order, or in any order with a column ``name``.

    Args:
        population: n agents.
        path: of a file of comma-separated values, in UTF-8.
        descriptions: the encoder of column ``description``, to cover what it says; None for the other columns.
        components: of the embedding to keep; two if not given.

    Raises:
        PolicyBudgetError: the file is missing or wrong, or does not describe these agents.
    """
    if descriptions is None:
        tasks = read_tasks(path, remedy="leave the column out")
    else:
        tasks = read_described(path, encoder(descriptions), COMPONENTS if components is None else components)
    try:
        return with_parameters(population, tasks.parameters, tasks.columns, tasks.names)
    except PolicyBudgetError as error:
        raise PolicyBudgetError(f"{path}: {error}") from None


def _order(names: Sequence[str], agents: Sequence[str]) -> list[int]:
    """The row of each agent."""
    row = {name: i for i, name in enumerate(agents)}
    if len(row) < len(agents):
        twice = next(name for i, name in enumerate(agents) if row[name] != i)
        raise PolicyBudgetError(f"tasks must be named as the agents are, each once, got {twice!r} twice")
    if missing := [name for name in names if name not in row]:
        raise PolicyBudgetError(f"tasks must be named as the agents are, got none for {missing[0]!r}")
    return [row[name] for name in names]
