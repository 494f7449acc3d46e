"""How options are declared: a dataclass field with its default and one line of help. Budgets as they are typed."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import MISSING, field
from typing import Any

from policybudget.errors import PolicyBudgetError

MOST_BUDGETS = 1000
"""Of one range."""


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


def budgets(text: str) -> tuple[int, ...]:
    """Budgets as they are typed: a number, numbers and ranges with commas between them.

    Args:
        text: such as ``3``, ``1-25`` or ``1-3,5,10``.

    Returns:
        The budgets, ascending, each once.

    Raises:
        PolicyBudgetError: the text is none of these, a range falls, or has more than ``MOST_BUDGETS``.
    """
    found = set[int]()
    for part in text.split(","):
        ends = re.fullmatch(r"(-?\d{1,9})(?:-(\d{1,9}))?", part.strip())
        if ends is None:
            raise PolicyBudgetError(f"budget must be a number such as 3, a range such as 1-5 or a list, got {text!r}")
        first, last = int(ends[1]), int(ends[2] or ends[1])
        if last < first:
            raise PolicyBudgetError(f"a range of budgets must begin with the smaller number, got {text!r}")
        if last - first >= MOST_BUDGETS:
            raise PolicyBudgetError(f"a range of budgets has at most {MOST_BUDGETS}, got {last - first + 1}")
        found.update(range(first, last + 1))
    return tuple(sorted(found))
