"""Resource Gathering: a walker leaves home, visits some of 25 tiles and comes back; each tile is wanted by one agent.

Barrett & Narayanan 2008, in the r-MDP form of Ivanov & Ben-Porat 2024, Section 4:

* a 5 x 5 grid, home at row 4, column 2; moves up, down, left, right; a bump into the wall stays in place;
* an arrival at home ends the episode, a bump into the wall at home too (T = 1);
* the agent of every visited tile is then paid 100 - T, T the length of the episode; home is itself a target tile;
* nothing is paid without return; 40 steps at most.

Ours: a step may slip, which then goes in a direction drawn at random. There is no archive of episodes that could be
repeated in such a world, so that general methods are tried against an optimum (:mod:`policybudget.exact.slippery`).
"""

from __future__ import annotations

from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float, Int, PRNGKeyArray

from policybudget.population import Population
from policybudget.worlds.interface import Discrete, JaxWorld, Transition

MOVES = ((-1, 0), (1, 0), (0, -1), (0, 1))


class Walker(NamedTuple):
    """State of one episode.

    Attributes:
        position: row and column.
        visited: (tiles,) the tiles that the walker has come to.
        time: steps so far.
    """

    position: Int[Array, " 2"]
    visited: Bool[Array, " tiles"]
    time: Int[Array, ""]


class ResourceGathering(JaxWorld):
    """The grid world above; its outcome is what each tile's agent is paid (d = tiles).

    Observation (4 + tiles): row, column, two flags that are always 0 (gold and gem in the original), visited tiles.

    Attributes:
        side: tiles along a side of the grid.
        home: row and column.
        limit: steps after which an episode is truncated.
        slip: the probability that a step goes in a direction drawn at random.
    """

    side: int = 5
    home: tuple[int, int] = (4, 2)
    limit: int = 40
    slip: float = 0.0

    @property
    def name(self) -> str:
        """As given to ``--world``."""
        options = [f"slip={self.slip:g}"] * (self.slip > 0) + [f"side={self.side}"] * (self.side != 5)
        return ":".join(["resource-gathering", *([",".join(options)] if options else [])])

    @property
    def time_limit(self) -> int:
        """40 steps in the paper."""
        return self.limit

    @property
    def without_chance(self) -> bool:
        """Nothing is drawn, if no step slips."""
        return self.slip == 0

    @property
    def tiles(self) -> int:
        """The number of tiles, and of agents."""
        return self.side * self.side

    @property
    def observation_size(self) -> int:
        """Row, column, two unused flags, visited tiles."""
        return 4 + self.tiles

    @property
    def outcome_size(self) -> int:
        """A payment per tile."""
        return self.tiles

    @property
    def actions(self) -> Discrete:
        """Up, down, left, right."""
        return Discrete(len(MOVES))

    def reset(self, key: PRNGKeyArray, task: Array | None = None) -> tuple[Walker, Float[Array, " o"]]:
        """At home, nothing visited."""
        del key
        walker = Walker(jnp.asarray(self.home, jnp.int32), jnp.zeros(self.tiles, bool), jnp.asarray(0, jnp.int32))
        return walker, _observe(walker)

    def step(self, state: Walker, action: Array, key: PRNGKeyArray, task: Array | None = None) -> Transition:
        """Move one tile."""
        if self.slip:
            slips, where = jax.random.split(key)
            drawn = jax.random.randint(where, jnp.shape(action), 0, len(MOVES))
            action = jnp.where(jax.random.bernoulli(slips, self.slip), drawn, action)
        position = jnp.clip(state.position + jnp.asarray(MOVES, jnp.int32)[action], 0, self.side - 1)
        tile = position[0] * self.side + position[1]
        visited = state.visited | (jnp.arange(self.tiles) == tile)
        time = state.time + 1
        terminated = jnp.all(position == jnp.asarray(self.home, jnp.int32))
        truncated = ~terminated & (time >= self.time_limit)
        outcome = jnp.where(terminated & visited, 100.0 - time.astype(jnp.float32), 0.0)
        walker = Walker(position, visited, time)
        return Transition(walker, _observe(walker), outcome, terminated, truncated)

    def population(self) -> Population:
        """One agent per tile, named by row and column."""
        tiles = np.array([(row, column) for row in range(self.side) for column in range(self.side)])
        return Population.from_features(
            [f"tile {row},{column}" for row, column in tiles],
            parameters=tiles.astype(np.float32),
            parameter_names=("row", "column"),
            return_scale=100.0,
        )


def _observe(walker: Walker) -> Float[Array, " o"]:
    flags = jnp.zeros(2, jnp.float32)
    return jnp.concatenate([walker.position.astype(jnp.float32), flags, walker.visited.astype(jnp.float32)])
