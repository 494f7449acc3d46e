"""Worlds by name: how they are made, who they are served to, and what belongs to them elsewhere in the package."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any, cast

from policybudget.errors import PolicyBudgetError, check_agents, not_one_of
from policybudget.from_file import PYTHON
from policybudget.population import Population
from policybudget.users import read_own, read_users
from policybudget.worlds.entry import (
    ANY_LEARNER,
    HOPPING,
    PAPER,
    PLAIN,
    ROBOTS,
    SCALED,
    Entry,
    Search,
    Settings,
)
from policybudget.worlds.glucose.names import GLUCOSE, glucose_world
from policybudget.worlds.glucose.population import glucose_population, read_patients
from policybudget.worlds.glucose.world import GlucoseWorld
from policybudget.worlds.grid.names import RESOURCES, resource_world
from policybudget.worlds.grid.resource_gathering import ResourceGathering
from policybudget.worlds.gym.named import world_by_id, world_in_file
from policybudget.worlds.gym.world import GymnasiumWorld
from policybudget.worlds.interface import World
from policybudget.worlds.metaworld.names import METAWORLD
from policybudget.worlds.metaworld.population import agents_table, held_out_tasks, read_agents, task_population
from policybudget.worlds.metaworld.world import metaworld_world
from policybudget.worlds.mujoco.goals import GOALS, goal_population, goal_world, goals_table, population_of
from policybudget.worlds.mujoco.velocity import NAMES, velocity_population, velocity_population_of, velocity_world
from policybudget.worlds.savers.names import SAVERS, savers_world
from policybudget.worlds.savers.population import read_savers, savers_population, savers_table

GYM = "gym:"
"""What the name of a world begins with that is a Gymnasium or MO-Gymnasium environment; its id follows."""
USUAL_AGENTS = 100
"""n of a drawn population, if no number is given."""


def entry(name: str) -> Entry:
    """What is known of a world by name.

    Args:
        name: one of ``WORLDS``, ``glucose:``, ``resource-gathering:`` or ``savers:`` and options, ``metaworld:`` and
            tasks, ``gym:`` and the id of an environment, ``python:FILE.py:NAME``, or the name of a world made by hand.

    Returns:
        The entry. Of a world that is in no register it says how such worlds are usually trained; ``world`` is None.
    """
    if name in WORLDS:
        return WORLDS[name]
    if name.startswith(f"{GLUCOSE}:"):
        return _glucose(name)
    if name.startswith(f"{RESOURCES}:"):
        return _resource_gathering(name)
    if name.startswith(METAWORLD):
        return _metaworld(name)
    if name.startswith(f"{SAVERS}:"):
        return _savers(name)
    if name.startswith(GYM):
        return Entry(name=name, world=partial(world_by_id, name.removeprefix(GYM)), from_file=_users)
    if name.startswith(PYTHON):
        return Entry(name=name, world=partial(world_in_file, name), from_file=_users)
    return Entry(name)


def make(
    name: str, agents: int | None = None, population_seed: int = 0, population: str | None = None
) -> tuple[World, Population]:
    """A world and its population.

    Args:
        name: one of ``WORLDS``, ``glucose:`` or ``savers:`` and options, ``gym:`` and the id of a Gymnasium or
            MO-Gymnasium environment, or ``python:FILE.py:NAME``.
        agents: n; the world's usual number if None.
        population_seed: decides the draw of the population, where it is drawn.
        population: path of a users.csv, for ``gym:`` and ``python:`` worlds (:mod:`policybudget.users`) and
            robots, where it has each user's goal in column ``speed`` (m/s) or ``direction`` (degrees), and
            for ``glucose``, where it has each user's ``patient`` and wishes (``low``, ``high``), for ``savers``
            (:mod:`policybudget.worlds.savers.population`), and for ``metaworld:``, where it has each user's ``task``
            and wishes (``reward``, ``success``).

    Returns:
        The world and the n agents.

    Raises:
        PolicyBudgetError: there is no such world, or the population does not fit it.
    """
    if agents is not None:
        check_agents(agents)
    known = entry(name)
    if known.world is None:
        raise not_one_of("world", name, (*WORLDS, f"{METAWORLD}TASKS", "gym:ID", "python:FILE.py:NAME"))
    if population is None and known.draw is not None:
        return known.world(), known.draw(agents, population_seed)
    if known.from_file is None:
        raise PolicyBudgetError(
            f"{name} draws its own population; --population is for gym: and python: worlds, {_that_have('from_file')}"
        )
    if agents is not None:
        raise PolicyBudgetError(f"{name} has as many agents as --population has rows; leave --agents out")
    users = read_own(Path(population)) if population is not None and name.startswith((GYM, PYTHON)) else ()
    world = known.world(users) if users else known.world()
    if population is None:
        columns = f" ({', '.join(world.components)})" if isinstance(world, GymnasiumWorld) and world.components else ""
        raise PolicyBudgetError(
            f"{name} needs --population users.csv: a row per user, a column per reward component{columns}"
        )
    return world, known.from_file(world, Path(population))


def held_out(name: str, agents: int, population_seed: int = 0) -> Population:
    """Agents to test on: no agent has a goal of an agent that :func:`make` draws, with this seed or another.

    Args:
        name: one of ``GOALS``, ``savers``, or ``metaworld:`` and tasks.
        agents: n; the draw for training does not depend on it.
        population_seed: decides the draw, in a stream of its own beside that of :func:`make`.

    Returns:
        The n agents.

    Raises:
        PolicyBudgetError: the world has no such draw, or n is not positive.
    """
    draw = entry(name).held_out
    if draw is None:
        remedy = (
            "; bring users that were held out from training (--population)" if name.startswith((GYM, PYTHON)) else ""
        )
        raise PolicyBudgetError(
            f"agents are drawn to be held out in {_that_have('held_out')} only, got {name!r}{remedy}"
        )
    check_agents(agents)
    return draw(agents, population_seed)


def _that_have(what: str) -> str:
    """The registered worlds whose entry has something, as a list to read."""
    return ", ".join(name for name, known in WORLDS.items() if getattr(known, what) is not None)


def _resource_gathering(name: str = RESOURCES) -> Entry:
    """Resource Gathering.

    The world pays nothing unless the walker returns in time, and the walker sees no clock. Bootstrapping at the time
    limit would make wandering on worth as much as returning. A critic of all 25 tiles costs little more than a critic
    of their mean, and learns sooner (docs/findings.md). The archive keeps the best episodes, so policies need not stay
    good: they learn fast, from few passes over much experience. Where steps slip, episodes cannot be repeated, and
    nothing is archived: a policy for each tile learns first, and the best k go on.
    """
    world = resource_world(name)
    plain: Settings = {"bootstrap_truncated": False, "critic": "features", "critic_head": "shared"}
    default: dict[str, Any] = {**plain, "discount": 1.0}
    if world.without_chance:
        default |= {"copies": 16, "epochs": 2, "learning_rate": (3e-3, 3e-4), "normalise_observations": True}
        search = Search("archive", {"restarts": 8, "egalitarian_restarts": True})
    else:
        search = Search("pool", {"within": "representatives", "pool_size": world.tiles, "refine": 0.7})
    return Entry(
        name=name,
        world=lambda: world,
        draw=partial(_tiles, world),
        learner={
            "default": default,
            "plain": plain,
            "paper": {**plain, **PAPER, "learning_rate": (5e-4, 1e-4), "discount": 1.0},
        },
        search={"default": search, "plain": PLAIN, "paper": PLAIN},
        pictures=("policybudget.assessment.grid_figures:paths_of_run",),
        sketch="policybudget.assessment.grid_figures:sketch_of_run",
        optimum=f"policybudget.exact.{'grid_optimum:grid' if world.without_chance else 'slippery:slippery'}_optimum",
    )


def _tiles(world: ResourceGathering, agents: int | None, population_seed: int) -> Population:
    if agents not in (None, world.tiles):
        raise PolicyBudgetError(f"{world.name} has an agent per tile ({world.tiles}), got --agents {agents}")
    return world.population()


def _velocity(name: str, task: str) -> Entry:
    """A robot whose agents each want a speed of their own.

    HalfCheetah holds any speed, so that every policy learns for one of the k agents whose speeds would be worth most.
    The others fall at once, and a fall pays nobody: what one policy learns for all, from wider rewards, is where k
    policies begin (docs/findings.md).
    """
    holds = task == "half-cheetah"
    usual = Search("representatives", {"alone": 1.0}) if holds else Search("growing")
    return Entry(
        name=name,
        learner={**ANY_LEARNER, "default": ROBOTS[task]},
        with_search={} if holds else {"representatives": HOPPING},
        search={"default": usual, "plain": PLAIN, "paper": PLAIN},
        world=partial(velocity_world, task),
        draw=lambda agents, seed: velocity_population(task, USUAL_AGENTS if agents is None else agents, seed),
        from_file=lambda _, path: velocity_population_of(task, path),
        optimum="policybudget.exact.velocity_optimum:velocity_optimum",
    )


def _goal(name: str) -> Entry:
    """A robot whose agents each want a speed or a direction, as meta-reinforcement learning has them."""
    return Entry(
        name=name,
        world=partial(goal_world, name),
        draw=lambda agents, seed: goal_population(name, USUAL_AGENTS if agents is None else agents, seed),
        from_file=lambda _, path: population_of(name, path),
        held_out=partial(goal_population, name, held_out=True),
        table=partial(goals_table, name),
    )


def _glucose(name: str) -> Entry:
    """Patients with type 1 diabetes, each with a body of their own.

    The physics costs little where many copies are stepped together, and a day is long: many copies, short rollouts.
    """
    learner: Settings = {
        "copies": 64,
        "steps": 36,
        "minibatch": 256,
        "normalise_observations": True,
        "entropy": (3e-3, 3e-4),
        "learning_rate": (3e-3, 3e-4),
    }
    return Entry(
        name=name,
        learner={"default": learner, "plain": learner, "paper": {**learner, **PAPER, "critic": "mixture"}},
        search={"default": Search("constants"), "plain": PLAIN, "paper": PLAIN},
        world=partial(glucose_world, name),
        draw=lambda agents, seed: glucose_population(glucose_world(name), agents, seed),
        from_file=lambda world, path: read_patients(cast(GlucoseWorld, world), path),
        pictures=("policybudget.assessment.glucose_figures:profiles_of_run",),
    )


def _metaworld(name: str) -> Entry:
    """Tasks of Meta-World. Policies see goals, but not tasks; critics are told the task, as multi-task critics are."""
    learner: Settings = {**SCALED, "critic_sees_agent": True}
    return Entry(
        name=name,
        learner={"default": learner, "plain": learner, "paper": {**learner, **PAPER, "critic": "mixture"}},
        world=partial(metaworld_world, name),
        draw=lambda agents, seed: task_population(name, agents),
        from_file=lambda _, path: read_agents(path),
        held_out=partial(held_out_tasks, name),
        table=agents_table,
    )


def _savers(name: str) -> Entry:
    """Savers, each with a horizon, contributions and a fear of losses of their own."""
    learner: Settings = {
        "copies": 64,
        "steps": 64,
        "minibatch": 1024,
        "normalise_observations": True,
        "entropy": (1e-3, 1e-4),
        "learning_rate": (3e-3, 3e-4),
        "discount": 1.0,
        "critic_sees_agent": True,
    }
    return Entry(
        name=name,
        learner={"default": learner, "plain": learner, "paper": {**learner, **PAPER, "critic": "mixture"}},
        search={"default": Search("constants"), "plain": PLAIN, "paper": PLAIN},
        world=partial(savers_world, name),
        draw=savers_population,
        from_file=lambda _, path: read_savers(path),
        held_out=partial(savers_population, held_out=True),
        table=savers_table,
        pictures=("policybudget.assessment.savers_figures:paths_of_run",),
        optimum="policybudget.exact.savers_optimum:savers_optimum",
    )


def _users(world: Any, path: Path) -> Population:
    return read_users(path, world.outcome_size, world.components)


WORLDS: Mapping[str, Entry] = {
    known.name: known
    for known in (
        _resource_gathering(),
        *(_velocity(name, task) for name, task in NAMES.items()),
        *map(_goal, GOALS),
        _glucose(GLUCOSE),
        _savers(SAVERS),
    )
}
