"""The best that budgets of k policies can do in a world, computed without training.

::

    optimum("resource-gathering", range(1, 26)).welfare
    optimum("half-cheetah-velocity", [5], agents=100).record()

What is computed is said by the world's entry in the registry; each function has a file of its own beside this one.
"""

from __future__ import annotations

import abc
import inspect
from collections.abc import Callable, Iterable, Sequence
from pkgutil import resolve_name
from typing import Any

from policybudget.errors import PolicyBudgetError, check_budget, did_you_mean

Listener = Callable[[str], None]
"""Called after each budget, with a few words on what was found."""


def silent(text: str) -> None:
    """A listener that says nothing.

    Args:
        text: what was found.
    """


class Optima(abc.ABC):
    """The best choice for each of some budgets."""

    @property
    @abc.abstractmethod
    def budgets(self) -> tuple[int, ...]:
        """The budgets k."""

    @property
    @abc.abstractmethod
    def welfare(self) -> tuple[float, ...]:
        """Per budget, the welfare of the best choice that was found, in units of return."""

    @property
    def bounds(self) -> tuple[float, ...]:
        """Per budget, a welfare above which nothing is possible; the welfare itself where it is proved best."""
        return self.welfare

    @property
    def word(self) -> str:
        """What the welfare is, in a word: the heading of a column."""
        return "optimum"

    @property
    def unit(self) -> str:
        """What the welfare is, for the axis of a figure."""
        return "optimal welfare (mean return)"

    @abc.abstractmethod
    def about(self) -> dict[str, Any]:
        """What was asked, as JSON values."""

    @abc.abstractmethod
    def entries(self) -> list[dict[str, Any]]:
        """Per budget, what was found, as JSON values."""

    @abc.abstractmethod
    def policies(self) -> list[dict[str, Any]]:
        """Of the first budget, a row per policy as a table shows it: texts and numbers by the headings of columns."""

    def remarks(self) -> list[str]:
        """Of the first budget, lines below that table."""
        return []

    def record(self) -> dict[str, Any]:
        """All of it as one JSON object; several budgets are a list in it."""
        entries = self.entries()
        return self.about() | (entries[0] if len(entries) == 1 else {"budgets": entries})


def optimum(world: str, budgets: Iterable[int], listener: Listener = silent, **options: Any) -> Optima:
    """The best that each of some budgets can do in a world.

    Args:
        world: name of a world whose entry in the registry says how its optimum is computed.
        budgets: each k, from 1 to the number of agents.
        listener: called after each budget.
        **options: of the world; :func:`options_of` names them.

    Returns:
        What was found, budget by budget.

    Raises:
        PolicyBudgetError: no optimum is known of the world, or an option or a budget does not fit.
    """
    compute = _function(world)
    check_options(f"the optimum of {world}", compute, options)
    found: Optima = compute(world, budgets, listener=listener, **options)
    return found


def worlds() -> tuple[str, ...]:
    """The worlds of which an optimum is known."""
    from policybudget.worlds import registry

    return tuple(name for name, entry in registry.WORLDS.items() if entry.optimum is not None)


def options_of(compute: Callable[..., Optima]) -> tuple[str, ...]:
    """The options that a function of this kind takes.

    Args:
        compute: its options are its keywords but the listener.

    Returns:
        Their names.
    """
    parameters = inspect.signature(compute).parameters.values()
    return tuple(each.name for each in parameters if each.kind is each.KEYWORD_ONLY and each.name != "listener")


def check_options(what: str, compute: Callable[..., Optima], given: Iterable[str]) -> None:
    """Refuse options that a function does not take.

    Args:
        what: what the function computes, in words.
        compute: the function.
        given: names of options.

    Raises:
        PolicyBudgetError: the function does not take one of them.
    """
    known = options_of(compute)
    for name in given:
        if name not in known:
            raise PolicyBudgetError(f"{what} takes {' and '.join(known)}, got {name}; leave it out")


def checked(budgets: Iterable[int], most: int, whose: str = "agents") -> tuple[int, ...]:
    """The budgets, if each is from 1 to the number of agents or policies.

    Args:
        budgets: each k. The last of a sequence is looked at first, so that a range that is far too long fails at once.
        most: the largest k.
        whose: what there are so many of, in words.

    Returns:
        The budgets.

    Raises:
        PolicyBudgetError: there is none, or one is out of range.
    """
    if isinstance(budgets, Sequence) and len(budgets):
        check_budget(budgets[-1], most, whose)
    budgets = tuple(budgets)
    if not budgets:
        raise PolicyBudgetError("budgets must be at least one number, got none")
    for budget in budgets:
        check_budget(budget, most, whose)
    return budgets


def rounded(value: float) -> float:
    """A number as it is written down: the last digits of a sum depend on the order of its terms.

    Args:
        value: any finite number.

    Returns:
        The number to nine decimal places.
    """
    return round(float(value), 9)


def _function(world: str) -> Callable[..., Optima]:
    from policybudget.worlds import registry

    reference = registry.entry(world).optimum
    if reference is None:
        hint = did_you_mean(world, worlds())
        raise PolicyBudgetError(
            f"world must be one of {', '.join(worlds())}, got {world!r}{hint}; for others give --front FILE"
        )
    found: Callable[..., Optima] = resolve_name(reference)
    return found
