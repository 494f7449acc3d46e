"""Returns of the episodes that end in a batch."""

from __future__ import annotations

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from policybudget.population import Outcome, Population
from policybudget.rollouts import batch as batches
from policybudget.rollouts.batch import Batch, Episodes, Played, by_agent, draw_agents, everybody


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
    batch = Batch(
        blank, jnp.zeros(shape, int), jnp.zeros(shape), jnp.asarray(outcome), jnp.asarray(done & by_rules),
        jnp.asarray(done & ~by_rules), blank, jnp.asarray(valid),
    )  # fmt: skip
    _, got = account(batch, jnp.zeros((2, 3, features)), mixing)
    start = rng.normal(size=(2, features))
    for j, finished in enumerate(episodes_of(done, outcome, valid)):
        table = start[j]
        for one in finished:  # eq. 10
            table = (1 - mixing) * table + mixing * one
        assert float(got.count[j, 0]) == len(finished)
        np.testing.assert_allclose(
            got.total[j], np.sum(finished, axis=0) if finished else np.zeros(2), rtol=1e-4, atol=1e-4
        )
        np.testing.assert_allclose(got.kept[j] * start[j] + got.recent[j], table, rtol=1e-4, atol=1e-4)


@eqx.filter_jit
def account(batch: Batch, running: jax.Array, mixing: float) -> tuple[jax.Array, Episodes]:
    return batches.account(Outcome(), batch, running, mixing)


WEIGHTS = np.array([[1.0, 0.0], [0.5, -1.0], [0.0, 2.0], [3.0, 1.0]], np.float32)


@given(st.integers(0, 2**31), st.sampled_from((0.0, 0.2, 0.9)), st.sampled_from((0.05, 0.5, 1.0)))
def test_returns_of_agents_with_their_own_dynamics_equal_a_plain_loop(seed: int, ends: float, mixing: float) -> None:
    rng = np.random.default_rng(seed)
    shape, agents = (9, 2, 3), len(WEIGHTS)
    outcome = rng.normal(size=(*shape, 2)).astype(np.float32)
    done, valid = rng.random(shape) < ends, rng.random(shape) < 0.8
    whom = rng.integers(0, agents, shape)
    for t in range(1, len(whom)):  # a copy plays for the same agent until its episode ends
        whom[t] = np.where(done[t - 1] & valid[t - 1], whom[t], whom[t - 1])
    blank = jnp.zeros((*shape, 1))
    batch = Batch(
        blank, jnp.zeros(shape, int), jnp.zeros(shape), jnp.asarray(outcome), jnp.asarray(done),
        jnp.zeros(shape, bool), blank, jnp.asarray(valid), jnp.asarray(whom),
    )  # fmt: skip
    start, table = rng.normal(size=(2, 3)).astype(np.float32), rng.normal(size=(2, agents))
    left, got = account_alone(batch, jnp.asarray(start)[..., None], mixing)
    running, expected = start.astype(float), table.copy()
    count, total = np.zeros((2, agents)), np.zeros((2, agents))
    for t, j, e in np.ndindex(*shape):
        if not valid[t, j, e]:
            continue
        i = whom[t, j, e]
        running[j, e] += outcome[t, j, e] @ WEIGHTS[i]
        if done[t, j, e]:
            count[j, i] += 1
            total[j, i] += running[j, e]
            expected[j, i] = (1 - mixing) * expected[j, i] + mixing * running[j, e]  # eq. 10
            running[j, e] = 0.0
    np.testing.assert_array_equal(got.count, count)
    np.testing.assert_allclose(got.total, total, rtol=1e-4, atol=1e-4)
    np.testing.assert_allclose(got.kept, (1 - mixing) ** count, rtol=1e-4, atol=1e-6)
    np.testing.assert_allclose(got.kept * table + got.recent, expected, rtol=1e-4, atol=1e-4)
    np.testing.assert_allclose(left[..., 0], running, rtol=1e-4, atol=1e-4)


@eqx.filter_jit
def account_alone(batch: Batch, running: jax.Array, mixing: float) -> tuple[jax.Array, Episodes]:
    rewards = Population.from_weights(WEIGHTS, dynamics=np.zeros((len(WEIGHTS), 0))).rewards
    return batches.account_alone(rewards, batch, running, mixing, len(WEIGHTS))


def test_copies_play_for_agents_in_proportion_to_their_shares() -> None:
    shares = jnp.array([[3.0, 1.0, 0.0, 0.0], [0.0, 0.0, 0.0, 0.1], [0.0, 0.0, 0.0, 0.0]])
    drawn = np.asarray(draw_agents(shares, jax.random.key(0), 4000))
    frequencies = np.stack([np.bincount(row, minlength=4) / 4000 for row in drawn])
    np.testing.assert_array_equal(frequencies[:2] == 0, np.asarray(shares[:2]) == 0)
    np.testing.assert_allclose(frequencies, [[0.75, 0.25, 0, 0], [0, 0, 0, 1], [0.25] * 4], atol=0.03)
    np.testing.assert_array_equal(drawn, draw_agents(shares, jax.random.key(0), 4000))


def test_everybody_is_played_for_and_returns_come_back_by_agent() -> None:
    rewards = Population.from_weights(WEIGHTS, dynamics=np.zeros((4, 0))).rewards
    whom = everybody(rewards, 2, 3)
    np.testing.assert_array_equal(whom, [[0, 0, 0, 1, 1, 1, 2, 2, 2, 3, 3, 3]] * 2)
    assert everybody(Population.from_weights(WEIGHTS).rewards, 2, 3) is None
    episodes = jnp.arange(24.0).reshape(2, 12)
    played = by_agent(Played(episodes[..., None], episodes), 3)
    np.testing.assert_array_equal(played.returns[0], [[0, 3, 6, 9], [1, 4, 7, 10], [2, 5, 8, 11]])
    np.testing.assert_array_equal(played.returns[1], np.asarray(played.returns[0]) + 12)
    np.testing.assert_array_equal(played.lengths[0], [(0 + 3 + 6 + 9) / 4, 22 / 4, 26 / 4])
