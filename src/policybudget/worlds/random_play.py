"""Random play in any world, for the checks of :mod:`policybudget.worlds.conformance`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import jax.numpy as jnp
import numpy as np

from policybudget.worlds.interface import Box, Copies, HostStep, HostWorld, JaxWorld, MultiDiscrete, World
from policybudget.worlds.jax_copies import JaxCopies

COPIES, SEED = 3, 7


@dataclass(frozen=True)
class Played:
    """What was seen, done and reached, step by step.

    Attributes:
        seen: per step, observations (E, o) before it.
        actions: per step, actions (E, ..).
        after: per step, what came of it.
        lengths: steps of each finished episode.
    """

    seen: list[np.ndarray]
    actions: list[np.ndarray]
    after: list[HostStep]
    lengths: list[int]


def copies_of(world: HostWorld | JaxWorld, dynamics: Any = None) -> Copies:
    """A few parallel copies of a world of either kind; one with own dynamics plays for the first agents.

    Args:
        world: to copy.
        dynamics: (n, p) of the agents, where they have dynamics of their own.

    Returns:
        ``COPIES`` copies, not yet reset.
    """
    if isinstance(world, HostWorld):
        return world.copies(COPIES, dynamics)
    return JaxCopies(world, COPIES, None if dynamics is None else jnp.asarray(dynamics))


def play(world: World, copies: Copies, first: np.ndarray, steps: int) -> Played:
    """Take random actions.

    Args:
        world: whose actions they are.
        copies: of the world, already reset.
        first: (E, o) observations after the reset.
        steps: how many.

    Returns:
        All that happened.
    """
    rng, elapsed = np.random.default_rng(SEED), np.zeros(COPIES, int)
    played, now = Played([], [], [], []), first
    for _ in range(steps):
        action = _random_action(world, rng)
        step = copies.step(action)
        played.seen.append(now)
        played.actions.append(action)
        played.after.append(step)
        elapsed += np.asarray(step.valid)
        for copy in np.flatnonzero(np.asarray(step.terminated) | np.asarray(step.truncated)):
            played.lengths.append(int(elapsed[copy]))
            elapsed[copy] = 0
        now = step.observation
    return played


def _random_action(world: World, rng: np.random.Generator) -> np.ndarray:
    """As an untrained policy gives it."""
    space = world.actions
    if isinstance(space, Box):
        return rng.normal(size=(COPIES, space.size)).astype(np.float32)
    if isinstance(space, MultiDiscrete):
        return rng.integers(0, space.sizes, (COPIES, len(space.sizes)), dtype=np.int32)
    return rng.integers(0, space.size, COPIES, dtype=np.int32)
