"""``policybudget assess``"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from policybudget.cli.options import parse
from policybudget.settings import argument, check_options, option

DESCRIPTION = "The evidence for each policy of a run, as one page for those who approve it, JSON and tables."


@dataclass(frozen=True)
class Options:
    """What the command is asked.

    Attributes:
        run: folder of the run.
        episodes: of each policy, in each set.
        seed: of the episodes.
        floor: the return that a user should have.
        groups: the column in which users differ.
        alone: folder of a run with a policy for each user.
        curve: folder of a budget curve.
        quiet: print nothing but errors.
    """

    run: Path = argument("run folder", "RUN")
    episodes: int = option(100, "episodes per policy, to choose by, and as many to judge by", most=1_000_000)
    seed: int = option(1, "of the episodes")
    floor: float | None = option(None, "return that a user should have; the options outside if not given")
    groups: str | None = option(
        None, "compare users by a column: of users.csv, a task parameter, or FILE.csv:COLUMN", metavar="COLUMN"
    )
    alone: Path | None = option(None, "run with a policy for each user, for the regret to one's own", metavar="RUN")
    curve: Path | None = option(None, "folder of policybudget curve, to show", metavar="DIR")
    quiet: bool = option(False, "print nothing but errors")

    def __post_init__(self) -> None:
        check_options(self)


def run(arguments: Sequence[str]) -> None:
    """Write assessment.json, two tables and assessment.html into the run folder.

    Args:
        arguments: as typed.
    """
    options = parse("assess", DESCRIPTION, Options, arguments)
    from policybudget.assessment.assess import assess_run
    from policybudget.runtime import use_compilation_cache

    use_compilation_cache()
    found = assess_run(
        options.run, options.episodes, options.seed, options.floor, options.groups, options.alone, options.curve
    )
    if not options.quiet:
        print(found.text())
