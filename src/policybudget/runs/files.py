"""The files of a run folder.

A file is written under another name and then renamed. No reader sees half a file, and a full disk loses nothing.
"""

from __future__ import annotations

import hashlib
import json
import os
import stat
import tempfile
from pathlib import Path
from typing import Any, TypeVar

import msgspec

from policybudget.errors import RunFolderError

Kind = TypeVar("Kind")
LARGEST = 64 * 1024 * 1024
"""Bytes of a record. A million users with their names take half of it."""
DEEPEST = 50
"""Values within values of a record."""


def write(path: Path, content: bytes | str) -> None:
    """Write or replace a file in one step; missing folders are made.

    Args:
        path: the file.
        content: what it is to hold; text is written as UTF-8.

    Raises:
        RunFolderError: the file cannot be written (a full disk, a read-only folder, ...). An earlier file is unchanged.
    """
    data = content.encode() if isinstance(content, str) else content
    beside = None
    replaceable(path)
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
        raise cannot_write(path, error) from error
    finally:
        if beside is not None:
            Path(beside).unlink(missing_ok=True)


def replaceable(path: Path) -> None:
    """Refuse to put a file in the place of a folder, a pipe or a device, such as ``/dev/null``.

    Args:
        path: of the file.

    Raises:
        RunFolderError: something is there that is no regular file.
    """
    try:
        taken = path.exists() and not path.is_file()
    except OSError as error:
        raise cannot_write(path, error) from error
    if taken:
        raise RunFolderError(f"cannot write {path}: it is a folder or a device; give the name of a file")


def cannot_write(path: Path, error: OSError) -> RunFolderError:
    """The error for a file that cannot be written.

    Args:
        path: the file or folder.
        error: why it cannot be written, as the operating system reports it.

    Returns:
        The error, to be raised.
    """
    reason = (error.strerror or str(error)).lower()
    return RunFolderError(f"cannot write {path}: {reason}; make room or choose another folder, then resume the run")


def write_json(path: Path, value: Any) -> None:
    """Write or replace a JSON file in one step.

    Args:
        path: the file.
        value: what :func:`as_json` takes.

    Raises:
        RunFolderError: the file cannot be written. An earlier file is unchanged.
        ValueError: a number is not finite. An earlier file is unchanged.
    """
    write(path, as_json(value))


def as_json(value: Any) -> bytes:
    """A value as indented JSON; keys keep their order.

    Args:
        value: dictionaries, lists, texts, finite numbers, booleans and None.

    Returns:
        UTF-8, with a newline at the end.

    Raises:
        ValueError: a number is not finite.
    """
    return (json.dumps(value, indent=2, allow_nan=False) + "\n").encode()


def read(path: Path, most: int | None = None) -> bytes:
    """The content of a file of a finished run.

    Args:
        path: the file.
        most: bytes that it may have; None for any number.

    Returns:
        Its content.

    Raises:
        RunFolderError: the file is missing, cannot be read, is no regular file, or is too long.
    """
    try:
        size = size_of(path)
        if most is not None and size > most:
            raise RunFolderError(f"{path} is damaged: expected at most {most:,} bytes, got {size:,}")
        return path.read_bytes()
    except OSError as error:
        raise _cannot_read(path, error) from error


def size_of(path: Path) -> int:
    """The size of a regular file; links are followed.

    Args:
        path: the file.

    Returns:
        Its size in bytes.

    Raises:
        RunFolderError: the file is missing, or a folder, a pipe or a device, which may never end.
    """
    try:
        about = path.stat()
    except OSError as error:
        raise _cannot_read(path, error) from error
    if stat.S_ISDIR(about.st_mode):
        raise RunFolderError(f"cannot read {path}: is a directory")
    if not stat.S_ISREG(about.st_mode):
        raise RunFolderError(f"cannot read {path}: it is a device, not a file")
    return about.st_size


def _cannot_read(path: Path, error: OSError) -> RunFolderError:
    if isinstance(error, FileNotFoundError):
        return RunFolderError(f"{path.parent} is not a finished run folder: {path.name} is missing")
    return RunFolderError(f"cannot read {path}: {(error.strerror or str(error)).lower()}")


def read_json(path: Path) -> dict[str, Any]:
    """The JSON object in a file of a finished run.

    Args:
        path: the file.

    Returns:
        The object.

    Raises:
        RunFolderError: the file is missing, cannot be read, or does not hold a JSON object.
    """
    return parsed_object(path, read(path, LARGEST))


def parsed_object(path: Path, content: bytes) -> dict[str, Any]:
    """The object that some JSON stands for.

    Args:
        path: of the file that it is from, for the error.
        content: the JSON.

    Raises:
        RunFolderError: it is too long, too deep, no JSON, or no object.
    """
    value = parsed(path, content)
    if not isinstance(value, dict):
        raise RunFolderError(f"{path} is damaged: expected a JSON object, got {type(value).__name__}")
    return value


def parsed(path: Path, content: bytes) -> Any:
    """The value that some JSON stands for.

    Args:
        path: of the file that it is from, for the error.
        content: the JSON.

    Raises:
        RunFolderError: it is too long, too deep, or no JSON.
    """
    if len(content) > LARGEST:
        raise RunFolderError(f"{path} is damaged: expected at most {LARGEST:,} bytes, got {len(content):,}")
    try:
        value = msgspec.json.decode(content)
    except (msgspec.MsgspecError, RecursionError, UnicodeError) as error:
        raise RunFolderError(f"{path} is damaged: not a JSON file ({error})") from None
    level = [value]
    for _ in range(DEEPEST):
        inside = (one.values() if isinstance(one, dict) else one for one in level if isinstance(one, dict | list))
        level = [part for parts in inside for part in parts if isinstance(part, dict | list)]
        if not level:
            return value
    raise RunFolderError(f"{path} is damaged: expected at most {DEEPEST} values within values")


def checked(path: Path, value: Any, kind: type[Kind]) -> Kind:
    """A value of a record, as a schema has it.

    Args:
        path: of the record, for the error.
        value: as :func:`read_json` gave it, or a part of it.
        kind: the schema: a ``msgspec.Struct``, or any type with or without constraints.

    Returns:
        The value, converted.

    Raises:
        RunFolderError: the value does not fit; the message says what was expected, and where.
    """
    try:
        return msgspec.convert(value, kind)
    except (msgspec.MsgspecError, RecursionError) as error:
        raise RunFolderError(f"{path} is damaged: {str(error)[:1].lower()}{str(error)[1:]}") from None


def sha256(data: bytes) -> str:
    """The SHA-256 digest of some content.

    Args:
        data: the content.

    Returns:
        64 hexadecimal digits.
    """
    return hashlib.sha256(data).hexdigest()


def sha256_of(path: Path) -> str:
    """The SHA-256 digest of a file, read a part at a time.

    Args:
        path: the file.

    Returns:
        64 hexadecimal digits.

    Raises:
        RunFolderError: the file is missing, cannot be read, or is no regular file.
    """
    size_of(path)
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise _cannot_read(path, error) from error


def set_aside(path: Path) -> Path:
    """Give a damaged file another name, beside what will take its place.

    Args:
        path: of the file.

    Returns:
        Its new path.

    Raises:
        RunFolderError: it cannot be renamed.
    """
    number, aside = 1, path.with_name(f"{path.name}.damaged")
    while aside.exists():
        number += 1
        aside = path.with_name(f"{path.name}.damaged-{number}")
    try:
        return path.rename(aside)
    except OSError as error:
        raise cannot_write(path, error) from error
