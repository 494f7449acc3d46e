"""Files that a training was given, copied into its run folder: tables of users and of tasks, the file of a world.

On disk, settings name the copies relative to the run folder; config.json and manifest.json record the SHA-256 digest of
each copy and where the original was. In memory, settings have whole paths. A folder can therefore be moved, and what
happens to the originals does not change a run.
"""

from __future__ import annotations

import contextlib
import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from policybudget.errors import RunFolderError
from policybudget.runs import files

FOLDER = "inputs"
PATHS = ("population", "tasks")
"""Settings that are paths; any other text, however deep, may name a Python file as ``python:FILE.py:NAME``."""
IN_PYTHON = re.compile(r"(python:)(.+\.py)((?::.*)?)", re.DOTALL)

Settings = dict[str, Any]
Records = dict[str, dict[str, str]]
"""By the name of a copy, relative to the run folder: ``sha256``, and ``from``, where the original was."""


def keep(folder: Path, settings: Mapping[str, Any]) -> tuple[Settings, Records]:
    """Copy the files that settings name into a run folder.

    Args:
        folder: the run folder. What its config.json has recorded is not copied again.
        settings: by name.

    Returns:
        The settings as they are saved, and what is recorded of the copies. A path without a file stays as it is.

    Raises:
        RunFolderError: a file cannot be read or copied.
    """
    known, found = _recorded(folder / "config.json"), Records()

    def copied(path: Path) -> str | None:
        if not path.is_file():
            return None
        name = _copied(folder, path.absolute(), known | found) or _copy(folder, path.absolute(), known, found)
        found.setdefault(name, known.get(name, {}))
        return name

    kept: Settings = _renamed(dict(settings), copied)
    return kept, found


def find(folder: Path, settings: Mapping[str, Any]) -> Settings:
    """Settings with whole paths.

    Args:
        folder: that relative paths are relative to.
        settings: as they were saved.

    Returns:
        The settings.
    """
    opened: Settings = _renamed(dict(settings), lambda path: str(folder.absolute() / path))
    return opened


def by_content(settings: Mapping[str, Any]) -> Settings:
    """Settings with the SHA-256 digest of each file in the place of its path: the same wherever the files are.

    Args:
        settings: with whole paths.

    Returns:
        The settings; a path without a file stays as it is.

    Raises:
        RunFolderError: a file cannot be read.
    """
    named: Settings = _renamed(dict(settings), lambda path: files.sha256_of(path) if path.is_file() else None)
    return named


def check(folder: Path, records: Any) -> None:
    """Refuse copies that are missing or were changed.

    Args:
        folder: the run folder.
        records: what its config.json has recorded of them.

    Raises:
        RunFolderError: a copy is missing, does not match its hash, or its record is damaged.
    """
    if not isinstance(records, dict):
        raise RunFolderError(f"{folder / 'config.json'} is damaged: inputs must be a record, got {records!r}")
    for name, record in records.items():
        path = folder / name
        if path.parent != folder / FOLDER or not isinstance(record, dict):
            raise RunFolderError(f"{folder / 'config.json'} is damaged: {name!r} is no copy in {FOLDER}/")
        if not path.is_file():
            raise RunFolderError(f"{path} is missing: the run was trained on it; copy the whole run folder")
        if files.sha256(files.read(path)) != record.get("sha256"):
            raise RunFolderError(f"{path} does not match its hash in config.json: it was changed or damaged")


def differences(settings: Mapping[str, Any]) -> list[str]:
    """The originals that are no longer what the copies are.

    Args:
        settings: with whole paths.

    Returns:
        A line for each original that is there and differs.
    """
    lines, paths = [], list[Path]()
    _renamed(dict(settings), paths.append)
    for path in paths:
        record = _record_of(path)
        if record is None or not (original := Path(record["from"])).is_file():
            continue
        with contextlib.suppress(RunFolderError):  # one that cannot be read is as good as none
            if files.sha256(files.read(original)) == record["sha256"]:
                continue
            lines.append(f"{original} differs from the run's own copy, which is used: {path}")
    return lines


def short(world: str) -> str:
    """The name of a world without the folder of its file: the same in all run folders.

    Args:
        world: the name, such as ``python:FOLDER/FILE.py:NAME``.

    Returns:
        The name, such as ``python:FILE.py:NAME``; any other name as it is.
    """
    return IN_PYTHON.sub(lambda match: match[1] + Path(match[2]).name + match[3], world)


def _renamed(value: Any, rename: Callable[[Path], str | None], key: str = "") -> Any:
    """Settings with other paths; where ``rename`` gives None, with the path as it is."""
    if isinstance(value, dict):
        return {name: _renamed(part, rename, name) for name, part in value.items()}
    if isinstance(value, list | tuple):
        return [_renamed(part, rename, key) for part in value]
    if not isinstance(value, str):
        return value
    if key in PATHS:
        return rename(Path(value)) or value
    if match := IN_PYTHON.fullmatch(value):
        return match[1] + (rename(Path(match[2])) or match[2]) + match[3]
    return value


def _copied(folder: Path, path: Path, known: Records) -> str | None:
    """The name of the copy of a file, if the folder has one."""
    if path.resolve().parent == (folder / FOLDER).resolve() and (name := f"{FOLDER}/{path.name}") in known:
        return name
    original = str(_original(path))
    return next((name for name, one in known.items() if one["from"] == original and (folder / name).is_file()), None)


def _copy(folder: Path, path: Path, known: Records, found: Records) -> str:
    """Copy a file and record it; if its name is taken, it gets a number."""
    name, number = f"{FOLDER}/{path.name}", 1
    while name in known or name in found:
        number += 1
        name = f"{FOLDER}/{path.stem}-{number}{path.suffix}"
    content = files.read(path)
    files.write(folder / name, content)
    found[name] = {"sha256": files.sha256(content), "from": str(_original(path))}
    return name


def _original(path: Path) -> Path:
    """Where a file was first: a copy of a copy names the original."""
    record = _record_of(path)
    return path if record is None else Path(record["from"])


def _record_of(path: Path) -> dict[str, str] | None:
    """What a run folder has recorded of its copy; None for a file that is no copy."""
    if path.parent.name != FOLDER:
        return None
    for record in ("config.json", "manifest.json"):
        if (found := _recorded(path.parent.parent / record).get(f"{FOLDER}/{path.name}")) is not None:
            return found
    return None


def _recorded(path: Path) -> Records:
    """What a file has recorded of copies; nothing if there is no such file."""
    records = files.read_json(path).get("inputs") if path.is_file() else None
    if not isinstance(records, dict):
        return {}
    return {name: one for name, one in records.items() if isinstance(one, dict) and {"from", "sha256"} <= set(one)}
