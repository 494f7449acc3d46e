"""How options are declared: a dataclass field with its default and one line of help. Budgets as they are typed."""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from dataclasses import MISSING, field, fields
from typing import Any

from policybudget.errors import PolicyBudgetError

MOST_BUDGETS = 1000
"""Of one range."""
MOST = {int: 1_000_000_000, float: 1e30}
"""Of a setting, by its type, either side of 0: numbers are kept with 32 bits."""
LONGEST = 1000
"""Characters of a text."""


def option(
    default: Any,
    help: str,
    *,
    metavar: str | tuple[str, ...] | None = None,
    group: str | None = None,
    read: Callable[[str], Any] | None = None,
    most: float | None = None,
) -> Any:
    """A dataclass field that the command line shows as an option with this line of help.

    Args:
        default: value of the field; ``...`` if the option must be given.
        help: one line.
        metavar: what stands for the value in the help; by its type if None.
        group: heading under which the help lists the option; that of all options if None.
        read: from the text of the value to the value; by its type if None.
        most: a number, or each of several, may not be larger; ``MOST`` of its type if None (:func:`check_options`).
    """
    metadata = {"help": help, "metavar": metavar, "group": group, "read": read, "most": most}
    return field(default=MISSING if default is ... else default, kw_only=default is ..., metadata=metadata)


def check_options(settings: Any) -> None:
    """Refuse numbers that no machine has and texts that are no names, before anything is done with them.

    Args:
        settings: a dataclass; its fields with a line of help are looked at.

    Raises:
        PolicyBudgetError: a number is too large or not finite, or a text is too long or has control characters.
    """
    for one in fields(settings):
        if "help" in one.metadata:
            value = getattr(settings, one.name)
            for part in value if isinstance(value, tuple) else (value,):
                _check(one.name, part, one.metadata.get("most"))


def _check(name: str, value: Any, most: float | None) -> None:
    if isinstance(value, str) and (len(value) > LONGEST or not value.isprintable()):
        raise PolicyBudgetError(f"{name} must be at most {LONGEST} printable characters, got {value[:40]!a}")
    if isinstance(value, bool) or not isinstance(value, int | float):
        return
    if isinstance(value, float) and not math.isfinite(value):
        raise PolicyBudgetError(f"{name} must be a finite number, got {value}")
    bound = most or (MOST[int] if isinstance(value, int) else MOST[float])
    if abs(value) > bound:
        shown = f"{bound:,}" if bound < 1e16 else f"{bound:g}"
        raise PolicyBudgetError(f"{name} must be at most {shown}, got {value if value < 1e30 else 'far more'}")


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
