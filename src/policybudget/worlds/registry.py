"""Worlds by name, each with the population it is usually served to."""

from __future__ import annotations

from collections.abc import Callable

from policybudget.errors import PolicyBudgetError
from policybudget.population import Population
from policybudget.worlds.interface import World


def _resource_gathering(agents: int | None, seed: int) -> tuple[World, Population]:
    from policybudget.worlds.resource_gathering import ResourceGathering

    world = ResourceGathering()
    if agents not in (None, world.tiles):
        raise PolicyBudgetError(f"resource-gathering has an agent per tile ({world.tiles}), got --agents {agents}")
    return world, world.population()


WORLDS: dict[str, Callable[[int | None, int], tuple[World, Population]]] = {
    "resource-gathering": _resource_gathering,
}


def make(name: str, agents: int | None = None, seed: int = 0) -> tuple[World, Population]:
    """A world and its population.

    Args:
        name: one of ``WORLDS``.
        agents: n; the world's usual number if None.
        seed: of the draw of the population, where it is drawn.

    Raises:
        PolicyBudgetError: there is no such world.
    """
    if name not in WORLDS:
        raise PolicyBudgetError(f"world must be one of {', '.join(WORLDS)}, got {name!r}")
    if agents is not None and agents < 1:
        raise PolicyBudgetError(f"agents must be at least 1, got {agents}")
    return WORLDS[name](agents, seed)
