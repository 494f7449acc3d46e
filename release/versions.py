"""The version, which stands in pyproject.toml and is repeated in CITATION.cff and at the head of CHANGELOG.md."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path


def version(root: Path) -> str:
    """The version of a tree.

    Raises:
        SystemExit: CITATION.cff or CHANGELOG.md say another one.
    """
    own = str(tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))["project"]["version"])
    for name, pattern in (("CITATION.cff", r"^version: (\S+)$"), ("CHANGELOG.md", r"^## (\S+)")):
        found = re.search(pattern, (root / name).read_text(encoding="utf-8"), re.MULTILINE)
        said = found[1] if found else "no version"
        if said != own:
            raise SystemExit(f"release: {name} says {said}, pyproject.toml {own}; make them agree")
    return own
