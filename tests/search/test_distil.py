"""Actors that repeat known episodes."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from policybudget.policies import actions
from policybudget.policies.normaliser import Normaliser
from policybudget.policies.stacked import Policies, make_actor
from policybudget.population import Outcome, Rewards
from policybudget.rollouts.compiled import play
from policybudget.search.distil import SURE, imitate, replay
from policybudget.worlds.grid.resource_gathering import ResourceGathering

WORLD = ResourceGathering()
# up, left, down, right: around a block of four tiles; up and down again
TAKEN = jnp.array([[0, 2, 1, 3, 0, 0], [0, 1, 3, 3, 3, 3]])
LENGTHS = jnp.array([4, 2])


def test_replay_shows_where_the_walker_was() -> None:
    seen = np.asarray(replay(WORLD, TAKEN))
    np.testing.assert_array_equal(seen[0, :4, :2], [[4, 2], [3, 2], [3, 1], [4, 1]])
    np.testing.assert_array_equal(seen[1, :2, :2], [[4, 2], [3, 2]])


def test_greedy_actors_repeat_their_episodes() -> None:
    fresh = make_actor(jax.random.key(1), 2, WORLD.observation_size, WORLD.actions, (64, 64), "shared", 0.0)
    actor = imitate(WORLD, fresh, Normaliser.start(WORLD.observation_size), TAKEN, LENGTHS)
    played = play(
        WORLD,
        Rewards(Outcome(), None),
        Policies(actor, Normaliser.start(WORLD.observation_size)),
        jax.random.key(0),
        1,
        True,
    )
    np.testing.assert_array_equal(played.lengths[:, 0], [4, 2])
    tiles = np.asarray(played.returns)[:, 0].reshape(2, 5, 5)
    assert tiles[0].sum() == 4 * 96 and tiles[0, 3, 1] == 96
    assert tiles[1].sum() == 2 * 98 and tiles[1, 3, 2] == 98
    sure = jnp.exp(actions.log_prob(WORLD.actions, actor(replay(WORLD, TAKEN)), TAKEN))
    assert float(jnp.where(jnp.arange(6) < LENGTHS[:, None], sure, 1.0).min()) == pytest.approx(
        1.0, abs=1.5 * (1 - SURE)
    )
