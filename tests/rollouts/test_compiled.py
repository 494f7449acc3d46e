"""Rollouts in worlds written in JAX."""

from __future__ import annotations

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jaxtyping import Array, Float, PRNGKeyArray
from worlds_with_known_answers import Aim, Clock, Levers

from policybudget.policies import actions
from policybudget.policies.normaliser import Normaliser
from policybudget.policies.stacked import Policies, make_actor
from policybudget.population import Outcome, Rewards
from policybudget.rollouts import compiled
from policybudget.rollouts.batch import account
from policybudget.worlds.interface import JaxWorld, Transition


def policies(world: JaxWorld, budget: int, seed: int = 0, hidden: tuple[int, ...] = (4,)) -> Policies:
    actor = make_actor(jax.random.key(seed), budget, world.observation_size, world.actions, hidden, "shared", -1.0)
    return Policies(actor, Normaliser.start(world.observation_size))


sample = eqx.filter_jit(compiled.rollout)
PAID = Rewards(Outcome(), None)


def test_truncated_episodes_start_anew_and_keep_their_last_observation() -> None:
    world = Clock(3)
    who = policies(world, 2)
    begun = compiled.start(world, (2, 3), jax.random.key(0))
    ongoing, batch = sample(world, who, begun, jax.random.key(1), 7)
    each = np.broadcast_to(np.array([0, 1, 2, 0, 1, 2, 0.0])[:, None, None], (7, 2, 3))
    np.testing.assert_array_equal(batch.observation[..., 0], each)
    np.testing.assert_array_equal(batch.next_observation[..., 0], each + 1)
    np.testing.assert_array_equal(batch.outcome[..., 0], each + 1)
    np.testing.assert_array_equal(batch.outcome[..., 1], batch.action)
    np.testing.assert_array_equal(batch.truncated, each == 2)
    assert not np.asarray(batch.terminated).any() and np.asarray(batch.valid).all()
    np.testing.assert_array_equal(ongoing.observation, np.ones((2, 3, 1)))
    ongoing, batch = sample(world, who, ongoing, jax.random.key(2), 7)
    np.testing.assert_array_equal(batch.observation[:, 0, 0, 0], [1, 2, 0, 1, 2, 0, 1])


@pytest.mark.parametrize("world", [Levers(3), Aim()])
def test_log_prob_is_that_of_the_action_that_was_taken(world: JaxWorld) -> None:
    who = policies(world, 2)
    _, batch = sample(world, who, compiled.start(world, (2, 4), jax.random.key(0)), jax.random.key(1), 5)
    head = jax.vmap(who)(batch.observation)
    expected = actions.log_prob(world.actions, actions.Head(head.out, head.log_std), batch.action)
    np.testing.assert_allclose(batch.log_prob, expected, rtol=1e-5, atol=1e-6)
    assert len(np.unique(np.asarray(batch.action))) > 1


def test_returns_go_on_over_batches() -> None:
    world = Clock(3)
    ongoing = compiled.start(world, (1, 2), jax.random.key(0))
    running = jnp.zeros((1, 2, 2))
    counts, totals = [], []
    for index in range(3):
        ongoing, batch = sample(world, policies(world, 1), ongoing, jax.random.key(index), 4)
        running, episodes = account(Outcome(), batch, running, 0.05)
        counts.append(float(episodes.count[0, 0]))
        totals.append(float(episodes.total[0, 0]))
    assert counts == [2.0, 2.0, 4.0] and totals == [12.0, 12.0, 24.0]
    np.testing.assert_array_equal(running, np.zeros((1, 2, 2)))


def test_play_plays_whole_episodes_once() -> None:
    played = eqx.filter_jit(compiled.play)(Clock(3), PAID, policies(Clock(3), 2), jax.random.key(0), 5, False)
    np.testing.assert_array_equal(played.returns[..., 0], np.full((2, 5), 6.0))
    np.testing.assert_array_equal(played.lengths, np.full((2, 5), 3.0))


def test_play_greedy_is_the_mode_and_sampling_is_not() -> None:
    world = Levers(3)
    who = policies(world, 2, seed=5)
    play = eqx.filter_jit(compiled.play)
    greedy = np.asarray(play(world, PAID, who, jax.random.key(0), 40, True).returns)
    chosen = np.asarray(who(jnp.ones((2, 1, 1))).out).argmax(-1)[:, 0]
    np.testing.assert_array_equal(greedy.argmax(-1), np.broadcast_to(chosen[:, None], (2, 40)))
    sampled = np.asarray(play(world, PAID, who, jax.random.key(0), 40, False).returns)
    assert all(len(np.unique(row.argmax(-1))) > 1 for row in sampled)


COUNTED: list[int] = []


class Counted(Clock):
    """A clock that writes down every reset that is really computed; with chance, episodes begin at 0 or at 1."""

    chance: bool = True

    @property
    def without_chance(self) -> bool:
        return not self.chance

    def reset(self, key: PRNGKeyArray, task: Array | None = None) -> tuple[Array, Float[Array, " o"]]:
        jax.debug.callback(lambda: COUNTED.append(1))
        if not self.chance:
            return super().reset(key)
        time = jax.random.bernoulli(key).astype(jnp.int32)
        return time, time.astype(jnp.float32)[None]

    def step(self, state: Array, action: Array, key: PRNGKeyArray, task: Array | None = None) -> Transition:
        return super().step(state, action, key)


def resets(world: JaxWorld, steps: int) -> tuple[int, int]:
    """Times that a rollout resets (all 2 x 3 copies at once), and the steps in which an episode ended."""
    begun = compiled.start(world, (2, 3), jax.random.key(0))
    jax.effects_barrier()
    COUNTED.clear()
    _, batch = sample(world, policies(world, 2), begun, jax.random.key(1), steps, world.without_chance)
    jax.block_until_ready(batch)
    jax.effects_barrier()
    return len(COUNTED), int(np.asarray(batch.terminated | batch.truncated).any(axis=(1, 2)).sum())


def test_first_states_are_drawn_in_steps_in_which_an_episode_ended_alone() -> None:
    computed, ended = resets(Counted(9), 20)
    assert 0 < ended < 10 and computed == ended
    assert resets(Counted(99), 20) == (0, 0)


def test_where_nothing_is_drawn_the_first_state_is_computed_once() -> None:
    computed, ended = resets(Counted(2, False), 20)
    assert ended == 10 and computed == 1


def test_first_states_of_episodes_differ_between_copies_and_steps() -> None:
    world = Counted(3)
    _, batch = sample(
        world, policies(world, 2), compiled.start(world, (2, 50), jax.random.key(0)), jax.random.key(1), 40
    )
    ended = np.asarray(batch.truncated)[:-1]
    first = np.asarray(batch.observation)[1:, ..., 0][ended]
    assert set(first) == {0.0, 1.0} and 0.4 < first.mean() < 0.6
