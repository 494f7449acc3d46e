"""What the archives of a release hold, and what they should: what is committed, and nothing else."""

from __future__ import annotations

import subprocess
import tarfile
import zipfile
from pathlib import Path

LEFT_OUT = (".ci/",)
"""Of what is committed, what no archive needs."""
PACKAGE = "src/policybudget/"


def committed(root: Path) -> set[str]:
    """Files that are committed, relative to the root."""
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=root, capture_output=True, check=True, text=True).stdout
    return {name for name in listed.split("\0") if name}


def in_sdist(path: Path) -> set[str]:
    """Files of a source archive, relative to its one folder."""
    with tarfile.open(path) as archive:
        return {one.name.partition("/")[2] for one in archive.getmembers() if one.isfile()}


def in_wheel(path: Path) -> set[str]:
    """Files of a wheel."""
    with zipfile.ZipFile(path) as archive:
        return set(archive.namelist())


def wrong_in_sdist(found: set[str], tree: set[str]) -> list[str]:
    """What a source archive lacks or has too much of, a line each."""
    expected = {name for name in tree if not name.startswith(LEFT_OUT)} | {"PKG-INFO"}
    return _differences(found, expected)


def wrong_in_wheel(found: set[str], tree: set[str]) -> list[str]:
    """What a wheel lacks or has too much of beside what describes it, a line each."""
    about = {name for name in found if name.partition("/")[0].endswith(".dist-info")}
    expected = {name.removeprefix("src/") for name in tree if name.startswith(PACKAGE)}
    needed = [f"lacks {name}" for name in ("METADATA", "WHEEL", "RECORD", "entry_points.txt", "licenses/LICENSE")
              if not any(one.endswith(f".dist-info/{name}") for one in about)]  # fmt: skip
    return needed + _differences(found - about, expected)


def _differences(found: set[str], expected: set[str]) -> list[str]:
    lacking = [f"lacks {name}" for name in sorted(expected - found)]
    return lacking + [f"holds {name}" for name in sorted(found - expected)]
