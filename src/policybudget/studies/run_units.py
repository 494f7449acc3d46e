"""All units of a study, by whatever launcher: what is finished is left as it is, what is missing is run.

::

    Processes or Ray  ──  each:  work(folder of a unit)  ──►  the unit's own folder
          │
    this process:  shows where units stand;  at the end reads all folders and writes what they came to

Nothing that matters is in this process: killed at any time, the same call goes on where it was.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import closing
from pathlib import Path

from policybudget.errors import PolicyBudgetError
from policybudget.studies import figure
from policybudget.studies.launcher import Launcher
from policybudget.studies.live import Standing
from policybudget.studies.processes import Processes
from policybudget.studies.study import Study
from policybudget.studies.summary import Outcome, summarise
from policybudget.studies.unit import finished
from policybudget.studies.work import Ended


def run_study(root: Path, study: Study, launcher: Launcher | None = None, quiet: bool = False) -> Outcome:
    """Run what is missing, and write table.csv, costs.csv, summary.json and figure.png.

    Args:
        root: folder of the study; it has the files of ``study.save``.
        study: what is wanted.
        launcher: where units are run; processes of this machine if None.
        quiet: whether nothing is shown in the terminal.

    Returns:
        What all units came to.

    Raises:
        PolicyBudgetError: a unit failed; all others were finished, and the same call tries it again.
        RunFolderError: a finished unit was changed or damaged, or something cannot be written.
    """
    run_units(root, study, launcher, quiet)
    outcome = summarise(root, study)
    figure.save(outcome, root)
    return outcome


def run_units(
    root: Path,
    study: Study,
    launcher: Launcher | None = None,
    quiet: bool = False,
    heard: Callable[[Ended], None] = lambda ended: None,
) -> None:
    """Run what is missing.

    Args:
        root: folder of the study; it has the files of ``study.save``.
        study: what is wanted.
        launcher: where units are run; processes of this machine if None.
        quiet: whether nothing is shown in the terminal.
        heard: called when a unit has ended.

    Raises:
        PolicyBudgetError: a unit failed; all others were finished, and the same call tries it again.
    """
    launcher = launcher or Processes(study.cores)
    folders = dict.fromkeys(root / unit.place for unit in study.units)
    missing, failed = [folder for folder in folders if not finished(folder)], list[Ended]()
    if not missing:
        return
    with Standing(root, study, quiet) as standing, closing(launcher(missing)) as events:
        for ended in events:
            standing.look()
            if ended is None:
                continue
            standing.hear(ended)
            heard(ended)
            failed += [ended] * (ended.status == "failed")
    if failed:
        name = dict(zip([root / unit.place for unit in study.units], study.names, strict=True))[failed[0].folder]
        more = f" (and {len(failed) - 1} others failed)" if len(failed) > 1 else ""
        raise PolicyBudgetError(f"{name} failed: {failed[0].message}{more}")
