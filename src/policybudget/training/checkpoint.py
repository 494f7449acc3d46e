"""Checkpoints: the training state as one safetensors file, replaced at once: every few seconds and after each phase."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import jax

from policybudget.errors import RunFolderError
from policybudget.runs import files, tensors
from policybudget.training.events import Event, Resume, Snapshot
from policybudget.training.state import TrainState

NAME = "checkpoint/state.safetensors"


class Checkpoints:
    """A listener that saves snapshots.

    Args:
        folder: the run folder.
        every: seconds between two of them; 0 for one after every iteration.

    Attributes:
        saved: transitions of the last one; None before the first.
    """

    def __init__(self, folder: Path, every: float = 5.0) -> None:
        self.path, self.every, self._last = folder / NAME, every, 0.0
        self.saved: int | None = None

    def __call__(self, event: Event) -> None:
        """Save if it is time to.

        Args:
            event: the iteration that has ended.
        """
        if event.iteration == event.iterations or event.iteration == 1 or event.seconds - self._last >= self.every:
            self._last = event.seconds
            save(self.path, event.snapshot)
            self.saved = event.transitions


def save(path: Path, snapshot: Snapshot) -> None:
    """Replace the checkpoint; on failure the old one stays.

    Args:
        path: of the file.
        snapshot: the phase, its state, and what the search remembers.

    Raises:
        RunFolderError: it cannot be written.
    """
    arrays = (jax.device_get(snapshot.state), snapshot.memory)
    content = tensors.dump(arrays, phase=str(snapshot.phase), seconds=repr(snapshot.seconds), best=repr(snapshot.best))
    files.write(path, content)


def reader(folder: Path) -> Resume:
    """For ``train(resume=...)``: the snapshot of a run folder, if it has one for the phase that is asked for.

    Args:
        folder: the run folder.
    """

    def resume(template: TrainState, phase: int, memory: Any) -> Snapshot | None:
        path = folder / NAME
        if not path.exists():
            return None
        metadata = tensors.metadata(path)
        if metadata.get("phase") != str(phase):
            return None
        of_any_shape = jax.tree.map(lambda _: tensors.ANY, memory)
        (state, remembered), metadata = tensors.load(path, (template, of_any_shape))
        try:
            return Snapshot(phase, state, float(metadata["seconds"]), remembered, float(metadata["best"]))
        except (KeyError, ValueError):
            raise RunFolderError(f"{path} is damaged: its metadata is incomplete") from None

    return resume
