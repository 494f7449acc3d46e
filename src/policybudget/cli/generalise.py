"""``policybudget generalise``"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from policybudget.assessment.held_out_plan import TASKS, HeldOutPlan
from policybudget.cli.options import parse
from policybudget.errors import PolicyBudgetError
from policybudget.settings import argument, option

DESCRIPTION = "What the policies of a run are worth to tasks held out from its training."


@dataclass(frozen=True)
class Options:
    """What the command is asked.

    Attributes:
        plan: what is asked about which tasks.
        run: folder of the run.
        write_tasks: file for the drawn tasks; nothing else is done.
        quiet: print nothing but errors.
    """

    plan: HeldOutPlan
    run: Path = argument("run folder", "RUN")
    write_tasks: Path | None = option(None, "write the drawn tasks as a users.csv, and do no more", group=TASKS)
    quiet: bool = option(False, "print nothing but errors")

    def __post_init__(self) -> None:
        if self.write_tasks is not None and (self.plan.population or self.plan.reference):
            raise PolicyBudgetError("--write-tasks writes tasks that are drawn; leave --population and --reference out")


def run(arguments: Sequence[str]) -> None:
    """Write generalisation.json into the run folder, or drawn tasks into a file.

    Args:
        arguments: as typed.
    """
    options = parse("generalise", DESCRIPTION, Options, arguments)
    if options.write_tasks is not None:
        from policybudget.assessment.held_out import write_tasks
        from policybudget.runs.result import load

        name = str(load(options.run).world.get("name"))
        text = write_tasks(options.write_tasks, name, options.plan.tasks, options.plan.seed)
    else:
        from policybudget.assessment.generalise_run import generalise_run
        from policybudget.runtime import use_compilation_cache

        use_compilation_cache()
        text = generalise_run(options.run, options.plan).text()
    if not options.quiet:
        print(text)
