"""A unit of a study: one training, known by what it is.

Its folder is ``units/<name>-<hash>/seed-<seed>``: the hash is of all settings but the seeds, so that trainings which
differ in their seed alone lie beside each other, and nothing else does. It is an ordinary run folder: begun once it has
a config.json, and finished once it has a manifest.json, which comes last and at once.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

from policybudget.errors import RunFolderError
from policybudget.runs import files, inputs, schemas
from policybudget.training.configuration import Configuration

FOLDER = "units"
"""Where in the folder of a study its units are."""
PROBLEM = ("world", "agents", "population", "population_seed", "welfare", "outside")
SEEDS = ("seed", "population_seed")
DIGITS = 10
"""Of a hash, in the name of a folder."""
MARK = "manifest.json"
"""A unit that has one is finished."""


@dataclass(frozen=True)
class Unit:
    """One training.

    Args:
        configuration: everything that decides it; it computes on one core.
        total: transitions, over all policies.
        label: what the study calls it; "" for nothing.
    """

    configuration: Configuration
    total: int
    label: str = ""

    @staticmethod
    def of(configuration: Configuration, label: str = "") -> Unit:
        """A unit, its training checked.

        Args:
            configuration: everything that decides it, but for the cores.
            label: what the study calls it.

        Raises:
            PolicyBudgetError: a setting is wrong for the world, or the method does not fit the problem.
        """
        return Unit(replace(configuration, cores=1), configuration.training().total, label)

    @cached_property
    def sha256(self) -> str:
        """The hash of all that decides the training, files by their content."""
        return _digest(self.configuration.record())

    @cached_property
    def group(self) -> str:
        """The hash of all that decides it but its seeds."""
        return _digest({name: value for name, value in self.configuration.record().items() if name not in SEEDS})

    @cached_property
    def problem(self) -> str:
        """The hash of what is trained for, but for the budget: the world, its users, and their welfare."""
        return _digest({name: value for name, value in self.configuration.record().items() if name in PROBLEM})

    @cached_property
    def place(self) -> Path:
        """Its run folder, below that of the study."""
        one = self.configuration
        what = f"{inputs.short(one.world)}-{one.rule.name}-{one.search.name}-{one.preset}-k{one.budget:02d}"
        drawn = f"-population-{one.population_seed}" if one.population_seed else ""
        name = re.sub(r"[^\w.-]+", "-", what)
        return Path(FOLDER) / f"{name}-{self.group[:DIGITS]}" / f"seed-{one.seed}{drawn}"

    def prepare(self, root: Path) -> Path:
        """Make its run folder, unless it is there.

        Args:
            root: folder of the study.

        Returns:
            The run folder; any process may train in it from now on.

        Raises:
            RunFolderError: something cannot be written, or the folder has another training.
        """
        folder = root / self.place
        if not (folder / "config.json").exists():
            self.configuration.save(folder)
        elif _recorded(folder) != self.sha256:
            raise RunFolderError(f"{folder} has another training than its name says; remove it, and it is begun again")
        return folder

    def outcome(self, root: Path) -> schemas.Outcome:
        """What it came to.

        Args:
            root: folder of the study.

        Raises:
            RunFolderError: it is not finished, or was changed or damaged since.
        """
        folder = root / self.place
        known = files.checked(folder / MARK, files.read_json(folder / MARK), schemas.Manifest).sha256
        content = files.read(folder / "result.json", files.LARGEST)
        if _recorded(folder) != self.sha256 or known.get("result.json") != files.sha256(content):
            raise RunFolderError(f"{folder} was changed or damaged; remove it, and it is trained again")
        return files.checked(folder / "result.json", files.parsed(folder, content), schemas.Outcome)


def finished(folder: Path) -> bool:
    """Whether a unit is finished.

    Args:
        folder: of its run.
    """
    return (folder / MARK).exists()


def _digest(record: Mapping[str, Any]) -> str:
    """Of settings with whole paths; 1 and 1.0 are the same."""
    numbers = json.loads(json.dumps(inputs.by_content(record)), parse_int=float)
    return files.sha256(json.dumps(numbers, sort_keys=True).encode())


def _recorded(folder: Path) -> str:
    """The hash of the training that a run folder has."""
    record = files.read_json(folder / "config.json")
    inputs.check(folder, record.pop("inputs", {}))
    return _digest(inputs.find(folder, record))
