"""Files of a run folder: written beside and renamed, so no reader sees half a file and a full disk loses nothing."""

from __future__ import annotations

import hashlib
import json
import os
import tempfile
from pathlib import Path
from typing import Any

from policybudget.errors import RunFolderError


def write(path: Path, content: bytes | str) -> None:
    """Replace a file at once.

    Raises:
        RunFolderError: the disk is full, the folder is read-only, ...; what was there is still there.
    """
    data = content.encode() if isinstance(content, str) else content
    beside = None
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, beside = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
        with os.fdopen(handle, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        os.chmod(beside, 0o644)
        os.replace(beside, path)
    except OSError as error:
        if beside is not None:
            Path(beside).unlink(missing_ok=True)
        raise cannot_write(path, error) from error


def cannot_write(path: Path, error: OSError) -> RunFolderError:
    """The one line for a full disk or a read-only folder."""
    reason = (error.strerror or str(error)).lower()
    return RunFolderError(f"cannot write {path}: {reason}; make room or choose another folder, then resume the run")


def write_json(path: Path, value: Any) -> None:
    """Readable JSON with sorted layout left as given."""
    write(path, as_json(value))


def as_json(value: Any) -> bytes:
    """Readable JSON."""
    return (json.dumps(value, indent=2, allow_nan=False) + "\n").encode()


def read(path: Path) -> bytes:
    """The content of a file that must be there."""
    try:
        return path.read_bytes()
    except FileNotFoundError:
        raise RunFolderError(f"{path.parent} is not a finished run folder: {path.name} is missing") from None
    except OSError as error:
        raise RunFolderError(f"cannot read {path}: {(error.strerror or str(error)).lower()}") from error


def read_json(path: Path) -> dict[str, Any]:
    """A JSON object."""
    try:
        value = json.loads(read(path))
    except ValueError:
        raise RunFolderError(f"{path} is damaged: not a JSON file") from None
    if not isinstance(value, dict):
        raise RunFolderError(f"{path} is damaged: expected a JSON object, got {type(value).__name__}")
    return value


def sha256(data: bytes) -> str:
    """Hexadecimal digest."""
    return hashlib.sha256(data).hexdigest()


def new_folder(path: Path) -> Path:
    """A run folder that does not exist yet or is empty.

    Raises:
        RunFolderError: something is there already, or it cannot be made; nothing was written.
    """
    try:
        if path.exists() and (not path.is_dir() or any(path.iterdir())):
            raise RunFolderError(f"the output folder must be new or empty, got {path}; choose another --out")
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise cannot_write(path, error) from error
    if not os.access(path, os.W_OK):
        raise RunFolderError(f"cannot write {path}: permission denied; choose another --out")
    return path
