"""The world of glucose by name: ``glucose``, or ``glucose:`` and options with commas between them."""

from __future__ import annotations

from policybudget.errors import PolicyBudgetError, did_you_mean
from policybudget.worlds.glucose.world import GlucoseWorld

GLUCOSE = "glucose"
OPTIONS: dict[str, dict[str, bool | int]] = {
    "meals=announced": {"announced": True},
    "meals=unannounced": {"announced": False},
    "minutes=3": {"minutes": 3},
    "minutes=5": {"minutes": 5},
    "weight": {"weight_seen": True},
}
"""What may follow the name, and the fields of the world that it sets."""


def glucose_world(name: str = GLUCOSE) -> GlucoseWorld:
    """The world of a name.

    Args:
        name: ``glucose``, or ``glucose:`` and some of ``OPTIONS``, such as ``glucose:minutes=3,meals=unannounced``.

    Returns:
        The world.

    Raises:
        PolicyBudgetError: there is no such option, or one is given twice.
    """
    fields: dict[str, bool | int] = {}
    for option in name.removeprefix(GLUCOSE).removeprefix(":").split(",") if name != GLUCOSE else ():
        if option not in OPTIONS:
            raise PolicyBudgetError(
                f"options of --world {GLUCOSE} are {', '.join(OPTIONS)}, got {option!r}{did_you_mean(option, OPTIONS)}"
            )
        if twice := fields.keys() & OPTIONS[option].keys():
            raise PolicyBudgetError(f"--world {name} says twice what {twice.pop()} should be; leave one out")
        fields |= OPTIONS[option]
    return GlucoseWorld(**fields)  # type: ignore[arg-type] # each option sets fields of their own types
