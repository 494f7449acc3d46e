from __future__ import annotations

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from worlds_with_known_answers import Aim, Clock, Levers

from policybudget.learning import rollout
from policybudget.policies import actions
from policybudget.policies.normaliser import Normaliser
from policybudget.policies.stacked import Policies, make_actor
from policybudget.population import Outcome
from policybudget.worlds.interface import JaxWorld


def policies(world: JaxWorld, budget: int, seed: int = 0, hidden: tuple[int, ...] = (4,)) -> Policies:
    actor = make_actor(jax.random.key(seed), budget, world.observation_size, world.actions, hidden, "shared", -1.0)
    return Policies(actor, Normaliser.start(world.observation_size))


sample = eqx.filter_jit(rollout.rollout)


def test_truncated_episodes_start_anew_and_keep_their_last_observation() -> None:
    world = Clock(3)
    who = policies(world, 2)
    begun = rollout.start(world, 2, 3, jax.random.key(0))
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
    _, batch = sample(world, who, rollout.start(world, 2, 4, jax.random.key(0)), jax.random.key(1), 5)
    head = jax.vmap(who)(batch.observation)
    expected = actions.log_prob(world.actions, actions.Head(head.out, head.log_std), batch.action)
    np.testing.assert_allclose(batch.log_prob, expected, rtol=1e-5)
    assert len(np.unique(np.asarray(batch.action))) > 1


def episodes_of(done: np.ndarray, outcome: np.ndarray, valid: np.ndarray) -> list[list[np.ndarray]]:
    """Per policy the returns of its finished episodes, in the order of time, then of worlds."""
    steps, budget, worlds, features = outcome.shape
    finished: list[list[np.ndarray]] = [[] for _ in range(budget)]
    running = np.zeros((budget, worlds, features))
    for t in range(steps):
        for j in range(budget):
            for e in range(worlds):
                if not valid[t, j, e]:
                    continue
                running[j, e] += outcome[t, j, e]
                if done[t, j, e]:
                    finished[j].append(running[j, e].copy())
                    running[j, e] = 0.0
    return finished


@given(st.integers(0, 2**31), st.sampled_from((0.0, 0.2, 0.9)), st.sampled_from((0.05, 0.5, 1.0)))
def test_returns_and_moving_average_equal_the_sequential_formula(seed: int, ends: float, mixing: float) -> None:
    rng = np.random.default_rng(seed)
    shape, features = (7, 2, 3), 2
    outcome = rng.normal(size=(*shape, features)).astype(np.float32)
    done, by_rules = rng.random(shape) < ends, rng.random(shape) < 0.5
    valid = rng.random(shape) < 0.8
    blank = jnp.zeros((*shape, 1))
    batch = rollout.Batch(
        blank, jnp.zeros(shape, int), jnp.zeros(shape), jnp.asarray(outcome), jnp.asarray(done & by_rules),
        jnp.asarray(done & ~by_rules), blank, jnp.asarray(valid),
    )  # fmt: skip
    _, got = account(batch, jnp.zeros((2, 3, features)), mixing)
    start = rng.normal(size=(2, features))
    for j, finished in enumerate(episodes_of(done, outcome, valid)):
        table = start[j]
        for one in finished:  # eq. 10
            table = (1 - mixing) * table + mixing * one
        assert float(got.count[j]) == len(finished)
        np.testing.assert_allclose(
            got.total[j], np.sum(finished, axis=0) if finished else np.zeros(2), rtol=1e-4, atol=1e-4
        )
        np.testing.assert_allclose(got.kept[j] * start[j] + got.recent[j], table, rtol=1e-4, atol=1e-4)


@eqx.filter_jit
def account(batch: rollout.Batch, running: jax.Array, mixing: float) -> tuple[jax.Array, rollout.Episodes]:
    return rollout.account(Outcome(), batch, running, mixing)


def test_returns_go_on_over_batches() -> None:
    world = Clock(3)
    ongoing = rollout.start(world, 1, 2, jax.random.key(0))
    running = jnp.zeros((1, 2, 2))
    counts, totals = [], []
    for index in range(3):
        ongoing, batch = sample(world, policies(world, 1), ongoing, jax.random.key(index), 4)
        running, episodes = account(batch, running, 0.05)
        counts.append(float(episodes.count[0]))
        totals.append(float(episodes.total[0, 0]))
    assert counts == [2.0, 2.0, 4.0] and totals == [12.0, 12.0, 24.0]
    np.testing.assert_array_equal(running, np.zeros((1, 2, 2)))


def test_play_plays_whole_episodes_once() -> None:
    played = eqx.filter_jit(rollout.play)(Clock(3), Outcome(), policies(Clock(3), 2), jax.random.key(0), 5, False)
    np.testing.assert_array_equal(played.returns[..., 0], np.full((2, 5), 6.0))
    np.testing.assert_array_equal(played.lengths, np.full((2, 5), 3.0))


def test_play_greedy_is_the_mode_and_sampling_is_not() -> None:
    world = Levers(3)
    who = policies(world, 2, seed=5)
    play = eqx.filter_jit(rollout.play)
    greedy = np.asarray(play(world, Outcome(), who, jax.random.key(0), 40, True).returns)
    chosen = np.asarray(who(jnp.ones((2, 1, 1))).out).argmax(-1)[:, 0]
    np.testing.assert_array_equal(greedy.argmax(-1), np.broadcast_to(chosen[:, None], (2, 40)))
    sampled = np.asarray(play(world, Outcome(), who, jax.random.key(0), 40, False).returns)
    assert all(len(np.unique(row.argmax(-1))) > 1 for row in sampled)
