"""What went wrong in a command or in a worker process, in one line."""

from __future__ import annotations

from policybudget.errors import PolicyBudgetError, one_line
from policybudget.from_file import culprit, line

TRAINS = ("equinox", "jax", "jaxtyping", "jinja2", "matplotlib", "optax", "rich", "scipy", "sklearn", "tensorboardX")
"""What the extra ``train`` brings."""


def explained(error: Exception) -> str | None:
    """An error in words.

    Args:
        error: that ended a command.

    Returns:
        What was expected, what came and what to do; None for an error of this package's own, which is shown whole.
    """
    if isinstance(error, PolicyBudgetError):
        return str(error)
    if isinstance(error, ModuleNotFoundError) and (error.name or "").partition(".")[0] in TRAINS:
        return f'this needs {error.name}, which only acting does without: pip install "policybudget[train]"'
    if (where := culprit(error)) is not None:
        return one_line(f"{line(error)} ({where}); correct the file")
    if isinstance(error, MemoryError) or "RESOURCE_EXHAUSTED" in str(error) or "Out of memory" in str(error):
        return "there is not enough memory for this; try fewer users, policies, copies, steps or hidden units"
    if isinstance(error, OSError):
        name = "" if error.filename is None else f" {error.filename}"
        return one_line(f"cannot use{name}: {(error.strerror or str(error)).lower()}")
    return None
