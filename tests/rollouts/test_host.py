"""Worlds stepped on the host give the batches and the episodes that compiled worlds give."""

from __future__ import annotations

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from gymnasium.vector import AutoresetMode
from gymnasium_worlds import Counting, copies_of
from worlds_with_known_answers import Aim, Clock, Levers

from policybudget.policies.normaliser import Normaliser
from policybudget.policies.stacked import Policies, make_actor
from policybudget.population import Outcome, Population, Rewards
from policybudget.rollouts import compiled, host
from policybudget.rollouts.batch import account
from policybudget.rollouts.sampler import play, sampler
from policybudget.worlds import world_from
from policybudget.worlds.grid.resource_gathering import ResourceGathering
from policybudget.worlds.interface import JaxWorld, World
from policybudget.worlds.jax_copies import JaxOnHost
from policybudget.worlds.mujoco.velocity import velocity_world

PAID = Rewards(Outcome(), None)


def policies(world: World, budget: int, seen: bool = False) -> Policies:
    actor = make_actor(jax.random.key(5), budget, world.observation_size, world.actions, (8, 8), "shared", -1.0)
    normaliser = Normaliser.start(world.observation_size)
    if seen:
        examples = jax.random.normal(jax.random.key(6), (50, world.observation_size))
        normaliser = normaliser.update(2 + 3 * examples, jnp.ones(50, bool))
    return Policies(actor, normaliser)


@pytest.mark.parametrize("seen", [False, True])
@pytest.mark.parametrize("world", [Clock(3), Levers(3), Aim(), ResourceGathering()])
def test_a_rollout_on_the_host_is_the_compiled_one(world: JaxWorld, seen: bool) -> None:
    who, key = policies(world, 2, seen), jax.random.key(1)
    ongoing, batch = compiled.rollout(world, who, compiled.start(world, (2, 3), jax.random.key(0)), key, 45)
    copies = host.HostSampler(JaxOnHost(world), 2, 3, PAID)
    began = copies.start(jax.random.key(0))
    after, given = copies.rollout(who, began, jax.random.split(key, 3)[0], 45)  # the others are the world's
    for name in ("observation", "action", "outcome", "terminated", "truncated", "next_observation", "valid"):
        np.testing.assert_allclose(getattr(given, name), getattr(batch, name), atol=1e-5, err_msg=name)
    np.testing.assert_allclose(given.log_prob, batch.log_prob, atol=1e-4)
    np.testing.assert_allclose(after.observation, ongoing.observation, atol=1e-5)


def test_staggered_copies_end_their_episodes_evenly_apart() -> None:
    world = velocity_world("half-cheetah")
    who, ends = policies(world, 2), []
    for stagger in (False, True):
        copies = sampler(world, 2, 4, PAID, stagger)
        batch = copies.rollout(who, copies.start(jax.random.key(0)), jax.random.key(1), 1100)[1]
        ends.append([np.flatnonzero(batch.truncated[:, j, e]).tolist() for j in range(2) for e in range(4)])
        copies.close()
    assert ends[0] == [[999]] * 8
    assert ends[1] == [[999], [749], [499], [249]] * 2, "and the next end 1000 steps later, after a reset"


@pytest.mark.parametrize("greedy", [True, False])
def test_play_returns(greedy: bool) -> None:
    played = play(JaxOnHost(Clock(4)), PAID, policies(Clock(4), 2), jax.random.key(0), 3, greedy)
    np.testing.assert_array_equal(played.returns[..., 0], np.full((2, 3), 1 + 2 + 3 + 4))
    np.testing.assert_array_equal(played.lengths, np.full((2, 3), 4))


def test_greedy_play_is_the_compiled_one() -> None:
    world = ResourceGathering()
    who = policies(world, 3)
    rewards = world.population().rewards
    expected = play(world, rewards, who, jax.random.key(0), 2, True)
    given = play(JaxOnHost(world), rewards, who, jax.random.key(0), 2, True)
    np.testing.assert_array_equal(given.returns, expected.returns)
    np.testing.assert_array_equal(given.lengths, expected.lengths)


@pytest.mark.parametrize("mode", tuple(AutoresetMode))
def test_play_counts_first_episodes_alone_in_every_autoreset_mode(mode: AutoresetMode) -> None:
    world = world_from(copies_of(Counting, mode), "counting", time_limit=9)
    free = Population.from_function(lambda seen: jnp.floor(seen.outcome), ["time"]).rewards
    played = play(world, free, policies(world, 2), jax.random.key(0), 3, False)
    np.testing.assert_array_equal(played.returns[..., 0], np.full((2, 3), 1 + 2))  # episode 0 ends after two steps
    np.testing.assert_array_equal(played.lengths, np.full((2, 3), 2))


def test_returns_of_finished_episodes_are_the_same_in_every_autoreset_mode() -> None:
    found = []
    for mode in AutoresetMode:
        world = world_from(copies_of(Counting, mode), "counting")
        copies = host.HostSampler(world, 1, 1, PAID)
        who = eqx.tree_at(lambda c: c.actor, policies(world, 1), jax.tree.map(jnp.zeros_like, policies(world, 1).actor))
        who = eqx.tree_at(lambda c: c.actor.network.layers[-1].bias, who, jnp.array([[[9e9, 0.0, 0.0]]]))  # action 0
        batch = copies.rollout(who, copies.start(jax.random.key(0)), jax.random.key(1), 7)[1]
        _, episodes = account(Outcome(), batch, jnp.zeros((1, 1, 1)), 0.5)
        found.append((float(episodes.count[0, 0]), float(episodes.total[0, 0])))
    first, second, third = 1 + 2, 11 + 12 + 13, 21 + 22
    # seven steps: with resets between them two whole episodes, else three
    assert dict(zip((mode.name for mode in AutoresetMode), found, strict=True)) == {
        "NEXT_STEP": (2.0, first + second),
        "SAME_STEP": (3.0, first + second + third),
        "DISABLED": (3.0, first + second + third),
    }
