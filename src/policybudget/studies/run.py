"""One training in a run folder: everything that ``policybudget train`` and ``policybudget resume`` leave behind."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console

from policybudget import runtime
from policybudget.assessment import pictures
from policybudget.problem import RepresentedMDP
from policybudget.runs import files
from policybudget.runs.result import Result
from policybudget.training.checkpoint import Checkpoints, reader
from policybudget.training.events import Listener
from policybudget.training.listeners.kept import Kept
from policybudget.training.listeners.metrics import Metrics, TensorBoard
from policybudget.training.listeners.progress import LiveProgress
from policybudget.training.listeners.tracking import tracked
from policybudget.training.train import Training


@dataclass(frozen=True)
class Finished:
    """A finished run.

    Attributes:
        folder: where everything is.
        problem: that was trained for.
        result: of the training.
        figures: the files that were drawn.
    """

    folder: Path
    problem: RepresentedMDP
    result: Result
    figures: tuple[Path, ...]


def train_in(
    folder: Path, training: Training, resume: bool = False, quiet: bool = False, listeners: Iterable[Listener] = (),
    log: Iterable[str] = (),
) -> Finished:  # fmt: skip
    """Train in a run folder, and write metrics, checkpoints, policies, assignment, figures and the manifest.

    The manifest comes last: a run that has one is finished.

    Args:
        folder: it exists; its config.json was written before.
        training: what is trained.
        resume: whether to go on from the folder's checkpoint, if there is one.
        quiet: whether nothing is shown in the terminal.
        listeners: called after every iteration, after those of the folder.
        log: trackers that are told what metrics.csv says, too.

    Raises:
        RunFolderError: something cannot be written.
        WorldError: the world raised, or gave something that is not finite.
    """
    runtime.use_compilation_cache()
    try:
        saved, console = Checkpoints(folder), Console(stderr=True, quiet=quiet)
        with LiveProgress(console) as live, tracked(folder, log, saved) as trackers:
            own: list[Listener] = [Metrics(folder, training.most_policies), TensorBoard(folder)]
            own += [Kept(folder, training)] * training.method.search.writes_policies
            result = training.run([*own, saved, *trackers, live, *listeners], reader(folder) if resume else None)
            live.say("drawing")
            drawn = pictures.draw(folder, training.problem, result, training.seed)
            result.save(folder)
    except OSError as error:  # of a figure or of TensorBoard's events; all else names its file
        raise files.cannot_write(folder, error) from error
    return Finished(folder, training.problem, result, tuple(drawn))
