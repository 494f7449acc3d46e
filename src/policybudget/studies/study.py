"""Several trainings that differ in budget and seed alone, as a value, and how their folder records them.

The folder of all of them has a config.json, which each of them starts from, and a study.json, which says what they are;
from these two a study goes on after it was stopped. A run folder for each of them lies below.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path

from policybudget.runs import files, schemas
from policybudget.runs.manifest import FORMAT, check_format
from policybudget.training.configuration import Configuration
from policybudget.training.train import Training

NAME = "study.json"
"""The file by which a folder of several trainings is known."""


@dataclass(frozen=True)
class Run:
    """One training of a study.

    Attributes:
        budget: k.
        seed: of the training.
        name: what distinguishes it from the others, in words; its folder has the same name.
        folder: its run folder.
        total: transitions, over all policies.
    """

    budget: int
    seed: int
    name: str
    folder: Path
    total: int


@dataclass(frozen=True)
class Study:
    """Trainings that differ in nothing but budget and seed, for the same population.

    Args:
        configuration: of the first of them; ``cores`` is how many train at a time.
        budgets: ascending.
        seeds: ascending.
        totals: per budget, transitions of a training, over all policies.
    """

    configuration: Configuration
    budgets: tuple[int, ...]
    seeds: tuple[int, ...]
    totals: tuple[int, ...]

    @staticmethod
    def of(configuration: Configuration, budgets: Iterable[int], seeds: Iterable[int]) -> Study:
        """A study, each of its trainings checked.

        Args:
            configuration: of all of them, but for budget and seed.
            budgets: ascending.
            seeds: ascending.

        Raises:
            PolicyBudgetError: a setting is wrong for the world, or the method does not fit the problem.
        """
        budgets, seeds = tuple(budgets), tuple(seeds)
        one = replace(configuration, budget=budgets[0]).training()
        problems = [replace(one.problem, budget=budget) for budget in budgets]
        totals = [Training(problem, one.method, one.transitions, one.seed).total for problem in problems]
        return Study(replace(configuration, budget=budgets[0], seed=seeds[0]), budgets, seeds, tuple(totals))

    @staticmethod
    def load(folder: Path) -> Study:
        """The study of a folder.

        Args:
            folder: of all trainings.

        Raises:
            PolicyBudgetError: a file is missing, damaged, of another format, or has settings out of range.
        """
        record = files.read_json(folder / NAME)
        check_format(folder / NAME, record)
        found = files.checked(folder / NAME, record, schemas.StudyRecord)
        configuration = Configuration.load(folder / "config.json")
        return Study.of(replace(configuration, cores=found.cores), found.budgets, found.seeds)

    def save(self, folder: Path) -> None:
        """Write config.json and study.json, the latter last.

        Args:
            folder: of all trainings.

        Raises:
            RunFolderError: something cannot be written.
        """
        replace(self.configuration, cores=1).save(folder)
        record = {"format": FORMAT, "budgets": self.budgets, "seeds": self.seeds, "cores": self.configuration.cores}
        files.write_json(folder / NAME, record)

    def runs(self, folder: Path) -> list[Run]:
        """All trainings, budget by budget.

        Args:
            folder: of all of them.
        """
        digits, found = len(str(self.budgets[-1])), []
        for budget, total in zip(self.budgets, self.totals, strict=True):
            for seed in self.seeds:
                words = [f"budget {budget:0{digits}d}"] * (len(self.budgets) > 1)
                words += [f"seed {seed}"] * (len(self.seeds) > 1 or not words)
                path = folder.joinpath(*(word.replace(" ", "-") for word in words))
                found.append(Run(budget, seed, " ".join(words), path, total))
        return found
