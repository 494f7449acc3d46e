"""The trainings of a study side by side: a process and a core each; and what they came to.

Every child is an ordinary ``policybudget train``, so that its folder resumes and evaluates like any other, and ends as
the same command on one core would have ended.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from pkgutil import resolve_name
from typing import Any

import numpy as np

from policybudget.assessment.statistics import mean_ci95
from policybudget.exact import optima
from policybudget.runs import files
from policybudget.studies.bars import Bars
from policybudget.studies.processes import Job, run_all
from policybudget.studies.study import Run, Study
from policybudget.training.configuration import Configuration
from policybudget.welfare import Utilitarian, parse
from policybudget.worlds import registry


@dataclass(frozen=True)
class Row:
    """What the trainings with one budget came to.

    Attributes:
        budget: k.
        welfare: of each seed.
        summary: mean and 95 % interval over seeds.
        optimum: the best that the budget can do, as far as that is known.
    """

    budget: int
    welfare: tuple[float, ...]
    summary: dict[str, Any]
    optimum: float | None


@dataclass(frozen=True)
class Outcome:
    """What a study came to.

    Attributes:
        study: the trainings.
        rows: one per budget.
        reference: what ``optimum`` in the rows is, in a word.
    """

    study: Study
    rows: tuple[Row, ...]
    reference: str = "optimum"


def train_study(folder: Path, study: Study, quiet: bool = False) -> Outcome:
    """Train what is not trained yet, and write summary.json.

    Args:
        folder: of all trainings; it has the files of ``study.save``.
        study: the trainings.
        quiet: whether nothing is shown in the terminal.

    Raises:
        PolicyBudgetError: a training failed; the others were stopped and can be resumed.
    """
    runs = study.runs(folder)
    waiting = [run for run in runs if not (run.folder / "manifest.json").exists()]
    with Bars(waiting, quiet) as bars:
        run_all([_job(folder, run) for run in waiting], study.configuration.cores, bars.update, bars.finish)
    results = {(run.budget, run.seed): files.read_json(run.folder / "result.json") for run in runs}
    best = known_optima(study.configuration, study.budgets) if len(study.budgets) > 1 else None
    known = [None] * len(study.budgets) if best is None else best.welfare
    rows = []
    for budget, optimum in zip(study.budgets, known, strict=True):
        welfare = tuple(float(results[budget, seed]["welfare"]) for seed in study.seeds)
        rows.append(Row(budget, welfare, mean_ci95(np.array(welfare)), optimum))
    outcome = Outcome(study, tuple(rows), "optimum" if best is None else best.word)
    _summarise(folder, outcome, results)
    return outcome


def _job(folder: Path, run: Run) -> Job:
    """Train, or go on with a training."""

    def arguments() -> tuple[str, ...]:
        if (run.folder / "config.json").exists():
            return ("resume", str(run.folder), "--quiet")
        where = ("--config", str(folder / "config.json"), "--out", str(run.folder), "--quiet")
        return ("train", *where, "--budget", str(run.budget), "--seed", str(run.seed))

    return Job(run.name, arguments)


def known_optima(configuration: Configuration, budgets: Sequence[int]) -> optima.Optima | None:
    """The best that budgets can do, if that is known for the world and what the budget is spent for.

    Args:
        configuration: with the world, the users and the welfare function.
        budgets: each k.

    Returns:
        The optima, or bounds on them; None where they are not known: for users of a file, or with options outside.
    """
    reference = registry.entry(configuration.world).optimum
    others = configuration.population is not None or configuration.outside is not None
    if reference is None or others or parse(configuration.welfare) != Utilitarian():
        return None
    given = {name: getattr(configuration, name, None) for name in optima.options_of(resolve_name(reference))}
    options = {name: value for name, value in given.items() if value is not None}
    return optima.optimum(configuration.world, budgets, **options)


def _summarise(folder: Path, outcome: Outcome, results: dict[tuple[int, int], dict[str, Any]]) -> None:
    """Write summary.json: of the seeds of a budget beside their folders, and of all budgets."""
    study, records = outcome.study, []
    common = {
        "seeds": study.seeds,
        "population_seed": study.configuration.population_seed,
        "search": study.configuration.search.title,
    }
    for row in outcome.rows:
        of_seeds = [{"seed": seed, **results[row.budget, seed]} for seed in study.seeds]
        records.append({"budget": row.budget, **common, "welfare": row.summary, "runs": of_seeds})
    if len(study.budgets) == 1:
        files.write_json(folder / "summary.json", records[0])
        return
    if len(study.seeds) > 1:
        for run, record in zip(study.runs(folder)[:: len(study.seeds)], records, strict=True):
            files.write_json(run.folder.parent / "summary.json", record)
    rows = [
        {"budget": row.budget, "welfare": row.summary, outcome.reference: row.optimum, "runs": record["runs"]}
        for row, record in zip(outcome.rows, records, strict=True)
    ]
    files.write_json(folder / "summary.json", common | {"budgets": rows})
