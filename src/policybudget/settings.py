"""How options are declared: a dataclass field with its default and one line of help."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import MISSING, field
from typing import Any


def option(
    default: Any,
    help: str,
    *,
    metavar: str | tuple[str, ...] | None = None,
    group: str | None = None,
    read: Callable[[str], Any] | None = None,
) -> Any:
    """A dataclass field that the command line shows as an option with this line of help.

    Args:
        default: value of the field; ``...`` if the option must be given.
        help: one line.
        metavar: what stands for the value in the help; by its type if None.
        group: heading under which the help lists the option; that of all options if None.
        read: from the text of the value to the value; by its type if None.
    """
    metadata = {"help": help, "metavar": metavar, "group": group, "read": read}
    return field(default=MISSING if default is ... else default, kw_only=default is ..., metadata=metadata)


def argument(help: str, metavar: str, default: Any = ...) -> Any:
    """A dataclass field that the command line takes without a flag.

    Args:
        help: one line.
        metavar: what stands for the value in the help.
        default: value of the field if it is left out; ``...`` if it must be given.
    """
    metadata = {"help": help, "metavar": metavar, "positional": True}
    return field(default=MISSING if default is ... else default, metadata=metadata)
