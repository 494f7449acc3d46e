"""Errors that a user can correct. Each message is one line: what was expected, what came, and what to do."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Iterator
from contextlib import contextmanager

LONGEST = 900
"""Characters of a message."""


class PolicyBudgetError(Exception):
    """Bad input: an option, a file, a world, a saved run. The command line prints it and exits with status 2.

    Args:
        message: what was expected, what came, and what to do; what it quotes may be anything.
    """

    def __init__(self, message: str) -> None:
        super().__init__(one_line(message))


class WorldError(PolicyBudgetError):
    """A world failed in a step: it raised an error, its process ended, or it returned NaN."""


class RunFolderError(PolicyBudgetError):
    """A run folder is missing, damaged, of another format, or cannot be written."""


def one_line(text: str) -> str:
    """A text as one line that any terminal can show.

    Args:
        text: may quote what came from elsewhere.

    Returns:
        At most ``LONGEST`` characters, the middle left out if there are more; what cannot be printed is escaped.
    """
    line = " ".join(text.split())
    if len(line) > LONGEST:
        line = f"{line[: 2 * LONGEST // 3]} ... {line[5 - LONGEST // 3 :]}"
    if line.isprintable():
        return line
    return one_line("".join(c if c.isprintable() else ascii(c)[1:-1] for c in line))


def check_seed(seed: int) -> None:
    """Refuse a seed that does not fit into 32 bits.

    Args:
        seed: an integer from 0 to 2^32 - 1.

    Raises:
        PolicyBudgetError: the seed is out of range.
    """
    if not 0 <= seed < 2**32:
        raise PolicyBudgetError(f"seed must be from 0 to 2^32 - 1, got {seed}")


MOST_AGENTS = 1_000_000


def check_agents(agents: int) -> None:
    """Refuse numbers of agents that make no sense, before anything is allocated for them.

    Args:
        agents: n.

    Raises:
        PolicyBudgetError: it is below 1 or above ``MOST_AGENTS``.
    """
    if agents < 1:
        raise PolicyBudgetError(f"agents must be at least 1, got {agents}")
    if agents > MOST_AGENTS:
        raise PolicyBudgetError(f"agents must be at most {MOST_AGENTS:,}, got {agents}")


def check_budget(budget: int, most: int, whose: str = "agents") -> None:
    """Refuse a budget that is below 1 or above the number of those who are to be served.

    Args:
        budget: k, the number of policies.
        most: the largest budget that makes sense, such as the number of agents n.
        whose: what ``most`` counts, in the plural, for the message.

    Raises:
        PolicyBudgetError: the budget is out of range.
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
        PolicyBudgetError: there is no such name; the message lists them, and says which one is near.
    """
    names = list(choices)
    if got not in names:
        raise not_one_of(what, got, names)
    return str(got)


def not_one_of(what: str, got: object, choices: Iterable[str]) -> PolicyBudgetError:
    """The error for a name that there is not.

    Args:
        what: is chosen, in a word.
        got: the name that was given.
        choices: the names that there are.

    Returns:
        The error, to be raised; it lists the names, and says which one is near.
    """
    names = list(choices)
    return PolicyBudgetError(f"{what} must be one of {', '.join(names)}, got {got!r}{did_you_mean(got, names)}")


def did_you_mean(got: object, names: Iterable[str]) -> str:
    """A hint for a name that was misspelt, to be put after it.

    Args:
        got: what was given.
        names: that there are.

    Returns:
        Such as `` (did you mean 'em'?)``; nothing if no name is near.
    """
    known, typed = {name.lower(): name for name in names}, str(got).lower()
    near = difflib.get_close_matches(typed, known, n=1, cutoff=0.7)
    near = near or [name for name in known if typed and name.startswith(typed)]
    return f" (did you mean {known[near[0]]!r}?)" if near else ""


@contextmanager
def extra(name: str, what: str) -> Iterator[None]:
    """Imports of a package that only an extra brings.

    Args:
        name: of the extra.
        what: needs it, in the plural.

    Raises:
        PolicyBudgetError: the package is not installed; the message has the command.
    """
    try:
        yield
    except ImportError as error:
        raise PolicyBudgetError(f'{what} need {error.name}: pip install "policybudget[{name}]"') from error
