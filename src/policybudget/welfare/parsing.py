"""Welfare functions by name, as the command line and configurations give them."""

from __future__ import annotations

from collections.abc import Callable

from policybudget.errors import not_one_of
from policybudget.welfare.egalitarian import Egalitarian
from policybudget.welfare.gini import Gini
from policybudget.welfare.interface import Welfare
from policybudget.welfare.power_mean import Nash, PMean
from policybudget.welfare.utilitarian import Utilitarian

NAMES = ("utilitarian", "egalitarian", "egalitarian:TAU", "nash", "p-mean:P", "gini")  # what parse reads


def parse(text: str) -> Welfare:
    """The welfare function of a name; ``str`` of the function gives the name back.

    Args:
        text: one of ``NAMES``, with a number in place of TAU (in units of return) or P, such as ``nash`` or
            ``p-mean:-2``.

    Returns:
        The welfare function.

    Raises:
        PolicyBudgetError: there is no such function, or its number is out of range.
    """
    name, colon, number = text.strip().partition(":")
    kinds: dict[str, Callable[..., Welfare]] = {
        kind.name: kind for kind in (Utilitarian, Egalitarian, Nash, PMean, Gini)
    }
    try:
        return kinds[name](float(number)) if colon else kinds[name]()
    except (KeyError, ValueError, TypeError):  # no such name, no such number, a number too many or too few
        raise not_one_of("welfare", text, NAMES) from None
