"""What a study came to: a line per unit, means over seeds, and apart from these what it took.

table.csv and summary.json are functions of the results alone: the same bits however often the study was stopped, and
wherever its units ran. costs.csv has what was measured.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from pkgutil import resolve_name
from typing import Any

import numpy as np

from policybudget.assessment.statistics import mean_ci95
from policybudget.exact import optima
from policybudget.runs import files
from policybudget.runs.csv_file import as_csv
from policybudget.studies import journal
from policybudget.studies.study import Study
from policybudget.studies.unit import SEEDS
from policybudget.training.configuration import Configuration
from policybudget.welfare import Utilitarian, parse
from policybudget.worlds import registry

TABLE, COSTS, SUMMARY = "table.csv", "costs.csv", "summary.json"
RESULTS = ("welfare", "mean", "worst", "unserved", "transitions")
"""Of result.json, in the table; the transitions are of all policies together."""


@dataclass(frozen=True)
class Row:
    """Units that differ in their seeds alone.

    Attributes:
        settings: what they have in common, by the columns of a table.
        seeds: of the trainings.
        welfare: of each.
        optimum: the best that the budget can do, as far as that is known: the mean over the units.
    """

    settings: Mapping[str, Any]
    seeds: tuple[int, ...]
    welfare: tuple[float, ...]
    optimum: float | None

    @cached_property
    def summary(self) -> dict[str, Any]:
        """Mean, and 95 % interval over seeds (Student's t)."""
        return mean_ci95(np.array(self.welfare))


@dataclass(frozen=True)
class Outcome:
    """What a study came to.

    Attributes:
        study: what was asked.
        rows: in the order of the units.
        reference: what ``optimum`` in the rows is, in a word.
    """

    study: Study
    rows: tuple[Row, ...]
    reference: str = "optimum"

    @cached_property
    def varied(self) -> tuple[str, ...]:
        """The columns in which rows differ."""
        return tuple(name for name in self.study.varied if name not in SEEDS)


def summarise(root: Path, study: Study) -> Outcome:
    """Read all units, and write table.csv, costs.csv and summary.json.

    Args:
        root: folder of the study; all units are finished.
        study: whose units they are.

    Raises:
        RunFolderError: a unit is not finished, was changed or damaged, or something cannot be written.
    """
    found = [unit.outcome(root) for unit in study.units]
    known, word = _optima(study)
    lines, groups = [], dict[tuple[str, str], list[int]]()
    for at, (unit, settings) in enumerate(zip(study.units, study.settings, strict=True)):
        results = [getattr(found[at], name) for name in RESULTS]
        lines.append([*settings.values(), *results, unit.sha256, unit.place])
        groups.setdefault((unit.label, unit.group), []).append(at)
    columns = [*study.settings[0], *RESULTS[:-1], "all_transitions", "sha256", "folder"]
    files.write(root / TABLE, as_csv([columns, *lines]))
    _write_costs(root, study)
    rows = []
    for members in groups.values():
        settings = {name: value for name, value in study.settings[members[0]].items() if name not in SEEDS}
        best = [value for at in members if (value := known.get(at)) is not None]
        optimum = float(np.mean(best)) if len(best) == len(members) else None
        seeds = tuple(study.units[at].configuration.seed for at in members)
        rows.append(Row(settings, seeds, tuple(float(found[at].welfare) for at in members), optimum))
    outcome = Outcome(study, tuple(rows), word)
    files.write_json(root / SUMMARY, record(outcome))
    return outcome


def record(outcome: Outcome) -> dict[str, Any]:
    """What a study came to, for JSON.

    Args:
        outcome: of the study.
    """
    rows = [
        {**row.settings, "seeds": row.seeds, "welfare": row.summary | {"each": row.welfare}, "optimum": row.optimum}
        for row in outcome.rows
    ]
    return {"title": outcome.study.title, "reference": outcome.reference, "rows": rows}


def _write_costs(root: Path, study: Study) -> None:
    lines = []
    for name, unit in zip(study.names, study.units, strict=True):
        told = journal.read(root / unit.place)
        wall = files.read_json(root / unit.place / "result.json").get("wall_seconds")
        lines.append([name, told.events.count("begun"), f"{told.cpu_seconds:.1f}", wall, unit.place])
    files.write(root / COSTS, as_csv([["unit", "begun", "cpu_seconds", "wall_seconds", "folder"], *lines]))


def _optima(study: Study) -> tuple[dict[int, float], str]:
    """Per unit the best that its budget can do, where that is known and budgets are compared; and what it is."""
    alike = dict[str, list[int]]()
    for at, unit in enumerate(study.units):
        alike.setdefault(unit.problem, []).append(at)
    found, word = dict[int, float](), "optimum"
    if len({unit.configuration.budget for unit in study.units}) == 1:
        return found, word
    for members in alike.values():
        budgets = sorted({study.units[at].configuration.budget for at in members})
        best = known_optima(study.units[members[0]].configuration, budgets)
        if best is not None:
            welfare, word = dict(zip(budgets, best.welfare, strict=True)), best.word
            found |= {at: float(welfare[study.units[at].configuration.budget]) for at in members}
    return found, word


def known_optima(configuration: Configuration, budgets: Sequence[int]) -> optima.Optima | None:
    """The best that budgets can do, if that is known for the world and what the budget is spent for.

    Args:
        configuration: with the world, the users and the welfare function.
        budgets: each k.

    Returns:
        The optima, or bounds on them; None where they are not known.
    """
    reference = registry.entry(configuration.world).optimum
    if reference is None or configuration.outside is not None or parse(configuration.welfare) != Utilitarian():
        return None
    takes = optima.options_of(resolve_name(reference))
    if configuration.population is not None and "population" not in takes:
        return None  # it is that of a draw
    given = {name: getattr(configuration, name, None) for name in takes}
    options = {name: value for name, value in given.items() if value is not None}
    return optima.optimum(configuration.world, budgets, **options)
