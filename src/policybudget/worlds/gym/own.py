"""Environments that agents have to themselves: one that becomes, at every reset, that of the agent it plays for."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from gymnasium import Env

from policybudget.errors import PolicyBudgetError, WorldError
from policybudget.from_file import line

MakeFor = Callable[[int], Any]


class ForAgents(Env[Any, Any]):
    """An environment that plays for one agent after the other; each agent's own is made when it is first needed.

    Args:
        make: takes the number of an agent, from 0, and makes its environment.
        options: of each agent's resets; none if empty.
        names: of the agents, for errors.

    Raises:
        WorldError: an environment cannot be made.
    """

    def __init__(self, make: MakeFor, options: Sequence[Mapping[str, Any]], names: Sequence[str]) -> None:
        self._make, self._options, self._names = make, options, names
        self._made: dict[int, Env[Any, Any]] = {}
        self._rng = np.random.default_rng()
        self.whom = 0
        self._now = first = self._of(0)
        self.observation_space, self.action_space, self.spec = first.observation_space, first.action_space, first.spec
        for name in ("reward_space", "reward_names"):
            if first.has_wrapper_attr(name):
                setattr(self, name, first.get_wrapper_attr(name))

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> tuple[Any, dict[str, Any]]:
        """Begin an episode of the agent ``whom``.

        Args:
            seed: of all that is drawn from here on, in every agent's environment.
            options: given to the environment, with those of the agent.
        """
        if seed is not None:
            self._rng = np.random.default_rng(seed)
            self.close()
        new = self.whom not in self._made
        self._now = self._of(self.whom)
        own = dict(self._options[self.whom]) if self._options else {}
        given = {**(options or {}), **own} or None
        drawn = int(self._rng.integers(2**31)) if new or seed is not None else None
        try:
            return self._now.reset(seed=drawn, options=given)
        except Exception as error:
            what = f" with {_listed('reset', own)}" if own else ""
            raise WorldError(f"agent {self._names[self.whom]}: its reset{what} raised {line(error)}") from error

    def step(self, action: Any) -> tuple[Any, Any, bool, bool, dict[str, Any]]:
        """One transition of the agent's environment.

        Args:
            action: of the shared action space.

        Raises:
            WorldError: it raised, or paid what is not finite.
        """
        try:
            given: Any = self._now.step(action)
        except Exception as error:
            raise WorldError(f"agent {self._names[self.whom]}: its environment raised {line(error)}") from error
        if isinstance(given, tuple) and len(given) == 5 and not (_finite(given[1]) and _finite(given[0])):
            raise WorldError(
                f"agent {self._names[self.whom]}: expected its environment to give finite numbers, got reward "
                f"{given[1]}" + ("" if _finite(given[0]) else " and an observation that is not finite")
            )
        return given  # type: ignore[no-any-return]

    def close(self) -> None:
        """Close all agents' environments."""
        for env in self._made.values():
            env.close()
        self._made.clear()

    def _of(self, agent: int) -> Env[Any, Any]:
        if agent in self._made:
            return self._made[agent]
        made = self._make(agent)
        if not isinstance(made, Env):
            raise WorldError(f"agent {self._names[agent]}: expected one gymnasium.Env, got {type(made).__name__}")
        for what in ("observation_space", "action_space"):
            space, expected = getattr(made, what), getattr(self, what, None)
            if expected is not None and (space.shape, space.dtype) != (expected.shape, expected.dtype):
                one, other = self._names[agent], self._names[0]
                raise WorldError(f"agent {one}: expected the {what} of agent {other}, {expected}, got {space}")
        self._made[agent] = made
        return made


def made_with(make: Callable[..., Any], arguments: Sequence[Mapping[str, Any]], names: Sequence[str]) -> MakeFor:
    """What makes the environment of an agent from keyword arguments of its own.

    Args:
        make: takes the arguments.
        arguments: of each agent.
        names: of the agents, for errors.

    Returns:
        A function of the number of an agent.
    """

    def for_agent(agent: int) -> Any:
        try:
            return make(**arguments[agent])
        except Exception as error:
            what = _listed("env", arguments[agent]) or "no arguments"
            raise PolicyBudgetError(f"agent {names[agent]}: the environment refuses {what} ({line(error)})") from error

    return for_agent


def _listed(kind: str, values: Mapping[str, Any]) -> str:
    return ", ".join(f"{kind}.{name} = {value!r}" for name, value in values.items())


def _finite(value: Any) -> bool:
    try:
        return bool(np.isfinite(value).all())
    except TypeError:  # a dictionary, or a tuple of parts: looked at when it is flattened
        return True
