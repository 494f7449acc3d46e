"""``policybudget compare``"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from policybudget.cli.options import parse
from policybudget.settings import argument, check_options, option

DESCRIPTION = "Two runs for the same users: which policies changed, who moved, gained or lost."


@dataclass(frozen=True)
class Options:
    """What the command is asked.

    Attributes:
        before: folder of a run.
        after: folder of another run.
        episodes: of each policy.
        seed: of the episodes.
        out: folder for the files.
        quiet: print nothing but errors.
    """

    before: Path = argument("run folder", "BEFORE")
    after: Path = argument("run folder for the same users", "AFTER")
    episodes: int = option(100, "episodes per policy, the same for both runs", most=1_000_000)
    seed: int = option(1, "of the episodes")
    out: Path | None = option(None, "folder for comparison.json and .csv, AFTER if not given", metavar="DIR")
    quiet: bool = option(False, "print nothing but errors")

    def __post_init__(self) -> None:
        check_options(self)


def run(arguments: Sequence[str]) -> None:
    """Write comparison.json and comparison.csv, and print what changed.

    Args:
        arguments: as typed.
    """
    options = parse("compare", DESCRIPTION, Options, arguments)
    from policybudget.assessment.compare import FILES, compare_runs
    from policybudget.runtime import use_compilation_cache

    use_compilation_cache()
    found = compare_runs(options.before, options.after, options.episodes, options.seed, options.out)
    if not options.quiet:
        print(found.text())
        print(f"files  {', '.join(FILES)} in {options.out or options.after}")
