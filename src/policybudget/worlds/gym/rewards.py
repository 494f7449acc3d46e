"""What an environment pays in: how many reward components it has, and what they are called.

The number is what the first step pays; an environment that declares it too, as ``reward_space`` (MO-Gymnasium's
convention: a Box of shape (m,)), must keep to it. The names are those of its attribute ``reward_names``, or of the
argument of this name in its registration.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from policybudget.errors import PolicyBudgetError, WorldError
from policybudget.from_file import line, origin
from policybudget.worlds.gym import spaces
from policybudget.worlds.gym.copies import Outcome

NAMES = "reward_names"
"""The attribute of an environment that names its reward components, m strings."""


def size_of(name: str, example: Any, outcome: Outcome | None) -> int:
    """Numbers in an outcome, as a first step shows them.

    Args:
        name: of the world, for errors.
        example: a vector environment of one copy; it is reset and stepped.
        outcome: from (rewards, info) to the outcome; None: the reward.

    Returns:
        m; the declared number, or 1, if the environment cannot be stepped: those who play in it will say why.

    Raises:
        PolicyBudgetError: the reward is not what is declared, or the vector environment cannot hold it.
    """
    declared = _declared(example)
    try:
        shape = _paid(name, example, outcome)
    except (PolicyBudgetError, KeyboardInterrupt):
        raise
    except BaseException as error:
        if _ours(example):
            raise WorldError(
                f"its first step raised {line(error)} ({origin(error)}); correct the environment: it must take a step "
                "after reset(seed=0)"
            ) from error
        return declared or 1
    paid = 1 if len(shape) == 1 else shape[-1]
    if outcome is None and declared is not None and paid != declared:
        raise WorldError(
            f"expected a reward of {declared} components, as its reward_space says, got "
            f"{'one number' if len(shape) == 1 else f'{paid} numbers'}; return one number per component, "
            "or set reward_space to None"
        )
    _check_processes(example, paid)
    return paid


def names_of(example: Any, size: int) -> tuple[str, ...]:
    """Names of the reward components, where the environment gives some.

    Args:
        example: a vector environment.
        size: m.

    Returns:
        m names, or none.

    Raises:
        PolicyBudgetError: they are not m different names.
    """
    for place in (example, *getattr(example, "envs", ())[:1]):
        own = getattr(place, "get_wrapper_attr", None)
        found = own(NAMES) if own and place.has_wrapper_attr(NAMES) else getattr(place, NAMES, None)
        if found is None:
            found = (getattr(getattr(place, "spec", None), "kwargs", None) or {}).get(NAMES)
        if found is not None:
            return checked_names(found, size)
    return ()


def checked_names(names: Any, size: int) -> tuple[str, ...]:
    """Names of reward components.

    Args:
        names: what was given.
        size: m.

    Returns:
        The names.

    Raises:
        PolicyBudgetError: they are not m different names.
    """
    known = isinstance(names, list | tuple) and all(isinstance(name, str) for name in names)
    told = [name.strip() for name in names] if known else []
    if not known or len(told) != size or len(set(told)) < size or any(not name or name.isdigit() for name in told):
        raise WorldError(
            f"expected {NAMES} to be {size} different names, one per reward component and none a number, got {names!r}"
        )
    return tuple(told)


def room_needed(name: str, example: Any) -> tuple[int, ...]:
    """Whether Gymnasium's ``SyncVectorEnv``, which holds a number per reward, has environments that pay vectors.

    Args:
        name: of the world, for errors.
        example: a vector environment; its first environment may be reset and stepped.

    Returns:
        The shape (m,) of those rewards; () if there is nothing to change.
    """
    from gymnasium.vector import SyncVectorEnv

    from policybudget.worlds.gym.side_by_side import declared_size

    inside = getattr(example, "unwrapped", None)
    if not isinstance(inside, SyncVectorEnv) or inside._rewards.ndim != 1 or _ours(example):
        return ()
    env = inside.envs[0]
    declared = declared_size(env)
    if declared is not None:
        return (declared,)
    try:
        env.reset(seed=0)
        shape = np.asarray(env.step(_an_action(name, env.action_space)[0])[1]).shape
    except Exception:  # those who play in it will say why
        return ()
    return shape if len(shape) == 1 else ()


def with_room(made: Any, shape: tuple[int, ...]) -> Any:
    """A ``SyncVectorEnv`` that holds rewards of several components.

    Args:
        made: the vector environment; it is changed.
        shape: of a reward, (m,).

    Returns:
        The same.
    """
    made.unwrapped._rewards = np.zeros((made.num_envs, *shape))
    return made


def _declared(example: Any) -> int | None:
    """Number of reward components that an environment declares: the last axis of its ``reward_space``."""
    from policybudget.worlds.gym.side_by_side import declared_size

    for what in ("single_reward_space", "reward_space"):
        shape = getattr(getattr(example, what, None), "shape", None)
        if shape:
            return int(shape[-1])
    envs = getattr(example, "envs", None)
    return declared_size(envs[0]) if envs else None


def _paid(name: str, example: Any, outcome: Outcome | None) -> tuple[int, ...]:
    """Shape (1,) or (1, m) of the outcome of a first step."""
    action = _an_action(name, example.single_action_space)
    example.reset(seed=0)
    _, reward, _, _, info = example.step(action)
    return np.shape(reward if outcome is None else outcome(reward, info))


def _an_action(name: str, space: Any) -> np.ndarray:
    """A batch of one action: the first, or the middle of a box."""
    units = spaces.units_of(name, space)
    return units(np.zeros((1, math.prod(units.shape))))


def _ours(example: Any) -> bool:
    from policybudget.worlds.gym.side_by_side import SideBySide

    return isinstance(getattr(example, "unwrapped", None), SideBySide)


def _check_processes(example: Any, size: int) -> None:
    """Gymnasium's own worker processes give a single 0 for the step of a reset: vectors do not go with it."""
    from gymnasium.vector import AsyncVectorEnv, AutoresetMode

    inside = getattr(example, "unwrapped", None)
    if size > 1 and type(inside) is AsyncVectorEnv and inside.autoreset_mode is AutoresetMode.NEXT_STEP:
        raise WorldError(
            "AsyncVectorEnv cannot hold rewards of several components while it resets in the next step; "
            "make it with autoreset_mode=gymnasium.vector.AutoresetMode.SAME_STEP"
        )
