"""``policybudget study``"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from policybudget.cli import interrupts
from policybudget.cli.options import parse
from policybudget.errors import PolicyBudgetError
from policybudget.settings import argument, check_options, option

DESCRIPTION = "Many trainings as one plan: runs what is missing, gathers a table, draws it. The same command goes on."


@dataclass(frozen=True)
class Launch:
    """Where trainings are run.

    Attributes:
        launcher: by name.
        processes: at a time.
        quiet: print nothing but errors.
    """

    launcher: str = option("processes", "processes of this machine, or ray: a cluster that sees the same folder")
    processes: int | None = option(None, "trainings at a time, one per core if not given", most=100_000)
    quiet: bool = option(False, "print nothing but errors")

    def __post_init__(self) -> None:
        check_options(self)
        if self.processes is not None and self.processes < 1:
            raise PolicyBudgetError(f"processes must be at least 1, got {self.processes}")


@dataclass(frozen=True)
class Options:
    """What the command is asked.

    Attributes:
        plan: what is trained.
        out: folder of the study.
        seeds: of each training.
        quick: a first look.
        launch: where.
    """

    plan: Path = argument("options of train, and lists of which all combinations are trained (TOML)", "PLAN.toml")
    out: Path = option(..., "folder of the study, new or to go on with", metavar="DIR")
    seeds: int | None = option(None, "so many seeds, from 0 on, instead of those of the plan", most=100_000)
    quick: bool = option(False, "a first look: what the plan has under [quick] instead of the rest")
    launch: Launch = field(default_factory=Launch)


def run(arguments: Sequence[str]) -> None:
    """Run what is missing, and print the table.

    Args:
        arguments: as typed.
    """
    options = parse("study", DESCRIPTION, Options, arguments)
    from policybudget.cli import show
    from policybudget.studies import launcher, plan
    from policybudget.studies.run_units import run_study

    asked = plan.load(options.plan, options.quick, **({} if options.seeds is None else {"seeds": options.seeds}))
    run = launcher.launcher(options.launch.launcher, options.launch.processes)
    with interrupts.unwinding(options.out):
        asked.begin(options.out)
        found = run_study(options.out, asked, run, options.launch.quiet)
    if not options.launch.quiet:
        show.study(options.out, found)
