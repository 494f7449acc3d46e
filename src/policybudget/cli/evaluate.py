"""``policybudget evaluate``"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from policybudget.cli.options import parse
from policybudget.settings import argument, option

DESCRIPTION = "Play fresh episodes of every policy of a run: what every user gets, welfare, and the return matrix."


@dataclass(frozen=True)
class Options:
    """What the command is asked.

    Attributes:
        run: folder of the run, or of the runs of several seeds.
        episodes: of each policy.
        seed: of the episodes.
        beside: other methods, judged on the same users.
        quiet: print nothing but errors.
    """

    run: Path = argument("run folder, or a folder of runs (train --seeds)", "RUN")
    episodes: int = option(100, "episodes per policy")
    seed: int = option(1, "of the episodes")
    beside: tuple[str, ...] = option(
        (),
        "other methods on the same users: run folders, sb3:FILE, onnx:FILE, python:FILE.py:NAME; NAME= before it names "
        "it, commas join several policies of one method",
        metavar="METHOD",
    )
    quiet: bool = option(False, "print nothing but errors")


def run(arguments: Sequence[str]) -> None:
    """Write evaluation.json, evaluation.csv and returns.csv into the run folder.

    Args:
        arguments: as typed.
    """
    options = parse("evaluate", DESCRIPTION, Options, arguments)
    from policybudget.assessment.evaluate_run import evaluate_folder
    from policybudget.runtime import use_compilation_cache

    use_compilation_cache()
    found = evaluate_folder(options.run, options.episodes, options.seed, options.beside)
    if not options.quiet:
        print(found.text())
