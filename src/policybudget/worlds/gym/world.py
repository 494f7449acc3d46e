"""Any Gymnasium or MO-Gymnasium environment as a world, by its id or by a factory of vector environments.

Observations: boxes (flattened), discrete (one-hot), multi-binary, and tuples or dicts of these (flattened, in
Gymnasium's order). Actions: discrete, multi-discrete, and bounded or unbounded boxes; policies act in [-1, 1], which is
stretched to the bounds. The outcome is the reward: one number, or a MO-Gymnasium environment's vector. All three
autoreset modes of Gymnasium 1.x give the same transitions; a reset is never one of them.
"""

from __future__ import annotations

import contextlib
import warnings
from collections.abc import Iterator
from importlib import import_module
from importlib.util import find_spec
from typing import Any

from policybudget.errors import PolicyBudgetError
from policybudget.worlds.gym import spaces
from policybudget.worlds.gym.copies import Factory, GymnasiumCopies, Outcome, line, silence
from policybudget.worlds.interface import ActionSpace, HostWorld

NO_LIMIT = 10_000
"""Steps after which evaluation stops an episode of an environment that has no time limit."""


class GymnasiumWorld(HostWorld):
    """Copies of an environment, made by a factory.

    Attributes:
        factory: takes E, gives a Gymnasium ``VectorEnv`` of E copies.
        label: name of the world.
        sizes: o and d, numbers in an observation and in an outcome.
        space: the action space as policies see it.
        limit: steps after which an episode is truncated.
        outcome: from (rewards, info) of a step to the outcome (N, d); None: the reward.
        components: names of the reward components, where the environment has some.
    """

    factory: Factory
    label: str
    sizes: tuple[int, int]
    space: ActionSpace
    limit: int
    outcome: Outcome | None = None
    components: tuple[str, ...] = ()

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
        return self.space

    @property
    def time_limit(self) -> int:
        """Of the environment; ``NO_LIMIT`` if it has none."""
        return self.limit

    def copies(self, number: int) -> GymnasiumCopies:
        """E parallel copies."""
        return GymnasiumCopies(self, number)


def world_from(
    factory: Factory,
    name: str,
    outcome: Outcome | None = None,
    outcome_size: int | None = None,
    time_limit: int | None = None,
    components: tuple[str, ...] = (),
) -> GymnasiumWorld:
    """A world from a factory of vector environments.

    Args:
        factory: takes E, gives a ``VectorEnv`` of E copies, in any autoreset mode.
        name: of the world.
        outcome: what of a step rewards are computed from, given (rewards, info); the reward if None.
        outcome_size: d, where the environment has no ``reward_space`` and its reward is not one number.
        time_limit: steps after which episodes are truncated; the environment's own if None.
        components: names of the reward components, for the header of a users.csv.

    Returns:
        The world.

    Raises:
        PolicyBudgetError: it cannot be made, or its spaces are not supported.
    """
    try:
        with silence():
            example = factory(1)
    except PolicyBudgetError:
        raise
    except Exception as error:
        raise PolicyBudgetError(f"world {name} could not be made: {line(error)}") from error
    missing = [
        part for part in ("single_observation_space", "single_action_space", "num_envs") if not hasattr(example, part)
    ]
    if missing:
        raise PolicyBudgetError(
            f"the factory of world {name} must give a Gymnasium VectorEnv, got {type(example).__name__}; "
            "for single environments return gymnasium.vector.SyncVectorEnv([make] * number)"
        )
    try:
        sizes = spaces.flat_size(name, example.single_observation_space), outcome_size or _components(example)
        space = spaces.action_space(name, example.single_action_space)
        limit = time_limit or _time_limit(example) or NO_LIMIT
    finally:
        with contextlib.suppress(Exception), silence():
            example.close()
    return GymnasiumWorld(factory, name, sizes, space, limit, outcome, components)


def world_by_id(identifier: str) -> GymnasiumWorld:
    """The world of a Gymnasium or MO-Gymnasium id.

    Args:
        identifier: a registered id such as ``mo-reacher-v5``, or ``module:id``, where importing the module registers
            it.

    Returns:
        The world; its name is ``gym:`` and the id.

    Raises:
        PolicyBudgetError: Gymnasium is not installed, there is no such id, or its spaces are not supported.
    """
    try:
        import gymnasium
    except ImportError:
        raise PolicyBudgetError('gym: worlds need Gymnasium: pip install "policybudget[gymnasium]"') from None
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            import_module("mo_gymnasium")
        lacking = ""
    except ImportError as error:
        lacking = f"; MO-Gymnasium cannot be imported: {error}"
    label = f"gym:{identifier}"
    module, _, known = identifier.rpartition(":")
    try:
        if module:
            import_module(module)
        spec = gymnasium.spec(known)
    except Exception as error:
        raise PolicyBudgetError(
            f"gym: must be followed by a Gymnasium or MO-Gymnasium id, got {identifier!r} ({line(error)}{lacking})"
        ) from None
    entry = str(spec.entry_point)
    if not entry.startswith("mo_gymnasium"):

        def factory(number: int) -> Any:
            with _no_log_file("mujoco" in entry):
                return gymnasium.make_vec(known, num_envs=number, vectorization_mode="sync")
    else:
        from mo_gymnasium.wrappers.vector import MOSyncVectorEnv

        def factory(number: int) -> Any:
            with _no_log_file("mujoco" in entry):
                return MOSyncVectorEnv(iter([lambda: gymnasium.make(known, disable_env_checker=True)] * number))

    return world_from(factory, label)


@contextlib.contextmanager
def _no_log_file(uses_mujoco: bool) -> Iterator[None]:
    """MuJoCo writes its remarks on the models that Gymnasium ships into a file in the current directory."""
    mujoco = import_module("mujoco") if uses_mujoco and find_spec("mujoco") else None
    if mujoco is None:
        yield
        return
    before = mujoco.get_mju_user_warning()
    mujoco.set_mju_user_warning(lambda text: None)
    try:
        yield
    finally:
        mujoco.set_mju_user_warning(before)


def _components(example: Any) -> int:
    """Number of reward components: the last axis of the environment's ``reward_space``; 1 if it has none."""
    rewards = getattr(example, "reward_space", None)
    return int(rewards.shape[-1]) if rewards is not None and rewards.shape else 1


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
