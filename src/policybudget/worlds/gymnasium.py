"""Any Gymnasium or MO-Gymnasium environment as a world, by its id or by a factory of vector environments.

Observations: boxes (flattened), discrete (one-hot), multi-binary, and tuples or dicts of these (flattened, as Gymnasium orders
them). Actions: discrete, multi-discrete, and bounded or unbounded boxes; policies act in [-1, 1], which is stretched to the
bounds. The outcome is the reward: one number, or a MO-Gymnasium environment's vector. All three autoreset modes of
Gymnasium 1.x give the same transitions; a reset is never one of them.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from policybudget.errors import PolicyBudgetError, WorldError
from policybudget.worlds import spaces
from policybudget.worlds.interface import ActionSpace, Box, HostStep, HostWorld

NO_LIMIT = 10_000
"""Steps after which evaluation stops an episode of an environment that has no time limit."""

Factory = Callable[[int], Any]
Outcome = Callable[[np.ndarray, dict[str, Any]], np.ndarray]


class GymnasiumWorld(HostWorld):
    """Copies of an environment, made by a factory.

    Attributes:
        factory: takes N, gives a Gymnasium ``VectorEnv`` of N copies.
        label: how the world is called.
        observation_size, outcome_size, actions, time_limit: see :class:`World`.
        outcome: from (rewards, info) of a step to the outcome (N, d); None: the reward.
        components: names of the reward components, where the environment tells them.
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
        """How the world is called."""
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
        """N parallel copies."""
        return GymnasiumCopies(self, number)


def world_from(
    factory: Factory, name: str, outcome: Outcome | None = None, outcome_size: int | None = None
) -> GymnasiumWorld:
    """A world from a factory of vector environments.

    Args:
        factory: takes N, gives a ``VectorEnv`` of N copies, in any autoreset mode.
        name: how to call it.
        outcome: what of a step rewards are computed from, given (rewards, info); the reward if None.
        outcome_size: d, where ``outcome`` is given.

    Raises:
        PolicyBudgetError: its spaces are not supported.
    """
    try:
        example = factory(1)
    except Exception as error:
        raise PolicyBudgetError(f"world {name} could not be made: {_line(error)}") from error
    size = spaces.flat_size(name, example.single_observation_space)
    space = spaces.action_space(name, example.single_action_space)
    rewards = getattr(example, "reward_space", None)
    components = int(np.prod(rewards.shape[-1:])) if rewards is not None and rewards.shape else 1
    spec = getattr(example, "spec", None)
    limit = getattr(getattr(example, "task", None), "time_limit", None) or getattr(spec, "max_episode_steps", None)
    example.close()
    return GymnasiumWorld(factory, name, (size, outcome_size or components), space, limit or NO_LIMIT, outcome)


def world_by_id(identifier: str) -> GymnasiumWorld:
    """The world of a Gymnasium or MO-Gymnasium id.

    Raises:
        PolicyBudgetError: Gymnasium is not installed, there is no such id, or its spaces are not supported.
    """
    try:
        import gymnasium
    except ImportError:
        raise PolicyBudgetError('gym: worlds need Gymnasium: pip install "policybudget[gymnasium]"') from None
    try:
        import mo_gymnasium
    except ImportError:
        mo_gymnasium = None
    spec = gymnasium.registry.get(identifier)
    if spec is None:
        raise PolicyBudgetError(f"gym: must be followed by a Gymnasium or MO-Gymnasium id, got {identifier!r}")
    if mo_gymnasium is not None and str(spec.entry_point).startswith("mo_gymnasium"):
        vector = mo_gymnasium.wrappers.vector.MOSyncVectorEnv
        return world_from(lambda n: vector([lambda: mo_gymnasium.make(identifier)] * n), f"gym:{identifier}")
    return world_from(
        lambda n: gymnasium.make_vec(identifier, num_envs=n, vectorization_mode="sync"), f"gym:{identifier}"
    )


class GymnasiumCopies:
    """N copies behind one interface, whatever the autoreset mode and the spaces."""

    def __init__(self, world: GymnasiumWorld, number: int) -> None:
        from gymnasium.vector import AutoresetMode

        self.world, self.number, self.steps = world, number, 0
        self.env = self._guard(lambda: world.factory(number))
        mode = self.env.metadata.get("autoreset_mode", AutoresetMode.NEXT_STEP)
        self.mode = AutoresetMode(mode)
        self._modes = AutoresetMode
        self._ended = np.zeros(number, bool)
        self._observation = np.zeros((number, world.observation_size), np.float32)
        box = self.env.single_action_space
        self._scale: tuple[np.ndarray, np.ndarray] | None = None
        if isinstance(world.actions, Box):
            low, high = np.asarray(box.low, np.float64).ravel(), np.asarray(box.high, np.float64).ravel()
            bounded = np.isfinite(low) & np.isfinite(high)
            middle = np.where(bounded, (np.where(bounded, high, 0) + np.where(bounded, low, 0)) / 2, 0.0)
            self._scale = middle, np.where(bounded, np.where(bounded, high - low, 2.0) / 2, 1.0)
            self._bounds, self._shape, self._dtype = (low, high), (number, *box.shape), box.dtype

    def reset(self, seed: int) -> np.ndarray:
        """Observations (N, o) of fresh episodes."""
        observation, _ = self._guard(lambda: self.env.reset(seed=seed))
        self._ended[:] = False
        self._observation = self._flat(observation)
        return self._observation

    def step(self, actions: np.ndarray) -> HostStep:
        """Step every copy; see :class:`Copies`."""
        observation, reward, terminated, truncated, info = self._guard(lambda: self.env.step(self._actions(actions)))
        self.steps += 1
        reached = self._flat(observation)
        following, valid = reached, ~self._ended
        terminated, truncated = np.asarray(terminated, bool) & valid, np.asarray(truncated, bool) & valid
        ended = terminated | truncated
        if self.mode is self._modes.SAME_STEP:
            if ended.any():
                following = reached.copy()
                following[ended] = self._final(info, ended)
        elif self.mode is self._modes.NEXT_STEP:
            self._ended = ended
        elif ended.any():
            observation, _ = self._guard(lambda: self.env.reset(options={"reset_mask": ended}))
            reached = np.where(ended[:, None], self._flat(observation), reached)
        outcome = np.asarray(reward if self.world.outcome is None else self.world.outcome(reward, info), np.float32)
        outcome = outcome.reshape(self.number, -1)
        self._check(outcome, following, valid)
        self._observation = reached
        return HostStep(reached, following, outcome, terminated, truncated & ~terminated, valid)

    def state(self) -> dict[str, np.ndarray]:
        """What the environment's ``get_state`` gives, if it has one."""
        get = getattr(self.env, "get_state", None)
        return {} if get is None else get() | {"ended": self._ended.copy(), "steps": np.asarray(self.steps)}

    def restore(self, state: dict[str, np.ndarray]) -> None:
        """Hand a saved state to the environment."""
        given = dict(state)
        self._ended, self.steps = given.pop("ended").copy(), int(given.pop("steps"))
        self.env.set_state(given)

    def close(self) -> None:
        """Close the environment."""
        self.env.close()

    def _guard(self, call: Callable[[], Any]) -> Any:
        """Whatever an environment raises becomes one line that says where."""
        try:
            return call()
        except PolicyBudgetError as error:
            raise WorldError(f"world {self.world.name}, step {self.steps + 1}: {error}") from error
        except Exception as error:
            raise WorldError(f"world {self.world.name} failed in step {self.steps + 1}: {_line(error)}") from error

    def _check(self, outcome: np.ndarray, observation: np.ndarray, valid: np.ndarray) -> None:
        if outcome.shape[1] != self.world.outcome_size:
            raise WorldError(
                f"world {self.world.name}, step {self.steps}: expected {self.world.outcome_size} reward components, "
                f"got {outcome.shape[1]}"
            )
        for what, values in (("reward", outcome), ("observation", observation)):
            if np.isfinite(values.sum()):  # quick, and wrong only by overflow
                continue
            bad = np.argwhere(~np.isfinite(values) & valid[:, None])
            if len(bad):
                copy, component = bad[0]
                raise WorldError(
                    f"world {self.world.name}, step {self.steps}: {what} component {component} of copy {copy} is "
                    f"{values[copy, component]}; it must be finite"
                )

    def _actions(self, actions: np.ndarray) -> np.ndarray:
        if self._scale is None:
            return actions.astype(np.int64) + spaces.first_action(self.env.single_action_space)
        middle, half = self._scale
        stretched = np.clip(middle + half * actions, *self._bounds)
        return stretched.reshape(self._shape).astype(self._dtype)

    def _flat(self, observation: Any) -> np.ndarray:
        return spaces.flatten(self.env.single_observation_space, observation, self.number)

    def _final(self, info: dict[str, Any], ended: np.ndarray) -> np.ndarray:
        final = info.get("final_obs")
        if final is None:
            raise WorldError(f"world {self.world.name} resets in the same step but gives no final_obs")
        if isinstance(final, dict | tuple):
            return self._flat(final)[ended]
        space = self.env.single_observation_space
        return np.concatenate([spaces.flatten(space, spaces.one(space, final[i]), 1) for i in np.flatnonzero(ended)])


def _line(error: Exception) -> str:
    return " ".join(f"{type(error).__name__}: {error}".split())[:300]
