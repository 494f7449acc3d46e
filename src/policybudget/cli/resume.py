"""``policybudget resume``"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

from policybudget.cli import extend, interrupts, options
from policybudget.errors import RunFolderError
from policybudget.runs import files
from policybudget.runs.folder import locked
from policybudget.runs.manifest import check_format
from policybudget.studies.extension import PLAN
from policybudget.studies.study import NAME
from policybudget.training.configuration import Configuration


def run(arguments: Sequence[str]) -> None:
    """Go on where the last checkpoint stands; a finished run is left as it is.

    Args:
        arguments: of the command line, after the name of the command.
    """
    parser = options.Parser(
        "resume", "Go on with a training that was stopped, or with several; they end as they would have ended."
    )
    parser.add_argument("run", type=Path, metavar="RUN", help="run folder, or that of several budgets or seeds")
    parser.add_argument("--quiet", action="store_true", help="print nothing but errors")
    parsed = parser.parse_args(arguments)
    folder: Path = parsed.run
    if not folder.is_dir():
        raise RunFolderError(f"run folder not found: {folder}")
    if (folder / NAME).exists():
        _several(folder, parsed.quiet)
        return
    if (folder / PLAN).exists():
        extend.go_on(folder, parsed.quiet)
        return
    check_format(folder / "config.json", files.read_json(folder / "config.json"))
    if (folder / "manifest.json").exists():
        from policybudget.runs.result import load

        result = load(folder)
        if not parsed.quiet:
            print(f"{folder} is finished: welfare {result.welfare:.2f}; nothing to do")
        return
    configuration = Configuration.load(folder / "config.json")
    from policybudget import runtime
    from policybudget.cli import notes, show
    from policybudget.studies.run import train_in

    notes.differences(configuration)
    began_on = configuration.cores
    if began_on is not None and (now := runtime.use(began_on)) != began_on:
        print(
            f"policybudget: the run began on {began_on} cores and goes on with {now}; its last digits may differ",
            file=sys.stderr,
        )
    training, listening = configuration.training(), configuration.listening()
    with locked(folder), interrupts.unwinding(folder) as raised:
        finished = train_in(
            folder, training, resume=True, quiet=parsed.quiet, listeners=[*listening, raised], log=configuration.log
        )
        if not parsed.quiet:
            show.finished(finished)


def _several(folder: Path, quiet: bool) -> None:
    """What of several trainings is not trained yet."""
    from policybudget.cli import notes, show
    from policybudget.studies.run_units import run_study
    from policybudget.studies.study import Study

    study = Study.load(folder)
    for configuration in {unit.problem: unit.configuration for unit in study.units}.values():
        notes.differences(configuration)
    with locked(folder), interrupts.unwinding(folder):
        outcome = run_study(folder, study, quiet=quiet)
        if not quiet:
            show.study(folder, outcome)
