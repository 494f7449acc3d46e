"""``policybudget cover``"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from policybudget.cli.options import parse
from policybudget.covers import CoverPlan, cover_tasks
from policybudget.errors import PolicyBudgetError
from policybudget.progress import progress
from policybudget.settings import argument, option

DESCRIPTION = """At most K prototypes such that as many tasks as possible are within a radius of one of them in every
parameter. TASKS is a file with a row per task and a column per parameter (optionally name), or a column description."""


@dataclass(frozen=True)
class Options:
    """What the command is asked.

    Attributes:
        plan: which covers.
        tasks: file of the tasks.
        out: gets the record.
        figure: gets the picture.
    """

    plan: CoverPlan
    tasks: Path = argument("a file of comma-separated values", "TASKS")
    out: Path | None = option(None, "a .json with prototypes, clusters, coverage, bound")
    figure: Path | None = option(None, "a .png: tasks and boxes, or coverage over the sweep")

    def __post_init__(self) -> None:
        for name, path, suffix in (("figure", self.figure, ".png"), ("out", self.out, ".json")):
            if path is not None and path.suffix != suffix:
                raise PolicyBudgetError(f"{name} must be a file that ends in {suffix}, got {path}")


def run(arguments: Sequence[str]) -> None:
    """Print a table; write JSON and draw where that is asked for.

    Args:
        arguments: as typed.
    """
    options = parse("cover", DESCRIPTION, Options, arguments)
    plan = options.plan
    tasks = plan.read(options.tasks)
    if tasks.descriptions is not None and plan.descriptions is None:
        print("note: the column description is not used (see --descriptions)", file=sys.stderr)
    if options.figure is not None:
        from policybudget.assessment import cover_figures

        cover_figures.check_drawable(plan, tasks)
    with progress(f"covering by {plan.method}", plan.count) as tick:
        report = cover_tasks(tasks, plan, tick)
    if options.out is not None:
        from policybudget.runs.files import write_json

        write_json(options.out, report.as_record(str(options.tasks)))
    if options.figure is not None:
        cover_figures.draw(report, options.figure)
    print(report.text())
