"""Errors that a user can mend. Each message is one line: what was expected, what came, what to do."""

from __future__ import annotations

from collections.abc import Iterable


class PolicyBudgetError(Exception):
    """Bad input from outside: an option, a file, a world, an artifact. The command line exits with status 2."""


class WorldError(PolicyBudgetError):
    """A world misbehaved while it was stepped (it raised, died, or returned NaN)."""


class RunFolderError(PolicyBudgetError):
    """A run folder is missing, damaged, of another format, or cannot be written."""


def check_seed(seed: int) -> None:
    """Refuse a seed that is not one of 32 bits.

    Raises:
        PolicyBudgetError: it is out of range.
    """
    if not 0 <= seed < 2**32:
        raise PolicyBudgetError(f"seed must be from 0 to 2^32 - 1, got {seed}")


def check_budget(budget: int, most: int, whose: str = "agents") -> None:
    """Refuse a budget that is not from 1 to their number.

    Raises:
        PolicyBudgetError: it is out of range.
    """
    if not 1 <= budget <= most:
        raise PolicyBudgetError(f"budget must be between 1 and the number of {whose} ({most}), got {budget}")


def check_choice(what: str, got: object, choices: Iterable[str]) -> str:
    """One of some names.

    Args:
        what: is chosen, in a word.
        got: the name that was given.
        choices: the names that there are.

    Returns:
        The name.

    Raises:
        PolicyBudgetError: there is no such name; the message lists them.
    """
    names = list(choices)
    if got not in names:
        raise PolicyBudgetError(f"{what} must be one of {', '.join(names)}, got {got!r}")
    return str(got)
