"""Where the units of a study are run: processes of this machine, or a Ray cluster.

A launcher only says who calls :func:`policybudget.studies.work.work`. It keeps nothing: what is finished is on disk.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Mapping, Sequence
from pathlib import Path
from typing import Protocol

from policybudget.errors import check_choice
from policybudget.studies.work import Ended

MOST_BEGINNINGS = 3
"""Of a unit whose processes are killed."""


class Launcher(Protocol):
    """Runs units side by side."""

    def __call__(self, folders: Sequence[Path]) -> Generator[Ended | None, None, None]:
        """Run units; closing the generator stops what runs.

        Args:
            folders: of the units, in the order in which they are begun.

        Yields:
            Each unit once, when it has ended; and several times a second None, for who draws what is going on.
        """


def _processes(count: int | None) -> Launcher:
    from policybudget.studies.processes import Processes

    return Processes(count)


def _ray(count: int | None) -> Launcher:
    from policybudget.studies.on_ray import OnRay

    return OnRay(count)


LAUNCHERS: Mapping[str, Callable[[int | None], Launcher]] = {"processes": _processes, "ray": _ray}


def launcher(name: str = "processes", count: int | None = None) -> Launcher:
    """A launcher.

    Args:
        name: processes or ray.
        count: units at a time; None for all that there is room for.

    Raises:
        PolicyBudgetError: there is no such launcher, or its package is not installed.
    """
    return LAUNCHERS[check_choice("launcher", name, LAUNCHERS)](count)
