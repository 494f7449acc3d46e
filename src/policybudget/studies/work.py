"""What every launcher runs: one unit of a study, in whatever process or machine sees its folder.

::

    lock its folder         nobody else works on it; the lock goes with the process, however that ends
    finished?               done
    go on                   from its checkpoint, or from the start
    manifest.json           comes last: from now on it is finished

It is called as often as anybody likes: what is finished is never run again, and what was killed goes on.
"""

from __future__ import annotations

import time
import traceback
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from policybudget.runs.folder import TakenError, locked
from policybudget.studies import journal
from policybudget.studies.failures import explained
from policybudget.studies.unit import finished


@dataclass(frozen=True)
class Ended:
    """What came of working on a unit.

    Attributes:
        folder: of the unit.
        status: whether it is finished, has failed, or is in another process's hands.
        message: why it failed, in one line.
    """

    folder: Path
    status: Literal["finished", "failed", "taken"]
    message: str = ""


def work(folder: Path) -> Ended:
    """Train a unit to its end, unless it is finished or another process works on it.

    Args:
        folder: of the unit; its config.json is there.

    Returns:
        What came of it; nothing but the end of the process is raised.
    """
    if finished(folder):
        return Ended(folder, "finished")
    try:
        with locked(folder):
            if finished(folder):  # meanwhile
                return Ended(folder, "finished")
            return _train(folder)
    except TakenError:
        return Ended(folder, "taken")
    except Exception as error:
        return Ended(folder, "failed", _in_words(error))


def _train(folder: Path) -> Ended:
    from policybudget.studies.run import train_in
    from policybudget.training.configuration import Configuration

    began = time.process_time()
    journal.write(folder, "begun")
    try:
        configuration = Configuration.load(folder / "config.json")
        training, listening = configuration.training(), configuration.listening()
        train_in(folder, training, resume=True, quiet=True, listeners=listening)
    except Exception as error:
        journal.write(folder, "failed", time.process_time() - began)
        return Ended(folder, "failed", _in_words(error))
    journal.write(folder, "finished", time.process_time() - began)
    return Ended(folder, "finished")


def _in_words(error: Exception) -> str:
    if (text := explained(error)) is None:
        traceback.print_exception(error)
        return f"{type(error).__name__}: {error}"
    return text
