"""The 50 tasks of Meta-World v3, the sets of them that have names, and the world of a set: ``metaworld:TASKS``.

``train30`` and ``test20`` are the split of Ge et al. 2025 (PACMAN), as we read a table of their talk: the first six of
its ten columns are for training, the last four for testing. The table has door-unlock twice and no door-close; the one
among the tasks for training is taken to be door-close.
"""

from __future__ import annotations

import csv
from functools import cache
from importlib.resources import files
from typing import NamedTuple

from policybudget.errors import PolicyBudgetError, did_you_mean

METAWORLD = "metaworld:"
"""What the name of a world begins with; the name of a set follows, or names of tasks with commas between them."""
VERSION = "-v3"
MT10 = (
    "reach",
    "push",
    "pick-place",
    "door-open",
    "drawer-open",
    "drawer-close",
    "button-press-topdown",
    "peg-insert-side",
    "window-open",
    "window-close",
)
"""Ten tasks of the benchmark of that name."""


class Task(NamedTuple):
    """A row of tasks.csv.

    Attributes:
        name: without the version.
        split: ``train`` or ``test``.
        description: what is to be done, in words.
    """

    name: str
    split: str
    description: str


@cache
def tasks() -> dict[str, Task]:
    """All 50 tasks by name, in alphabetical order."""
    text = (files("policybudget.worlds.metaworld") / "tasks.csv").read_text(encoding="utf-8")
    return {row["name"]: Task(**row) for row in csv.DictReader(text.splitlines())}


@cache
def task_sets() -> dict[str, tuple[str, ...]]:
    """The sets of tasks that have names."""
    known = tasks()
    return {
        "train30": tuple(name for name, task in known.items() if task.split == "train"),
        "test20": tuple(name for name, task in known.items() if task.split == "test"),
        "MT10": MT10,
        "MT50": tuple(known),
    }


def tasks_in(name: str) -> tuple[str, ...]:
    """The tasks of a world.

    Args:
        name: ``metaworld:`` and the name of a set (train30, test20, MT10, MT50), or names of tasks with commas between
            them, with or without ``-v3``.

    Returns:
        Their names, without the version, in the order of the set.

    Raises:
        PolicyBudgetError: there is no such task, or one is named twice.
    """
    listed, sets = name.removeprefix(METAWORLD), task_sets()
    if listed in sets:
        return sets[listed]
    chosen = tuple(known_task(one) for one in listed.split(","))
    if twice := [one for i, one in enumerate(chosen) if one in chosen[:i]]:
        raise PolicyBudgetError(f"--world {name} names {twice[0]} twice; leave one out")
    return chosen


def known_task(name: str) -> str:
    """The name of a task as it is written here.

    Args:
        name: with or without ``-v3``.

    Returns:
        Without it.

    Raises:
        PolicyBudgetError: there is no such task.
    """
    short, known = name.strip().removesuffix(VERSION), tasks()
    if short not in known:
        hint = did_you_mean(short, (*known, *task_sets())) or f"; they are {', '.join(known)}"
        raise PolicyBudgetError(
            f"--world {METAWORLD}TASKS needs {', '.join(task_sets())}, or tasks of Meta-World with commas between "
            f"them, got {short!r}{hint}"
        )
    return short
