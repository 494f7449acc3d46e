"""``policybudget evaluate``"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from policybudget.cli.options import parse
from policybudget.settings import argument, option

DESCRIPTION = "Play fresh episodes of every policy of a run: welfare and return matrix."


@dataclass(frozen=True)
class Options:
    """What the command is asked.

    Attributes:
        run: folder of the run.
        episodes: of each policy.
        seed: of the episodes.
        quiet: print nothing but errors.
    """

    run: Path = argument("run folder", "RUN")
    episodes: int = option(100, "episodes per policy")
    seed: int = option(1, "of the episodes")
    quiet: bool = option(False, "print nothing but errors")


def run(arguments: Sequence[str]) -> None:
    """Write evaluation.json and returns.csv into the run folder.

    Args:
        arguments: as typed.
    """
    options = parse("evaluate", DESCRIPTION, Options, arguments)
    from policybudget.assessment.evaluate import evaluate_run
    from policybudget.runtime import use_compilation_cache

    use_compilation_cache()
    found = evaluate_run(options.run, options.episodes, options.seed)
    if not options.quiet:
        print(found.text())
