"""``policybudget choose``"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from policybudget.cli.options import parse
from policybudget.settings import argument, check_options, option

DESCRIPTION = "The best k of the policies of several runs, as a run, judged on fresh episodes."


@dataclass(frozen=True)
class Options:
    """What the command is asked.

    Attributes:
        runs: run folders, or folders of runs.
        budget: k.
        out: folder of the chosen policies.
        episodes: of each policy.
        seed: of the episodes.
        quiet: print nothing but errors.
    """

    runs: tuple[Path, ...] = argument("run folders, or folders of runs; the users are those of the first", "RUN")
    budget: int = option(..., "how many policies are chosen", metavar="K", most=100_000)
    out: Path = option(..., "a new folder for the chosen policies, as a run", metavar="DIR")
    episodes: int = option(100, "episodes per policy, to choose by, to assign by and to judge by", most=1_000_000)
    seed: int = option(0, "of the episodes", most=2**32)
    quiet: bool = option(False, "print nothing but errors")

    def __post_init__(self) -> None:
        check_options(self)


def run(arguments: Sequence[str]) -> None:
    """Choose, save, and print which policies those are.

    Args:
        arguments: as typed.
    """
    options = parse("choose", DESCRIPTION, Options, arguments)
    from policybudget.runtime import use_compilation_cache
    from policybudget.studies.choose import choose_policies, chosen_as_text

    use_compilation_cache()
    found = choose_policies(
        options.runs, options.out, budget=options.budget, episodes=options.episodes, seed=options.seed
    )
    if not options.quiet:
        print(chosen_as_text(found))
        print(f"folder {options.out}")
