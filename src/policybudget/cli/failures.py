"""What went wrong in a command, in one line."""

from __future__ import annotations

from policybudget.errors import PolicyBudgetError
from policybudget.from_file import culprit, line

LONGEST = 1000
"""Characters of the line."""


def explained(error: Exception) -> str | None:
    """An error in words.

    Args:
        error: that ended a command.

    Returns:
        What was expected, what came and what to do; None for an error of this package's own, which is shown whole.
    """
    if isinstance(error, PolicyBudgetError):
        return one_line(str(error))
    if (where := culprit(error)) is not None:
        return one_line(f"{line(error)} ({where}); correct the file")
    if isinstance(error, MemoryError) or "RESOURCE_EXHAUSTED" in str(error) or "Out of memory" in str(error):
        return "there is not enough memory for this; try fewer users, policies, copies, steps or hidden units"
    if isinstance(error, OSError):
        name = "" if error.filename is None else f" {error.filename}"
        return one_line(f"cannot use{name}: {(error.strerror or str(error)).lower()}")
    return None


def one_line(text: str) -> str:
    """A text as one line that a terminal can show.

    Args:
        text: with or without ends of lines.

    Returns:
        The line: at most ``LONGEST`` characters, the middle left out of what is longer; no control characters.
    """
    words = "".join(one if one.isprintable() else ascii(one)[1:-1] for one in " ".join(text.split()))
    half = (LONGEST - 5) // 2
    return words if len(words) <= LONGEST else f"{words[:half]} ... {words[-half:]}"
