"""How options are declared: a dataclass field with its default and one line of help."""

from __future__ import annotations

from dataclasses import field
from typing import Any


def option(default: Any, help: str) -> Any:
    """A dataclass field that the command line shows as an option with this line of help."""
    return field(default=default, metadata={"help": help})
