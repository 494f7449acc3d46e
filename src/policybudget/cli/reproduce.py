"""``policybudget reproduce``"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from policybudget.cli import interrupts
from policybudget.cli.options import parse
from policybudget.cli.study import Launch
from policybudget.settings import argument, option

DESCRIPTION = "A figure of Ivanov & Ben-Porat 2024: runs what is missing, draws it, and says what it says to the paper."


@dataclass(frozen=True)
class Options:
    """What the command is asked.

    Attributes:
        figure: which.
        out: folder.
        seeds: of each training.
        quick: a first look.
        launch: where.
    """

    figure: str = argument("figure-1 to figure-5, or review", "FIGURE")
    out: Path = option(..., "folder of the figure, new or to go on with", metavar="DIR")
    seeds: int | None = option(None, "so many seeds, from 0 on, instead of those of the plan", most=100_000)
    quick: bool = option(False, "a first look: fewer seeds and transitions, and no reproduction")
    launch: Launch = field(default_factory=Launch)


def run(arguments: Sequence[str]) -> None:
    """Run what is missing, and print what the bars say.

    Args:
        arguments: as typed.
    """
    options = parse("reproduce", DESCRIPTION, Options, arguments)
    from policybudget.cli import show
    from policybudget.studies import launcher, reproduce

    run = launcher.launcher(options.launch.launcher, options.launch.processes)
    with interrupts.unwinding(options.out):
        found = reproduce.reproduce(
            options.figure,
            options.out,
            quick=options.quick,
            seeds=options.seeds,
            launcher=run,
            quiet=options.launch.quiet,
        )
    if not options.launch.quiet:
        show.reproduced(options.out, found)
