"""What a world is. A world here is a single copy; samplers run k x E of them.

A world reports per transition an *outcome* (d numbers), from which the population computes the reward of every agent:
one transition serves all n agents (Section 3.2). ``terminated`` says that the episode ended by the rules of the world,
``truncated`` that only the clock stopped it; values are bootstrapped from the last observation of the latter.
"""

from __future__ import annotations

import abc
from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol, runtime_checkable

import equinox as eqx
import numpy as np
from jaxtyping import Array, Bool, Float, PRNGKeyArray

from policybudget.units import Units


@dataclass(frozen=True)
class Discrete:
    """One of several actions, 0 to size - 1.

    Attributes:
        size: how many.
    """

    size: int


@dataclass(frozen=True)
class Box:
    """Real numbers within bounds.

    Attributes:
        size: how many.
        low: the least that each may be; -inf for no bound.
        high: the most that each may be; inf for no bound.
    """

    size: int
    low: tuple[float, ...]
    high: tuple[float, ...]


@dataclass(frozen=True)
class MultiDiscrete:
    """Several choices at once.

    Attributes:
        sizes: component i is one of ``sizes[i]``, 0 to ``sizes[i] - 1``.
    """

    sizes: tuple[int, ...]

    @property
    def size(self) -> int:
        """Number of logits that a policy puts out."""
        return sum(self.sizes)


ActionSpace = Discrete | MultiDiscrete | Box


def action_space(units: Units) -> ActionSpace:
    """The action space as policies know it.

    Args:
        units: as environments know it.

    Returns:
        The action space; of a box its flat components, with its bounds.
    """
    if units.kind == "box":
        return Box(units.sizes[0], units.low, units.high)
    return Discrete(units.sizes[0]) if units.kind == "discrete" else MultiDiscrete(units.sizes)


def plain_units(space: ActionSpace) -> Units:
    """The units of a world that takes actions as policies give them.

    Args:
        space: of the actions.

    Returns:
        The units.
    """
    if isinstance(space, Box):
        return Units("box", (space.size,), space.low, space.high, shape=(space.size,), dtype="float32")
    if isinstance(space, Discrete):
        return Units("discrete", (space.size,))
    return Units("multi-discrete", space.sizes, shape=(len(space.sizes),))


class Transition(NamedTuple):
    """What one step of a world gives.

    Attributes:
        state: of the world after the step.
        observation: (o,) of that state.
        outcome: (d,) from which rewards are computed.
        terminated: the episode ended by the rules of the world.
        truncated: the time limit alone stopped it.
    """

    state: Any
    observation: Float[Array, " o"]
    outcome: Float[Array, " d"]
    terminated: Bool[Array, ""]
    truncated: Bool[Array, ""]


class World(eqx.Module):
    """What every world says of itself."""

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
    def units(self) -> Units:
        """The units that actions are in where they reach the environment itself; here those that policies act in."""
        return plain_units(self.actions)

    @property
    @abc.abstractmethod
    def time_limit(self) -> int:
        """Steps after which an episode is truncated."""

    @property
    def tells_clock(self) -> bool:
        """Whether the state of its copies has ``elapsed``, steps of each episode so far: episodes can be staggered."""
        return False

    @property
    def own_dynamics(self) -> bool:
        """Whether agents act in dynamics of their own: the world is then told whom each copy plays for."""
        return False


class JaxWorld(World):
    """A world written as two pure JAX functions of a single copy; samplers ``vmap`` them."""

    @property
    @abc.abstractmethod
    def without_chance(self) -> bool:
        """Whether all episodes begin alike and the same actions always give the same episode: keys change nothing."""

    @abc.abstractmethod
    def reset(self, key: PRNGKeyArray, task: Float[Array, " p"] | None = None) -> tuple[Any, Float[Array, " o"]]:
        """A fresh state and its observation.

        Args:
            key: of whatever is drawn.
            task: the agent's row of :attr:`Population.dynamics`; None where all agents share a dynamics.

        Returns:
            The state, and its observation (o,).
        """

    @abc.abstractmethod
    def step(self, state: Any, action: Array, key: PRNGKeyArray, task: Float[Array, " p"] | None = None) -> Transition:
        """One transition; after ``terminated`` or ``truncated`` the sampler resets.

        Args:
            state: as :meth:`reset` or an earlier step gave it.
            action: () for discrete actions, else (components,).
            key: of whatever is drawn.
            task: as in :meth:`reset`.

        Returns:
            The transition.
        """


class HostStep(NamedTuple):
    """What one step of E parallel copies on the host gives, as NumPy arrays.

    Attributes:
        observation: (E, o) to act on next, after any reset.
        next_observation: (E, o) that the transition really led to.
        outcome: (E, d).
        terminated: (E,) the episode ended by the rules of the world.
        truncated: (E,) the time limit alone stopped it.
        valid: (E,) False where the step was a reset, not a transition.
    """

    observation: np.ndarray
    next_observation: np.ndarray
    outcome: np.ndarray
    terminated: np.ndarray
    truncated: np.ndarray
    valid: np.ndarray


@runtime_checkable
class Copies(Protocol):
    """E parallel copies of a world on the host; a finished copy starts anew by itself."""

    def reset(self, seed: int, whom: np.ndarray | None = None) -> np.ndarray:
        """Begin fresh episodes.

        Args:
            seed: decides everything that is drawn from here on.
            whom: (E,) the agent that each copy plays for; None where all agents share a dynamics.

        Returns:
            (E, o) observations.
        """

    def step(self, actions: np.ndarray, following: np.ndarray | None = None) -> HostStep:
        """Step every copy.

        Args:
            actions: (E, ..) as policies give them.
            following: (E,) the agent that each copy plays for next, if its episode ends with this step; None where all
                agents share a dynamics.

        Returns:
            What came of it.

        Raises:
            WorldError: the world raised, died, or returned something that is not finite; it says where.
        """

    def state(self) -> dict[str, np.ndarray]:
        """Everything that the future depends on, or nothing where the world cannot tell."""

    def restore(self, state: dict[str, np.ndarray]) -> None:
        """Go on from a saved state.

        Args:
            state: as :meth:`state` gave it.
        """

    def close(self) -> None:
        """Let go of processes and threads."""


class HostWorld(World):
    """A world stepped on the host, outside the compiled program."""

    @abc.abstractmethod
    def copies(self, number: int, dynamics: np.ndarray | None = None) -> Copies:
        """Parallel copies, not yet reset.

        Args:
            number: E.
            dynamics: (n, p) what a world is told of each agent (:attr:`Population.dynamics`); None where all agents
                share a dynamics.

        Returns:
            The copies.
        """
