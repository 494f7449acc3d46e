"""The world of Resource Gathering by name: ``resource-gathering``, or that, a colon and options with commas between."""

from __future__ import annotations

from policybudget.errors import PolicyBudgetError, did_you_mean
from policybudget.worlds.grid.resource_gathering import ResourceGathering

RESOURCES = "resource-gathering"
OPTIONS = ("slip", "side")
MOST_SLIP, LEAST_SIDE, MOST_SIDE = 0.9, 2, 5


def resource_world(name: str = RESOURCES) -> ResourceGathering:
    """The world of a name.

    Args:
        name: ``resource-gathering``, or with ``slip=P`` (a step goes anywhere with this probability) and ``side=N``
            (tiles along a side, home in the middle of the lowest row): ``resource-gathering:slip=0.1,side=3``.

    Returns:
        The world.

    Raises:
        PolicyBudgetError: there is no such option, its value is out of range, or it is given twice.
    """
    given: dict[str, float] = {}
    for text in name.removeprefix(RESOURCES).removeprefix(":").split(",") if name != RESOURCES else ():
        option, _, value = text.partition("=")
        if option not in OPTIONS:
            raise PolicyBudgetError(
                f"options of --world {RESOURCES} are {', '.join(f'{one}=NUMBER' for one in OPTIONS)}, got {text!r}"
                f"{did_you_mean(option, OPTIONS)}"
            )
        if option in given:
            raise PolicyBudgetError(f"--world {name} says twice what {option} should be; leave one out")
        given[option] = _number(option, value)
    slip, side = given.get("slip", 0.0), given.get("side", 5.0)
    if not 0 <= slip <= MOST_SLIP:
        raise PolicyBudgetError(f"slip of --world {RESOURCES} must be from 0 to {MOST_SLIP}, got {slip:g}")
    if side not in range(LEAST_SIDE, MOST_SIDE + 1):
        raise PolicyBudgetError(f"side of --world {RESOURCES} must be from {LEAST_SIDE} to {MOST_SIDE}, got {side:g}")
    return ResourceGathering(int(side), (int(side) - 1, int(side) // 2), slip=slip)


def _number(option: str, value: str) -> float:
    try:
        return float(value)
    except ValueError:
        raise PolicyBudgetError(f"{option} of --world {RESOURCES} must be a number, got {value!r}") from None
