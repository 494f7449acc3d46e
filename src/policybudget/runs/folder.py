"""Run folders: they are new or empty at the start, and one process at a time trains in them."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from policybudget.errors import RunFolderError
from policybudget.runs import files, inputs

FIRST = ("config.json", "study.json", "extension.json")
"""With one of these, a run can be resumed."""

BEFORE = (inputs.FOLDER, "units")
"""Folders that a start makes before these files."""


class TakenError(RunFolderError):
    """Another process works in a folder."""


def runs_in(folder: Path) -> list[Path]:
    """A run, or every run below a folder, such as ``train --seeds`` leaves.

    Args:
        folder: of the run, or of the runs.

    Returns:
        Folders that have a manifest, sorted, without those below another run; the folder itself if there are none.
    """
    found = {path.parent for path in folder.glob("**/manifest.json")}
    return sorted(run for run in found if found.isdisjoint(run.parents)) or [folder]


def new_folder(path: Path) -> Path:
    """Make a folder for a run, or take one that is empty.

    What a start that was killed has left, before there was anything to go on from, counts as nothing.

    Args:
        path: the folder.

    Returns:
        The path.

    Raises:
        RunFolderError: the folder is not empty, is a file, cannot be made, or cannot be written. Nothing was written.
    """
    try:
        if path.exists() and (not path.is_dir() or not all(map(_left, path.iterdir()))):
            raise RunFolderError(f"the output folder must be new or empty, got {path}; choose another --out")
        path.mkdir(parents=True, exist_ok=True)
        for left in path.glob(".*"):
            left.unlink()
    except OSError as error:
        raise files.cannot_write(path, error) from error
    if not os.access(path, os.W_OK):
        raise RunFolderError(f"cannot write {path}: permission denied; choose another --out")
    return path


def _left(path: Path) -> bool:
    """Whether a start that was killed may have left this: half of a first file, copies of what it was given,
    or units that no study lists.
    """
    return any(path.name.startswith(f".{name}.") for name in FIRST) or (path.name in BEFORE and path.is_dir())


@contextmanager
def locked(folder: Path, does: str = "trains in") -> Iterator[Path]:
    """Keep other processes from working in a folder; the lock goes when this process ends, however it ends.

    Args:
        folder: it exists.
        does: what the other process does with the folder, for the error.

    Yields:
        The folder.

    Raises:
        TakenError: another process works in it.
    """
    if sys.platform == "win32":  # no such locks on this system
        yield folder
        return
    import fcntl

    handle = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(handle)
        raise TakenError(f"another process {does} {folder}; wait until it has ended, or stop it") from None
    except OSError:  # a file system without locks
        pass
    try:
        yield folder
    finally:
        os.close(handle)
