"""What a world is. Axes: a world here is a single copy; samplers run k x E of them.

A world reports per transition an *outcome* (d numbers), from which the population computes everybody's reward: one
transition serves all n agents (Section 3.2). ``terminated`` says that the episode ended by the rules of the world,
``truncated`` that only the clock stopped it; values are bootstrapped from the last observation of the latter.
"""

from __future__ import annotations

import abc
from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol, runtime_checkable

import equinox as eqx
import numpy as np
from jaxtyping import Array, Bool, Float, PRNGKeyArray


@dataclass(frozen=True)
class Discrete:
    """One of ``size`` actions, 0 to size - 1."""

    size: int


@dataclass(frozen=True)
class Box:
    """``size`` real numbers, component i between ``low[i]`` and ``high[i]``."""

    size: int
    low: tuple[float, ...]
    high: tuple[float, ...]


@dataclass(frozen=True)
class MultiDiscrete:
    """Several choices at once: component i is one of ``sizes[i]``."""

    sizes: tuple[int, ...]

    @property
    def size(self) -> int:
        """Logits that a policy puts out for it."""
        return sum(self.sizes)


ActionSpace = Discrete | MultiDiscrete | Box


class Transition(NamedTuple):
    """What one step of a world gives."""

    state: Any
    observation: Float[Array, " o"]
    outcome: Float[Array, " d"]
    terminated: Bool[Array, ""]
    truncated: Bool[Array, ""]


class World(eqx.Module):
    """What every world tells about itself."""

    @property
    @abc.abstractmethod
    def name(self) -> str:
        """As given to ``--world``."""

    @property
    @abc.abstractmethod
    def observation_size(self) -> int:
        """o."""

    @property
    @abc.abstractmethod
    def outcome_size(self) -> int:
        """d, the numbers reported per transition."""

    @property
    @abc.abstractmethod
    def actions(self) -> ActionSpace:
        """The action space."""

    @property
    @abc.abstractmethod
    def time_limit(self) -> int:
        """Steps after which an episode is truncated."""


class JaxWorld(World):
    """A world written as two pure JAX functions of a single copy; samplers ``vmap`` them."""

    @property
    @abc.abstractmethod
    def without_chance(self) -> bool:
        """Whether all episodes begin alike and the same actions always give the same episode: keys change nothing."""

    @abc.abstractmethod
    def reset(self, key: PRNGKeyArray) -> tuple[Any, Float[Array, " o"]]:
        """A fresh state and its observation."""

    @abc.abstractmethod
    def step(self, state: Any, action: Array, key: PRNGKeyArray) -> Transition:
        """One transition; after ``terminated`` or ``truncated`` the sampler resets."""


class HostStep(NamedTuple):
    """What one step of N parallel copies on the host gives, as NumPy arrays.

    Attributes:
        observation: (N, o) to act on next, after any reset.
        next_observation: (N, o) that the transition really led to.
        outcome: (N, d).
        terminated, truncated: (N) the episode ended with this transition.
        valid: (N) False where the step was a reset, not a transition.
    """

    observation: np.ndarray
    next_observation: np.ndarray
    outcome: np.ndarray
    terminated: np.ndarray
    truncated: np.ndarray
    valid: np.ndarray


@runtime_checkable
class Copies(Protocol):
    """N parallel copies of a world on the host; a finished copy starts anew by itself."""

    def reset(self, seed: int) -> np.ndarray:
        """Observations (N, o) of fresh episodes."""

    def step(self, actions: np.ndarray) -> HostStep:
        """Step every copy; actions (N, ..) as policies give them.

        Raises:
            WorldError: the world raised, died, or returned something that is not finite; it says where.
        """

    def state(self) -> dict[str, np.ndarray]:
        """Everything that the future depends on, or nothing where the world cannot tell."""

    def restore(self, state: dict[str, np.ndarray]) -> None:
        """Go on from what :meth:`state` gave."""

    def close(self) -> None:
        """Let go of processes and threads."""


class HostWorld(World):
    """A world stepped on the host, outside the compiled program."""

    @abc.abstractmethod
    def copies(self, number: int) -> Copies:
        """N parallel copies, not yet reset."""
