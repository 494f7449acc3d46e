"""Who is served in Meta-World: tasks as agents, who are paid for the package's reward, for success, or for both.

Agents are told apart by what their tasks are in words: embeddings.csv has principal components of an embedding of the
descriptions in tasks.csv (experiments/metaworld/embed.py makes it). Its axes are those of the tasks for training, and
held-out tasks are put on them.
"""

from __future__ import annotations

import csv
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any

import numpy as np

from policybudget.csv_table import finite, numbers, read_table
from policybudget.errors import PolicyBudgetError
from policybudget.population import Population
from policybudget.users import ABOUT_USERS, details_of, names_of
from policybudget.worlds.metaworld.copies import PERFECT
from policybudget.worlds.metaworld.names import known_task, tasks, tasks_in
from policybudget.worlds.metaworld.world import COMPONENTS

PAID = (1.0, 0.0)
"""How much agents want reward and success, if nobody says otherwise: learning needs the reward, which is dense."""
SUCCEED = (0.0, 1.0)
"""How much held-out agents do."""
COLUMNS = ("task", *COMPONENTS, *ABOUT_USERS)
"""Of a users.csv; the first is needed."""


@cache
def embeddings() -> dict[str, tuple[float, ...]]:
    """Of each task, where its description lies, in standard deviations of the tasks for training."""
    text = (files("policybudget.worlds.metaworld") / "embeddings.csv").read_text(encoding="utf-8")
    header, *rows = csv.reader(text.splitlines())
    return {row[0]: tuple(map(float, row[1:])) for row in rows if len(row) == len(header)}


def served(
    chosen: tuple[str, ...], wanted: np.ndarray | None = None, names: list[str] | None = None, **details: Any
) -> Population:
    """Tasks as a population.

    Args:
        chosen: n tasks, without the version.
        wanted: (n, 2) how much each wants reward and success; ``PAID`` if None.
        names: of the agents; the tasks' if None.
        **details: ``agent_weights`` and ``outside`` of :class:`Population`.

    Returns:
        The agents. Their ``dynamics`` say which of the 50 tasks each has.
    """
    weights = np.tile(PAID, (len(chosen), 1)) if wanted is None else wanted
    places, known = embeddings(), tuple(tasks())
    parameters = np.array([places[task] for task in chosen], np.float32)
    highest = PERFECT * float(np.maximum(weights, 0.0).sum(axis=1).max())
    return Population.from_weights(
        weights,
        list(chosen) if names is None else names,
        parameters=parameters,
        parameter_names=tuple(f"description, axis {axis}" for axis in range(1, parameters.shape[1] + 1)),
        return_scale=highest or None,
        highest_return=highest,
        dynamics=np.eye(len(known), dtype=np.float32)[[known.index(task) for task in chosen]],
        **details,
    )


def task_population(name: str, agents: int | None = None) -> Population:
    """The tasks of a world, an agent each, who are paid the package's reward.

    Args:
        name: of the world, ``metaworld:TASKS``.
        agents: must be their number, or None.

    Returns:
        The agents, in the order of the tasks.

    Raises:
        PolicyBudgetError: there is no such task, or another number of agents is asked for.
    """
    chosen = tasks_in(name)
    if agents not in (None, len(chosen)):
        raise PolicyBudgetError(f"{name} has an agent per task ({len(chosen)}), got --agents {agents}")
    return served(chosen)


def held_out_tasks(name: str, agents: int, population_seed: int) -> Population:
    """Tasks that a world does not have, an agent each.

    Args:
        name: of the world, ``metaworld:TASKS``.
        agents: n; all there are if it is more.
        population_seed: decides which, if not all.

    Returns:
        The agents, in alphabetical order, who are paid for success alone: it is what held-out tasks are judged by. They
        are among the 20 of the split of Ge et al. 2025, as long as the world does not have them all.

    Raises:
        PolicyBudgetError: the world has all tasks.
    """
    before = tasks_in(name)
    others = [task for task, about in tasks().items() if task not in before and about.split == "test"]
    others = others or [task for task in tasks() if task not in before]
    if not others:
        raise PolicyBudgetError(f"{name} has all 50 tasks: none is left to test on")
    order = np.random.default_rng([population_seed, 0x3E7A]).permutation(len(others))[:agents]
    return served(tuple(others[i] for i in sorted(order)), np.tile(SUCCEED, (len(order), 1)))


def read_agents(path: Path) -> Population:
    """Agents from a users.csv: column ``task``, if wanted ``reward``, ``success``, ``name``, ``weight``, ``outside``.

    Args:
        path: of the file, in UTF-8.

    Returns:
        The agents, one per row. Without columns ``reward`` and ``success`` they want ``PAID``; one alone is all that
        they want.

    Raises:
        PolicyBudgetError: the file is missing or wrong; the line says in which line and column.
    """
    table = read_table(path, "population", "user", "users")
    header = table.header
    if "task" not in header or len(set(header)) < len(header) or not set(header) <= set(COLUMNS):
        raise PolicyBudgetError(
            f"{path} must have a column task and may have {', '.join(COLUMNS[1:])}, each once; "
            f"its columns are {', '.join(header[:20])}"
        )
    chosen = list[str]()
    for cell, line in zip(table.columns[header.index("task")], table.lines, strict=True):
        try:
            chosen.append(known_task(cell))
        except PolicyBudgetError as error:
            raise PolicyBudgetError(f"{path}, line {line}, column task: {error}") from None
    wanted = None
    if set(COMPONENTS) & set(header):
        zeros = np.zeros(len(chosen))
        columns = [numbers(table, header.index(one), fits=finite) if one in header else zeros for one in COMPONENTS]
        wanted = np.stack(columns, axis=1)
    about = {name: i for i, name in enumerate(header) if name in ABOUT_USERS}
    names = names_of(table, about.get("name"))
    if names is None and len(set(chosen)) < len(chosen):
        names = [f"{task} #{i}" for i, task in enumerate(chosen)]
    return served(tuple(chosen), wanted, names, **details_of(table, about))


def agents_table(population: Population) -> str:
    """The CSV that :func:`read_agents` reads these agents from.

    Args:
        population: agents of Meta-World.

    Returns:
        The text, with columns ``name``, ``task``, ``reward`` and ``success``.
    """
    known, weights = tuple(tasks()), population.rewards.weights
    assert population.dynamics is not None and weights is not None
    rows = zip(population.names, population.dynamics.argmax(axis=1), np.asarray(weights).T.tolist(), strict=True)
    lines = [f"{who},{known[task]},{reward:g},{success:g}\n" for who, task, (reward, success) in rows]
    return "".join(["name,task,reward,success\n", *lines])
