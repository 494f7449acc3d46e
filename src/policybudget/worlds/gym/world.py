"""Any Gymnasium or MO-Gymnasium environment as a world, from a function that makes it; by their ids: ``named``.

Observations: boxes (flattened), discrete (one-hot), multi-binary, and tuples or dicts of these (flattened, in
Gymnasium's order). Actions: discrete, multi-discrete, and bounded or unbounded boxes; policies act in [-1, 1], which is
stretched to the bounds. The outcome is the reward: one number, or a vector (:mod:`policybudget.worlds.gym.rewards`).
All three autoreset modes of Gymnasium 1.x give the same transitions; a reset is never one of them.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from importlib import import_module
from inspect import Parameter, signature
from types import ModuleType
from typing import Any

import numpy as np

from policybudget.errors import PolicyBudgetError, WorldError, extra
from policybudget.from_file import line
from policybudget.units import Units
from policybudget.worlds.gym import spaces
from policybudget.worlds.gym.copies import Factory, GymnasiumCopies, Outcome, close, silence
from policybudget.worlds.gym.rewards import checked_names, names_of, room_needed, size_of, with_room
from policybudget.worlds.interface import ActionSpace, HostWorld, action_space

NO_LIMIT = 10_000
"""Steps after which evaluation stops an episode of an environment that has no time limit."""
MakeFor = Callable[[int], Any]
_REST = (Parameter.VAR_POSITIONAL, Parameter.VAR_KEYWORD)


class GymnasiumWorld(HostWorld):
    """Copies of an environment, made by a factory.

    Attributes:
        factory: takes E, gives a Gymnasium ``VectorEnv`` of E copies.
        label: name of the world.
        sizes: o and d, numbers in an observation and in an outcome.
        takes: units of the actions that the environment takes.
        limit: steps after which an episode is truncated.
        outcome: from (rewards, info) of a step to the outcome (N, d); None: the reward.
        components: names of the reward components, where the environment has some.
        step_timeout: seconds that a step or a reset of all copies may take; None for no limit.
        agents: n, where each agent has an environment of its own; 0 where all share one.
        tells_clock: as the vector environment says of itself.
    """

    factory: Factory
    label: str
    sizes: tuple[int, int]
    takes: Units
    limit: int
    outcome: Outcome | None = None
    components: tuple[str, ...] = ()
    step_timeout: float | None = None
    agents: int = 0
    tells_clock: bool = False

    @property
    def own_dynamics(self) -> bool:
        """Whether each agent has an environment of its own."""
        return self.agents > 0

    @property
    def name(self) -> str:
        """As given to ``--world``."""
        return self.label

    @property
    def observation_size(self) -> int:
        """Of the flattened observation."""
        return self.sizes[0]

    @property
    def outcome_size(self) -> int:
        """Components of the reward."""
        return self.sizes[1]

    @property
    def actions(self) -> ActionSpace:
        """As policies see it."""
        return action_space(self.takes)

    @property
    def units(self) -> Units:
        """As the environment takes them."""
        return self.takes

    @property
    def time_limit(self) -> int:
        """Of the environment; ``NO_LIMIT`` if it has none."""
        return self.limit

    def copies(self, number: int, dynamics: np.ndarray | None = None) -> GymnasiumCopies:
        """E parallel copies; agents with an environment of their own are known by their number."""
        return GymnasiumCopies(self, number)


def world_from(
    factory: Callable[..., Any],
    name: str,
    outcome: Outcome | None = None,
    outcome_size: int | None = None,
    time_limit: int | None = None,
    components: tuple[str, ...] = (),
) -> GymnasiumWorld:
    """A world from a function that makes an environment, or copies of one.

    Args:
        factory: takes no argument and makes one environment, of which copies are stepped in turn; or takes E and gives
            a ``VectorEnv`` of E copies, in any autoreset mode.
        name: of the world.
        outcome: what of a step rewards are computed from, given (rewards, info); the reward if None.
        outcome_size: d; what a first step pays if None.
        time_limit: steps after which episodes are truncated; the environment's own if None.
        components: names of the reward components, for the header of a users.csv; the environment's ``reward_names``
            if empty.

    Returns:
        The world.

    Raises:
        PolicyBudgetError: it cannot be made, or its spaces are not supported.
    """
    factory, example = _example(factory, name)
    tells_clock = getattr(example, "tells_clock", False) is True
    try:
        observed = spaces.flat_size(name, example.single_observation_space)
        spaces.check_size(name, "an observation", observed, spaces.MOST_SEEN)
        units = spaces.units_of(name, example.single_action_space)
        spaces.check_size(name, "the output of a policy", units.outputs, spaces.MOST_OUTPUTS)
        limit = time_limit or _time_limit(example) or NO_LIMIT
        with silence():
            if shape := room_needed(name, example):
                factory, example = _with_room(factory, shape), with_room(example, shape)
            paid = outcome_size or size_of(name, example, outcome)
        names = checked_names(components, paid) if components else names_of(example, paid)
    except WorldError as error:
        raise PolicyBudgetError(f"world {name}: {error}") from error
    finally:
        close(example)
    return GymnasiumWorld(factory, name, (observed, paid), units, limit, outcome, names, tells_clock=tells_clock)


def _example(factory: Callable[..., Any], name: str) -> tuple[Factory, Any]:
    """What makes E copies, and a vector environment of one copy that it made."""
    gymnasium_for("Gymnasium's environments")
    try:
        factory = copies_from(factory)
        with silence():
            example = factory(1)
    except WorldError as error:
        raise PolicyBudgetError(f"world {name} could not be made: {error}") from error
    except PolicyBudgetError as error:
        text = str(error)
        raise PolicyBudgetError(text if text.startswith("world ") else f"world {name}: {text}") from error
    except KeyboardInterrupt:
        raise
    except BaseException as error:  # also SystemExit, and what is no Exception at all
        raise PolicyBudgetError(f"world {name} could not be made: {line(error)}") from error
    missing = [
        part for part in ("single_observation_space", "single_action_space", "num_envs") if not hasattr(example, part)
    ]
    if missing:
        raise PolicyBudgetError(
            f"the factory of world {name} must give a Gymnasium VectorEnv, got {type(example).__name__}; "
            "a function that makes a single environment takes no argument"
        )
    return factory, example


def copies_from(factory: Callable[..., Any]) -> Factory:
    """What makes E copies of an environment.

    Args:
        factory: a function that can be called without an argument makes one environment, of which E are stepped in
            turn; any other takes E and gives a ``VectorEnv``.

    Returns:
        A function that takes E.
    """
    try:
        asked = [p for p in signature(factory).parameters.values() if p.default is p.empty and p.kind not in _REST]
    except (TypeError, ValueError):  # written in C; it says nothing of its arguments
        return factory
    if len(asked) > 1:
        raise PolicyBudgetError(
            "it is made by a function of no argument, which gives one environment, or of the number of copies; got one "
            f"of {', '.join(p.name for p in asked)}: give them defaults"
        )
    if asked:
        return factory

    def copies(number: int) -> Any:
        from policybudget.worlds.gym.side_by_side import SideBySide

        return SideBySide(factory, number)

    return copies


def _with_room(factory: Factory, shape: tuple[int, ...]) -> Factory:
    return lambda number: with_room(factory(number), shape)


def gymnasium_for(what: str) -> ModuleType:
    """The module that something needs.

    Args:
        what: needs it, in the plural, for the message.
    """
    with extra("gymnasium", what):
        return import_module("gymnasium")


def world_for_agents(
    make: MakeFor, agents: int, name: str, options: Sequence[Mapping[str, Any]] = (), names: Sequence[str] = ()
) -> GymnasiumWorld:
    """A world in which each agent has an environment of its own; all have the same spaces.

    Its population has ``dynamics``, such as ``Population.from_weights(..., dynamics=np.zeros((n, 0)))``.

    Args:
        make: takes the number of an agent, from 0, and makes its environment.
        agents: n.
        name: of the world.
        options: n dictionaries that the agents' resets are given; none if empty.
        names: n names, for errors; numbers if empty.

    Returns:
        The world.

    Raises:
        PolicyBudgetError: an environment cannot be made, or its spaces are not supported or not those of the others.
    """
    gymnasium_for("Gymnasium's environments")
    from policybudget.worlds.gym.own import ForAgents

    called = tuple(names) or tuple(str(agent) for agent in range(agents))

    def one() -> ForAgents:
        return ForAgents(make, options, called)

    world = world_from(one, name)
    every = one()
    with contextlib.closing(every):
        for agent in range(agents):  # refused now rather than in the midst of a training
            try:
                every.whom = agent
                every.reset(seed=0)
            except PolicyBudgetError as error:
                raise PolicyBudgetError(f"world {name}: {error}") from error
    return replace(world, agents=agents)


def _time_limit(example: Any) -> int | None:
    """Of a vector environment, or of the environments in it; wrappers have theirs in the spec or as an attribute."""
    task = getattr(example, "task", None)
    own = getattr(task, "time_limit", None), getattr(getattr(example, "spec", None), "max_episode_steps", None)
    inside = [_inside(example, "spec")]
    if hasattr(example, "envs"):  # one that asks other processes for what they lack would be broken then
        inside.append(_inside(example, "_max_episode_steps"))
    for limit in (*own, *inside):
        limit = getattr(limit, "max_episode_steps", limit)
        if isinstance(limit, int) and limit > 0:
            return limit
    return None


def _inside(example: Any, name: str) -> Any:
    try:
        return example.get_attr(name)[0]
    except Exception:  # no such attribute, or no single environments to ask
        return None
