"""A study as a value: trainings that are independent of each other, and how its folder records them.

The folder has study.json, which lists the units, and their run folders below ``units``, each with a config.json before
any of them is begun. From these a study goes on after it was stopped. A study of other units may take its place: what
both have is kept, as the name of a unit's folder says what it is.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

from policybudget.errors import PolicyBudgetError, RunFolderError
from policybudget.runs import files, inputs, schemas
from policybudget.runs.folder import new_folder
from policybudget.runs.manifest import FORMAT, check_format
from policybudget.studies.unit import Unit
from policybudget.training.configuration import Configuration, settings_of

NAME = "study.json"
"""The file by which the folder of a study is known."""
FIXED = ("world", "preset", "algorithm", "search", "budget", "transitions", "seed", "population_seed")
"""Settings that every table has."""
NOT_SHOWN = ("cores", "name")


@dataclass(frozen=True)
class Study:
    """Trainings that do not depend on each other.

    Args:
        units: in the order in which they are begun; no two are the same training.
        title: what they are for.
        cores: how many train at a time; None for one per core.

    Raises:
        PolicyBudgetError: there are none, or too many.
    """

    units: tuple[Unit, ...]
    title: str = ""
    cores: int | None = None

    def __post_init__(self) -> None:
        if not 1 <= len(self.units) <= schemas.MOST_SEEDS:
            most = f"{schemas.MOST_SEEDS:,}"
            raise PolicyBudgetError(f"a study must have 1 to {most} trainings, got {len(self.units)}")

    @staticmethod
    def of(configuration: Configuration, budgets: Iterable[int], seeds: Iterable[int]) -> Study:
        """Trainings that differ in budget and seed alone, each checked.

        Args:
            configuration: of all of them, but for budget and seed; ``cores`` is how many train at a time.
            budgets: ascending.
            seeds: ascending.

        Raises:
            PolicyBudgetError: a setting is wrong for the world, or the method does not fit the problem.
        """
        seeds, units = tuple(seeds), list[Unit]()
        for budget in budgets if seeds else ():
            first = Unit.of(replace(configuration, budget=budget, seed=seeds[0]))
            units += [with_seed(first, seed) for seed in seeds]
        return Study(tuple(units), cores=configuration.cores)

    @staticmethod
    def load(folder: Path) -> Study:
        """The study of a folder.

        Args:
            folder: of the study.

        Raises:
            PolicyBudgetError: a file is missing, damaged, of another format, or has settings out of range.
        """
        record = files.read_json(folder / NAME)
        check_format(folder / NAME, record)
        found = files.checked(folder / NAME, record, schemas.StudyRecord)
        units = []
        for one in found.units:
            unit = Unit(Configuration.load(folder / one.folder / "config.json"), one.transitions, one.label)
            if unit.sha256 != one.sha256 or str(unit.place) != one.folder:
                raise RunFolderError(f"{folder / one.folder} does not fit {folder / NAME}: one of them was changed")
            units.append(unit)
        return Study(tuple(units), found.title, found.cores)

    def save(self, folder: Path) -> None:
        """Write the config.json of every unit, and then study.json.

        Args:
            folder: of the study.

        Raises:
            RunFolderError: something cannot be written.
        """
        for unit in self.units:
            unit.prepare(folder)
        units = [
            {"folder": str(unit.place), "label": unit.label, "transitions": unit.total, "sha256": unit.sha256}
            for unit in self.units
        ]
        about = {"format": FORMAT, "title": self.title, "cores": self.cores}
        files.write_json(folder / NAME, about | {"units": units})

    def begin(self, folder: Path) -> None:
        """Write its files into a folder that is new, empty, or of a study, which goes on as this one.

        Args:
            folder: of the study.

        Raises:
            RunFolderError: something else is in the folder, or it cannot be written.
        """
        if not (folder / NAME).exists():
            new_folder(folder)
        self.save(folder)

    @cached_property
    def settings(self) -> tuple[dict[str, Any], ...]:
        """Per unit what it is, by the columns of a table: label, ``FIXED``, and others where these do not suffice."""
        each = [_settings(unit) for unit in self.units]
        first = ["label"] if any(unit.label for unit in self.units) else []
        names = dict.fromkeys([*first, *FIXED, *(name for settings in each for name in settings if name != "label")])
        more = [name for name in telling(names, each) if name not in (*first, *FIXED)]
        columns = [*first, *FIXED[:4], *more, *FIXED[4:]]
        return tuple({name: settings.get(name) for name in columns} for settings in each)

    @cached_property
    def varied(self) -> tuple[str, ...]:
        """The columns that tell units apart; the seed if there is one unit alone."""
        return telling(self.settings[0], self.settings) or ("seed",)

    @cached_property
    def names(self) -> tuple[str, ...]:
        """Per unit what distinguishes it from the others, in words."""
        return tuple(
            " ".join(in_words(name, settings[name]) for name in self.varied if settings[name] is not None)
            for settings in self.settings
        )


def with_seed(unit: Unit, seed: int) -> Unit:
    """The same training with another seed.

    Args:
        unit: the training.
        seed: in the place of its own.
    """
    return Unit(replace(unit.configuration, seed=seed), unit.total, unit.label)


def telling(names: Iterable[str], each: Sequence[Mapping[str, Any]]) -> tuple[str, ...]:
    """The names that tell settings apart: those that say something which the names before do not.

    Args:
        names: of settings, the most telling first.
        each: settings.
    """
    kept, alike = list[str](), [""] * len(each)
    for name in names:
        finer = [f"{before}|{settings.get(name)}" for before, settings in zip(alike, each, strict=True)]
        if len(set(finer)) > len(set(alike)):
            kept.append(name)
            alike = finer
    return tuple(kept)


def in_words(name: str, value: Any) -> str:
    """A setting and its value, as short as can be understood.

    Args:
        name: of the setting.
        value: of it.
    """
    return value if isinstance(value, str) else f"{name.replace('_', ' ')} {value}"


def _settings(unit: Unit) -> dict[str, Any]:
    """All options of a training, as a table has them."""
    one = unit.configuration
    parts: Sequence[Any] = (one.rule, one.search, one.learner)
    found = {name: value for part in parts for name, value in settings_of(part).items()} | settings_of(one)
    found |= {"label": unit.label, "algorithm": one.rule.name, "search": one.search.name}
    found |= {"world": inputs.short(one.world)}
    return {name: _cell(value) for name, value in found.items() if name not in NOT_SHOWN}


def _cell(value: Any) -> Any:
    return " ".join(map(str, value)) if isinstance(value, list | tuple) else value
