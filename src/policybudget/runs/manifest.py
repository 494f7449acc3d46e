"""The format of run folders, and what a manifest says of policies to readers without this package."""

from __future__ import annotations

import sys
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from policybudget.errors import RunFolderError

FORMAT = 3
LIBRARIES = ("policybudget", "jax", "jaxlib", "equinox", "optax", "numpy")


def check_format(path: Path, record: dict[str, Any]) -> None:
    """Refuse a record of a format that this version does not read.

    Args:
        path: the file of the record, for the message.
        record: the JSON object in the file.

    Raises:
        RunFolderError: the record has a newer or an older format, or none.
    """
    found = record.get("format")
    if not isinstance(found, int):
        raise RunFolderError(f"{path} is damaged: it names no format version")
    if found > FORMAT:
        raise RunFolderError(
            f"{path} has format {found}, newer than this version reads ({FORMAT}); upgrade policybudget"
        )
    if found < FORMAT:
        raise RunFolderError(
            f"{path} has format {found}, older than this version reads ({FORMAT}); train again, or use the version "
            "of policybudget that its manifest.json names"
        )


def libraries() -> dict[str, str]:
    """The versions of Python and of the libraries that decide numbers.

    Returns:
        Versions by name; of a library that is not installed, none.
    """
    found = {"python": sys.version.split()[0]}
    for name in LIBRARIES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found
