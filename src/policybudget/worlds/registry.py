"""Worlds by name, each with the population it is usually served to."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path

from policybudget.errors import PolicyBudgetError
from policybudget.population import Population
from policybudget.worlds.interface import World
from policybudget.worlds.mujoco.goals import GOALS, goal_population, goal_world, population_of


def _resource_gathering(agents: int | None, seed: int) -> tuple[World, Population]:
    from policybudget.worlds.grid.resource_gathering import ResourceGathering

    world = ResourceGathering()
    if agents not in (None, world.tiles):
        raise PolicyBudgetError(f"resource-gathering has an agent per tile ({world.tiles}), got --agents {agents}")
    return world, world.population()


def _velocity(task: str, agents: int | None, seed: int) -> tuple[World, Population]:
    from policybudget.worlds.mujoco.velocity import velocity_population, velocity_world

    return velocity_world(task), velocity_population(task, 100 if agents is None else agents, seed)


def _goals(name: str, agents: int | None, seed: int) -> tuple[World, Population]:
    return goal_world(name), goal_population(name, 100 if agents is None else agents, seed)


WORLDS: dict[str, Callable[[int | None, int], tuple[World, Population]]] = {
    "resource-gathering": _resource_gathering,
    "half-cheetah-velocity": partial(_velocity, "half-cheetah"),
    "ant-velocity": partial(_velocity, "ant"),
    "hopper-velocity": partial(_velocity, "hopper"),
    "walker2d-velocity": partial(_velocity, "walker2d"),
    **{name: partial(_goals, name) for name in GOALS},
}


def make(
    name: str, agents: int | None = None, seed: int = 0, population: str | None = None
) -> tuple[World, Population]:
    """A world and its population.

    Args:
        name: one of ``WORLDS``, or ``gym:`` and the id of a Gymnasium or MO-Gymnasium environment.
        agents: n; the world's usual number if None.
        seed: of the draw of the population, where it is drawn.
        population: a users.csv, for ``gym:`` worlds (:mod:`policybudget.users`) and those of ``GOALS``, where it has
            each user's goal in column ``speed`` (m/s) or ``direction`` (degrees).

    Raises:
        PolicyBudgetError: there is no such world, or the population does not fit it.
    """
    if agents is not None and agents < 1:
        raise PolicyBudgetError(f"agents must be at least 1, got {agents}")
    if name.startswith("gym:"):
        return _by_id(name.removeprefix("gym:"), agents, population)
    if name not in WORLDS:
        raise PolicyBudgetError(f"world must be one of {', '.join(WORLDS)} or gym:ID, got {name!r}")
    if population is None:
        return WORLDS[name](agents, seed)
    if name not in GOALS:
        raise PolicyBudgetError(
            f"{name} draws its own population; --population is for gym:ID worlds, {', '.join(GOALS)}"
        )
    if agents is not None:
        raise PolicyBudgetError(f"{name} has as many agents as --population has rows; leave --agents out")
    users = population_of(name, Path(population))
    return goal_world(name), users


def held_out(name: str, agents: int, seed: int = 0) -> Population:
    """Agents to test on: none has a goal of any agent that :func:`make` draws, with this seed or another.

    Args:
        name: one of ``GOALS``.
        agents: n; the draw for training does not depend on it.
        seed: of the draw, a stream of its own beside that of :func:`make`.

    Raises:
        PolicyBudgetError: the world has no such draw.
    """
    if name not in GOALS:
        remedy = "; bring users that were held out from training (--population)" if name.startswith("gym:") else ""
        raise PolicyBudgetError(f"agents are drawn to be held out in {', '.join(GOALS)} only, got {name!r}{remedy}")
    if agents < 1:
        raise PolicyBudgetError(f"agents must be at least 1, got {agents}")
    return goal_population(name, agents, seed, held_out=True)


def _by_id(identifier: str, agents: int | None, population: str | None) -> tuple[World, Population]:
    from policybudget.users import read_users
    from policybudget.worlds.gym.world import world_by_id

    if agents is not None:
        raise PolicyBudgetError("gym:ID worlds have as many agents as --population has rows; leave --agents out")
    if population is None:
        raise PolicyBudgetError(
            "gym:ID worlds need --population users.csv: a row per user, a column per reward component"
        )
    world = world_by_id(identifier)
    return world, read_users(Path(population), world.outcome_size, world.components)
