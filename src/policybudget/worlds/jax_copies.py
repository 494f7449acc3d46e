"""E copies of a JAX world, stepped as those of a world on the host are: conformance is checked alike for both."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from policybudget.worlds.interface import ActionSpace, HostStep, HostWorld, JaxWorld


class JaxOnHost(HostWorld):
    """A JAX world, stepped as those on the host are: for policies that act in NumPy alone.

    Attributes:
        world: the world.
    """

    world: JaxWorld

    @property
    def name(self) -> str:
        """Of the world."""
        return self.world.name

    @property
    def observation_size(self) -> int:
        """Of the world."""
        return self.world.observation_size

    @property
    def outcome_size(self) -> int:
        """Of the world."""
        return self.world.outcome_size

    @property
    def actions(self) -> ActionSpace:
        """Of the world."""
        return self.world.actions

    @property
    def time_limit(self) -> int:
        """Of the world."""
        return self.world.time_limit

    @property
    def own_dynamics(self) -> bool:
        """Of the world."""
        return self.world.own_dynamics

    def copies(self, number: int, dynamics: np.ndarray | None = None) -> JaxCopies:
        """E parallel copies.

        Args:
            number: E.
            dynamics: (n, p) what the world is told of each agent; None where all agents share a dynamics.
        """
        return JaxCopies(self.world, number, None if dynamics is None else jnp.asarray(dynamics))


class JaxCopies:
    """E copies of a JAX world. Finished copies start anew in the same step, as in the compiled sampler.

    Args:
        world: to copy.
        number: E.
        dynamics: (n, p) what the world is told of each agent; None where all agents share a dynamics.
    """

    def __init__(self, world: JaxWorld, number: int, dynamics: Float[Array, "n p"] | None = None) -> None:
        self.number, self._dynamics = number, dynamics
        self._whom = np.arange(number)
        self._reset = jax.jit(jax.vmap(world.reset))
        self._step = jax.jit(jax.vmap(world.step))
        self._key, self._state, self._steps = jax.random.key(0), None, 0

    def reset(self, seed: int, whom: np.ndarray | None = None) -> np.ndarray:
        """Begin fresh episodes; see :class:`Copies`.

        Args:
            seed: of the first states and of all that follows.
            whom: (E,) agents; copy i plays for agent i mod n if None.
        """
        self._key, self._steps = jax.random.key(seed), 0
        self._whom = np.arange(self.number) if whom is None else whom
        self._state, observation = self._reset(self._keys(0), self._task())
        return np.asarray(observation)

    def step(self, actions: np.ndarray, following: np.ndarray | None = None) -> HostStep:
        """Step every copy; see :class:`Copies`.

        Args:
            actions: (N, ..) as policies give them.
            following: (E,) agents; the same as before if None.
        """
        self._steps += 1
        after = self._step(self._state, jnp.asarray(actions), self._keys(2 * self._steps), self._task())
        terminated, truncated = np.asarray(after.terminated), np.asarray(after.truncated)
        ended = terminated | truncated
        led = np.asarray(after.observation)
        self._state, observation = after.state, led
        if ended.any():
            self._whom = self._whom if following is None else np.where(ended, following, self._whom)
            state, fresh = self._reset(self._keys(2 * self._steps + 1), self._task())
            self._state = jax.tree.map(lambda new, old: _where(ended, new, old), state, after.state)
            observation = np.asarray(_where(ended, fresh, led))
        return HostStep(observation, led, np.asarray(after.outcome), terminated, truncated, np.ones(self.number, bool))

    def state(self) -> dict[str, np.ndarray]:
        """Nothing: the sampler keeps the state of JAX worlds itself."""
        return {}

    def restore(self, state: dict[str, np.ndarray]) -> None:
        """There is nothing to restore.

        Args:
            state: empty.
        """

    def close(self) -> None:
        """There is nothing to close."""

    def _task(self) -> Array | None:
        return None if self._dynamics is None else self._dynamics[self._whom % len(self._dynamics)]

    def _keys(self, number: int) -> jax.Array:
        return jax.random.split(jax.random.fold_in(self._key, number), self.number)


def _where(mask: np.ndarray, new: Any, old: Any) -> Any:
    return jnp.where(mask.reshape(mask.shape + (1,) * (jnp.ndim(new) - 1)), new, old)
