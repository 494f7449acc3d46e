"""Single environments side by side, as one vector environment that keeps rewards of several components.

Gymnasium's ``SyncVectorEnv`` stores one number per reward, and leaves it to NumPy to refuse what does not fit its
arrays. Here every environment is looked at on its way in: what is not as its spaces say is a sentence of its own.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from gymnasium import Env, Space, Wrapper
from gymnasium.spaces import Box
from gymnasium.vector import AutoresetMode, SyncVectorEnv

from policybudget.errors import WorldError
from policybudget.from_file import brief
from policybudget.worlds.gym import spaces


class SideBySide(SyncVectorEnv[Any, Any]):
    """E copies of an environment, stepped in turn; rewards are (E,), or (E, m) if the environment pays vectors.

    Args:
        make: makes one environment.
        number: E.
        mode: what happens when an episode ends: a copy is reset in the same step, or in the next.

    Raises:
        WorldError: ``make`` gave no environment, or one without spaces.
    """

    def __init__(self, make: Callable[[], Any], number: int, mode: AutoresetMode = AutoresetMode.NEXT_STEP) -> None:
        self.components: tuple[int, ...] | None = None
        super().__init__([lambda: Watched(_environment(make()), self)] * number, autoreset_mode=mode)
        declared = declared_size(self.envs[0])
        self._declares = declared is not None
        if declared is not None:
            self._hold((declared,))

    def accept(self, reward: Any) -> np.ndarray | float:
        """A reward as it is stored.

        Args:
            reward: what an environment gave.

        Returns:
            A number, or one per component.

        Raises:
            WorldError: it is neither, or has another number of components than before.
        """
        if self.components == () and isinstance(reward, float):  # the usual case; np.float64 is a float
            return reward
        try:
            given = np.asarray(reward, np.float64)
        except (TypeError, ValueError):
            raise WorldError(
                f"expected a reward that is a number, or an array of one number per component, got {brief(reward)}"
            ) from None
        if self.components is None:
            self._hold(given.shape)
        if given.shape == self.components:
            return given
        if given.size == 1 and self.components in ((), (1,)):
            return given.reshape(self.components)
        got = "one number" if given.ndim == 0 else f"an array of shape {given.shape}"
        assert self.components is not None
        expected = f"an array of shape {self.components}" if self.components else "one number"
        why, remedy = ("as its reward_space says", ", or correct reward_space") if self._declares else ("as before", "")
        raise WorldError(
            f"expected a reward that is {expected}, {why}, got {got}; return as many numbers in every step{remedy}"
        )

    def _hold(self, shape: tuple[int, ...]) -> None:
        """Make room for rewards of a shape."""
        if len(shape) > 1:
            raise WorldError(f"expected a reward with one number per component, got an array of shape {shape}")
        self.components = shape
        self._rewards = np.zeros((self.num_envs, *shape))


class Watched(Wrapper[Any, Any, Any, Any]):
    """An environment that is told in plain words what it gave instead of what its spaces promise.

    Args:
        env: the environment.
        among: the copies that it is one of.
    """

    def __init__(self, env: Env[Any, Any], among: SideBySide) -> None:
        super().__init__(env)
        self.among = among
        space = env.observation_space
        self._usual = (space.shape, space.dtype) if isinstance(space, Box) else None

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> tuple[Any, dict[str, Any]]:
        """Begin an episode.

        Args:
            seed: of all that is drawn from here on.
            options: of the environment.
        """
        given: Any = self.env.reset(seed=seed, options=options)
        if not isinstance(given, tuple) or len(given) != 2 or not isinstance(given[1], dict):
            raise WorldError(f"expected reset to return (observation, info), got {brief(given)}; info may be {{}}")
        self._look("reset", given[0])
        return given[0], given[1]

    def step(self, action: Any) -> tuple[Any, Any, bool, bool, dict[str, Any]]:
        """One transition.

        Args:
            action: of the environment's own space.
        """
        given: Any = self.env.step(action)
        if not isinstance(given, tuple) or len(given) != 5 or not isinstance(given[4], dict):
            raise WorldError(
                "expected step to return (observation, reward, terminated, truncated, info), "
                f"got {brief(given)}; info may be {{}}"
            )
        observation, reward, terminated, truncated, info = given
        self._look("step", observation)
        for what, flag in (("terminated", terminated), ("truncated", truncated)):
            if not isinstance(flag, bool | np.bool_) and np.ndim(flag) != 0:
                raise WorldError(f"expected {what} to be True or False, got {brief(flag)}")
        return observation, self.among.accept(reward), bool(terminated), bool(truncated), info

    def _look(self, where: str, observation: Any) -> None:
        if isinstance(observation, np.ndarray) and (observation.shape, observation.dtype) == self._usual:
            return
        wrong = spaces.misfit(self.env.observation_space, observation)
        if wrong:
            raise WorldError(f"expected {where} to return an observation of its observation_space, got {wrong}")


def declared_size(env: Any) -> int | None:
    """Number of reward components that a single environment declares, as those of MO-Gymnasium do.

    Args:
        env: an environment, or wrappers around one; the outermost ``reward_space`` counts.

    Returns:
        m, the length of its ``reward_space``; None if it has none, or None there.

    Raises:
        WorldError: the ``reward_space`` is no Box of one axis.
    """
    space = env.get_wrapper_attr("reward_space") if env.has_wrapper_attr("reward_space") else None
    if space is None:
        return None
    shape = getattr(space, "shape", None)
    if type(space).__name__ != "Box" or shape is None or len(shape) != 1 or shape[0] < 1:
        expected = "gymnasium.spaces.Box(low, high, (m,)) for m reward components"
        raise WorldError(f"expected reward_space to be {expected}, got {brief(space)}")
    return int(shape[0])


def _environment(made: Any) -> Env[Any, Any]:
    """What ``make`` gave, if it is an environment with spaces."""
    if not isinstance(made, Env):
        more = "; a function that makes n copies takes n as its argument" if hasattr(made, "num_envs") else ""
        raise WorldError(f"expected one gymnasium.Env, got {brief(made)}; return the environment that you made{more}")
    for what in ("observation_space", "action_space"):
        space = getattr(made, what, None)
        if not isinstance(space, Space):
            raise WorldError(
                f"expected {type(made.unwrapped).__name__}.{what} to be one of gymnasium.spaces, got {brief(space)}"
            )
    return made
