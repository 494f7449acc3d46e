"""E copies of a Gymnasium environment behind one interface, whatever its autoreset mode and its spaces."""

from __future__ import annotations

import contextlib
import signal
import threading
from collections.abc import Callable, Iterator
from types import FrameType
from typing import Any, NoReturn, Protocol, TypeVar

import numpy as np
from numpy.typing import NDArray

from policybudget.errors import PolicyBudgetError, WorldError
from policybudget.from_file import brief, line
from policybudget.units import Units
from policybudget.worlds.gym import spaces
from policybudget.worlds.interface import HostStep

Given = TypeVar("Given")
WHOM = "whom"
"""The attribute by which an environment is told whom its next episode is for (:mod:`policybudget.worlds.gym.own`)."""
Factory = Callable[[int], Any]
Outcome = Callable[[np.ndarray, dict[str, Any]], np.ndarray]


class Recipe(Protocol):
    """What copies are made from."""

    @property
    def name(self) -> str:
        """How the world is called."""

    @property
    def factory(self) -> Factory:
        """Makes the vector environment."""

    @property
    def units(self) -> Units:
        """Of actions as the environment takes them."""

    @property
    def outcome(self) -> Outcome | None:
        """From (rewards, info) to the outcome; None: the reward."""

    @property
    def observation_size(self) -> int:
        """o."""

    @property
    def outcome_size(self) -> int:
        """d."""

    @property
    def step_timeout(self) -> float | None:
        """Seconds that a step or a reset may take; None for no limit."""


def close(env: Any) -> None:
    """Close an environment; what it raises then is of no use to anybody.

    Args:
        env: one environment or several.
    """
    try:
        with silence():
            env.close()
    except KeyboardInterrupt:
        raise
    except BaseException:  # also SystemExit, and what is no Exception at all
        return


class GymnasiumCopies:
    """E copies; every autoreset mode gives the same transitions, and no reset is one of them (``valid``).

    Args:
        world: what the copies are made from.
        number: E.

    Raises:
        WorldError: the factory raised, or gave something else than E copies.
    """

    def __init__(self, world: Recipe, number: int) -> None:
        from gymnasium.vector import AutoresetMode

        self.world, self.number, self.steps = world, number, 0
        self.env = self._guard(lambda: world.factory(number))
        if getattr(self.env, "num_envs", None) != number:
            raise WorldError(
                f"the factory of world {world.name} must give a VectorEnv of {number} copies, got {self.env!r}"
            )
        mode = self.env.metadata.get("autoreset_mode", AutoresetMode.NEXT_STEP)
        self._mode = self._guard(lambda: AutoresetMode(mode))
        self._modes = AutoresetMode
        self._space = self.env.single_observation_space
        self._outcome_of, self._size, self._shape = world.outcome, world.observation_size, (number, world.outcome_size)
        self._ended = np.zeros(number, bool)
        self._whom: np.ndarray | None = None

    def reset(self, seed: int, whom: np.ndarray | None = None) -> NDArray[np.float32]:
        """Begin fresh episodes; see :class:`Copies`.

        Args:
            seed: of the first states and of all that follows.
            whom: (E,) agents, for environments that are told (:mod:`policybudget.worlds.gym.own`).
        """
        self._tell(whom)
        observation = self._guard(lambda: self._flat(self.env.reset(seed=seed)[0]))
        self._check("observation after reset", observation)
        self._ended[:] = False
        return observation

    def step(self, actions: np.ndarray, following: np.ndarray | None = None) -> HostStep:
        """Step every copy; see :class:`Copies`.

        Args:
            actions: (N, ..) as policies give them.
            following: (E,) agents, for environments that are told.
        """
        after = self._guard(lambda: self._step(actions))
        if following is not None and self._ended.any():  # those copies are reset in the next step
            assert self._whom is not None
            self._tell(np.where(self._ended, following, self._whom))
        return after

    def _tell(self, whom: np.ndarray | None) -> None:
        """Whom the next episode of each copy is for."""
        self._whom = whom
        if whom is not None:
            self.env.set_attr(WHOM, [int(agent) for agent in whom])

    def _step(self, actions: np.ndarray) -> HostStep:
        reached, reward, terminated, truncated, info = self.env.step(self.world.units(actions))
        self.steps += 1
        reached = self._flat(reached)
        following, valid = reached, ~self._ended
        terminated, truncated = np.asarray(terminated, bool) & valid, np.asarray(truncated, bool) & valid
        ended = terminated | truncated
        if self._mode is self._modes.NEXT_STEP:
            self._ended = ended
        elif ended.any():
            if self._mode is self._modes.SAME_STEP:
                following = reached.copy()
                following[ended] = self._final(info, ended)
            else:
                fresh = self._flat(self.env.reset(options={"reset_mask": ended.copy()})[0])
                reached = np.where(ended[:, None], fresh, reached)
            self._check("observation after reset", reached)
        outcome = self._outcome(reward, info)
        outcome[~valid] = 0.0
        self._check("reward", outcome)
        self._check("observation", following)
        return HostStep(reached, following, outcome, terminated, truncated & ~terminated, valid)

    def state(self) -> dict[str, np.ndarray]:
        """What the environment's ``get_state`` gives, if it has one."""
        if getattr(self.env, "get_state", None) is None or getattr(self.env, "set_state", None) is None:
            return {}
        given = dict(self._guard(self.env.get_state))
        return given | {"ended": self._ended.copy(), "steps": np.asarray(self.steps)}

    def restore(self, state: dict[str, np.ndarray]) -> None:
        """Hand a saved state to the environment.

        Args:
            state: as :meth:`state` gave it.
        """
        given = {key: value for key, value in state.items() if key not in ("ended", "steps")}
        self._ended, self.steps = state["ended"].astype(bool), int(state["steps"])
        self._guard(lambda: self.env.set_state(given))

    def close(self) -> None:
        """Close the environment, its processes too if it has some."""
        close(self.env)

    def _guard(self, call: Callable[[], Given]) -> Given:
        """Turn whatever an environment raises into one line that says where."""
        where = f"world {self.world.name}, step {self.steps + 1}"
        try:
            with silence(), limit(self.world.step_timeout):
                return call()
        except PolicyBudgetError as error:
            self._abandon()
            text = str(error)
            raise WorldError(text if text.startswith("world ") else f"{where}: {text}") from error
        except (EOFError, ConnectionError) as error:
            self._abandon()
            raise WorldError(f"{where}: a worker process died ({type(error).__name__})") from error
        except KeyboardInterrupt:
            raise
        except BaseException as error:  # also SystemExit, and what is no Exception at all
            self._abandon()
            raise WorldError(f"{where}: the environment raised {line(error)}") from error

    def _abandon(self) -> None:
        """Let go of a broken environment's processes without waiting for answers."""
        env = getattr(getattr(self, "env", None), "unwrapped", None)
        if env is None or not hasattr(env, "processes"):
            return
        for process in env.processes:
            with contextlib.suppress(Exception):
                process.terminate()
        env.closed = True

    def _outcome(self, reward: Any, info: dict[str, Any]) -> NDArray[np.float32]:
        given = reward if self._outcome_of is None else self._outcome_of(reward, info)
        try:
            with np.errstate(over="ignore"):
                outcome = np.array(given, np.float32)
        except (TypeError, ValueError):
            raise WorldError(f"expected rewards that are numbers, as many for every copy, got {brief(given)}") from None
        outcome = outcome[:, None] if outcome.ndim == 1 else outcome
        if outcome.shape != self._shape:
            raise WorldError(
                f"expected {self._shape[1]} reward components for each of {self.number} copies, "
                f"got an array of shape {outcome.shape}; one that is declared or chosen must be what steps pay"
            )
        return outcome

    def _check(self, what: str, values: NDArray[np.float32]) -> None:
        with np.errstate(over="ignore", invalid="ignore"):
            if np.isfinite(values.sum()):  # quick; wrong only by overflow, then looked at closely
                return
        bad = np.argwhere(~np.isfinite(values))
        if len(bad):
            copy, component = bad[0]
            raise WorldError(
                f"world {self.world.name}, step {self.steps}: {what}, component {component} of copy {copy}: expected a "
                f"finite number, got {values[copy, component]}"
            )

    def _flat(self, observation: Any) -> NDArray[np.float32]:
        try:
            flat = spaces.flatten(self._space, observation, self.number)
        except (TypeError, ValueError, KeyError, IndexError):
            raise WorldError(
                f"expected observations of {self.number} copies as single_observation_space has them, {self._space}, "
                "got others; correct the space or what is returned"
            ) from None
        if flat.shape[1] != self._size:
            raise WorldError(f"expected observations of {self._size} numbers, got {flat.shape[1]}")
        return flat

    def _final(self, info: dict[str, Any], ended: NDArray[np.bool_]) -> NDArray[np.float32]:
        final = info.get("final_obs")
        if final is None:
            raise WorldError("its autoreset mode is SAME_STEP, but it gives no final_obs in the info")
        if isinstance(final, dict | tuple):
            return self._flat(final)[ended]
        space = self._space
        return np.concatenate(
            [spaces.flatten(space, spaces.as_batch(space, final[i]), 1) for i in np.flatnonzero(ended)]
        )


@contextlib.contextmanager
def limit(seconds: float | None) -> Iterator[None]:
    """End what takes too long: Python code, or the wait for a worker process.

    Args:
        seconds: that it may take; None for no limit.

    Raises:
        WorldError: it took longer; or this system or thread has no alarm.
    """
    if seconds is None:
        yield
        return
    if not hasattr(signal, "setitimer") or threading.current_thread() is not threading.main_thread():
        raise WorldError("a limit of seconds per step needs Linux or macOS, and the main thread; leave it out")

    def late(number: int, frame: FrameType | None) -> NoReturn:
        raise WorldError(f"the environment took longer than {seconds:g} s, the limit (--step-timeout)")

    before = signal.signal(signal.SIGALRM, late)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0.0)
        signal.signal(signal.SIGALRM, before)


@contextlib.contextmanager
def silence() -> Iterator[None]:
    """Keep Gymnasium's remarks and the tracebacks of its workers off standard error; errors are raised as one line."""
    from gymnasium import logger

    before, logger.min_level = logger.min_level, logger.ERROR + 1
    try:
        yield
    finally:
        logger.min_level = before
