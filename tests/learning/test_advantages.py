from __future__ import annotations

from typing import Any

import equinox as eqx
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from policybudget.learning import advantages
from policybudget.population import Population
from policybudget.rollouts.batch import Batch, Ongoing

T, K, E, O, M = 6, 2, 3, 3, 2
CRITIC = np.array([[0.5, -1.0], [0.25, 2.0], [-0.75, 0.1]], np.float32)
GOES_ON, TERMINATED, TRUNCATED, BOTH, INVALID = range(5)


def plain_loop(
    value: np.ndarray,
    last: np.ndarray,
    final: np.ndarray,
    reward: np.ndarray,
    kind: np.ndarray,
    discount: float,
    lam: float,
) -> np.ndarray:
    """A_t of one world and one feature, as the textbook writes it; invalid rows are as if they were not there."""
    rows = [t for t in range(len(kind)) if kind[t] != INVALID]
    advantage = np.full(len(kind), np.nan)
    for position, t in enumerate(rows):
        total, weight = 0.0, 1.0
        for later_position in range(position, len(rows)):
            s = rows[later_position]
            if kind[s] in (TERMINATED, BOTH):
                following = 0.0
            elif kind[s] == TRUNCATED:
                following = final[s]
            else:
                following = value[rows[later_position + 1]] if later_position + 1 < len(rows) else last
            total += weight * (reward[s] + discount * following - value[s])
            weight *= discount * lam
            if kind[s] != GOES_ON:
                break
        advantage[t] = total
    return advantage


def paid(now: Batch) -> Any:
    return now.outcome


@eqx.filter_jit
def estimate(
    batch: Batch, after: Any, mixture: Any, discount: float, gae_lambda: float, keep: bool
) -> advantages.Estimate:
    rates = (discount, gae_lambda)
    return advantages.estimate(lambda o, _: o @ CRITIC, paid, batch, Ongoing(None, after), mixture, *rates, keep)


def make_batch(rng: np.random.Generator, kind: np.ndarray, sizes: tuple[int, ...] = (T, K, E)) -> Batch:
    def normal(*last: int) -> Any:
        return jnp.asarray(rng.normal(size=(*sizes, *last)), jnp.float32)

    return Batch(
        observation=normal(O),
        action=jnp.zeros(sizes, jnp.int32),
        log_prob=normal(),
        outcome=normal(M),
        terminated=jnp.asarray(np.isin(kind, (TERMINATED, BOTH))),
        truncated=jnp.asarray(np.isin(kind, (TRUNCATED, BOTH))),
        next_observation=normal(O),
        valid=jnp.asarray(kind != INVALID),
    )


@given(
    st.lists(st.sampled_from((0, 0, 0, 1, 2, 3, 4)), min_size=T * K * E, max_size=T * K * E),
    st.integers(0, 2**31),
    st.sampled_from(((1.0, 1.0), (0.9, 0.8), (0.99, 0.0))),
)
def test_equals_a_plain_loop(kinds: list[int], seed: int, rates: tuple[float, float]) -> None:
    rng = np.random.default_rng(seed)
    kind = np.array(kinds).reshape(T, K, E)
    batch = make_batch(rng, kind)
    after = jnp.asarray(rng.normal(size=(K, E, O)), jnp.float32)
    mixture = jnp.asarray(rng.normal(size=(K, M)), jnp.float32)
    got = estimate(batch, after, mixture, *rates, True)
    value, last, final = (np.asarray(x) @ CRITIC for x in (batch.observation, after, batch.next_observation))
    expected = np.full((T, K, E, M), np.nan)
    for j, e, f in np.ndindex(K, E, M):
        where = (slice(None), j, e)
        expected[(*where, f)] = plain_loop(
            value[(*where, f)],
            last[j, e, f],
            final[(*where, f)],
            np.asarray(batch.outcome)[(*where, f)],
            kind[where],
            *rates,
        )
    valid = kind != INVALID
    assert got.features is not None
    np.testing.assert_allclose(np.asarray(got.features)[valid], expected[valid], rtol=1e-4, atol=1e-4)
    np.testing.assert_allclose(np.asarray(got.target)[valid], (expected + value)[valid], rtol=1e-4, atol=1e-4)
    marginal = np.einsum("tkem,km->tke", expected, np.asarray(mixture))
    np.testing.assert_allclose(np.asarray(got.advantage)[valid], marginal[valid], rtol=1e-4, atol=1e-4)
    by_value = np.einsum("tkem,km->tke", value, np.asarray(mixture))
    np.testing.assert_allclose(np.asarray(got.value)[valid], by_value[valid], rtol=1e-4, atol=1e-4)


def one_world(kind: list[int], values: list[float], rewards: list[float], last: float, final: float) -> Any:
    """A batch of one world with one feature, whose observation is its value."""
    number = len(kind)

    def column(x: Any, dtype: Any = jnp.float32) -> Any:
        return jnp.asarray(x, dtype).reshape(number, 1, 1)

    batch = Batch(
        observation=column(values)[..., None],
        action=column([0] * number, jnp.int32),
        log_prob=column([0.0] * number),
        outcome=column(rewards)[..., None],
        terminated=column([k == TERMINATED for k in kind], bool),
        truncated=column([k == TRUNCATED for k in kind], bool),
        next_observation=jnp.full((number, 1, 1, 1), final),
        valid=column([k != INVALID for k in kind], bool),
    )
    after = jnp.full((1, 1, 1), last)
    got = advantages.estimate(lambda o, _: o, paid, batch, Ongoing(None, after), jnp.ones((1, 1)), 0.5, 0.5)
    assert got.features is None
    return np.asarray(got.advantage).ravel(), np.asarray(got.target).ravel()


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        # delta_2 = 3 + 0.5*4 - 6 = -1; delta_1 = 2 + 0.5*6 - 4 = 1; delta_0 = 1 + 0.5*4 - 2 = 1
        ([GOES_ON, GOES_ON, GOES_ON], [1.0 + 0.25 * 0.75, 1.0 - 0.25, -1.0]),
        # terminated at 1: delta_1 = 2 - 4 = -2, nothing comes back from step 2
        ([GOES_ON, TERMINATED, GOES_ON], [1.0 - 0.5, -2.0, -1.0]),
        # truncated at 1: delta_1 = 2 + 0.5*10 - 4 = 3 with the true last observation, nothing comes back from step 2
        ([GOES_ON, TRUNCATED, GOES_ON], [1.0 + 0.75, 3.0, -1.0]),
        # terminated at the last step: delta_2 = 3 - 6
        ([GOES_ON, GOES_ON, TERMINATED], [1.0 + 0.25 * (1.0 - 0.75), 1.0 - 0.75, -3.0]),
    ],
)
def test_by_hand(kind: list[int], expected: list[float]) -> None:
    advantage, target = one_world(kind, [2.0, 4.0, 6.0], [1.0, 2.0, 3.0], last=4.0, final=10.0)
    np.testing.assert_allclose(advantage, expected, rtol=1e-6)
    np.testing.assert_allclose(target, np.array(expected) + [2.0, 4.0, 6.0], rtol=1e-6)


@pytest.mark.parametrize("end", [TERMINATED, TRUNCATED])
def test_a_reset_row_as_gymnasiums_next_step_has_it_is_skipped(end: int) -> None:
    with_row, _ = one_world([GOES_ON, end, INVALID, GOES_ON], [2.0, 4.0, 77.0, 6.0], [1.0, 2.0, -55.0, 3.0], 4.0, 10.0)
    without, _ = one_world([GOES_ON, end, GOES_ON], [2.0, 4.0, 6.0], [1.0, 2.0, 3.0], 4.0, 10.0)
    np.testing.assert_array_equal(with_row[[0, 1, 3]], without)


def test_marginal_advantage_is_the_assignment_times_the_agents_advantages() -> None:
    rng = np.random.default_rng(0)
    kind = rng.choice(4, size=(T, K, E))
    batch, after = make_batch(rng, kind), jnp.asarray(rng.normal(size=(K, E, O)), jnp.float32)
    rewards = Population.from_weights(rng.normal(size=(5, M))).rewards
    alpha = rng.dirichlet(np.ones(K), size=5).T.astype(np.float32)
    got = estimate(batch, after, rewards.mixture(jnp.asarray(alpha)), 0.9, 0.8, True)
    of_agents = np.asarray(rewards.agents(got.features))
    np.testing.assert_allclose(got.advantage, np.einsum("tken,kn->tke", of_agents, alpha), rtol=1e-4, atol=1e-5)


def test_normalised_per_policy_over_valid_rows() -> None:
    advantage = jnp.array([[1.0, 3.0, 1e9, 5.0], [-2.0, 2.0, 2.0, -2.0]])
    weight = jnp.array([[1.0, 1.0, 0.0, 1.0], [1.0, 1.0, 1.0, 1.0]])
    half = np.sqrt(1.5)
    np.testing.assert_allclose(
        advantages.normalise(advantage, weight), [[-half, 0.0, 0.0, half], [-1.0, 1.0, 1.0, -1.0]], rtol=1e-5, atol=1e-5
    )


@pytest.mark.parametrize("scale", [1e-4, 1.0, 1e4])
def test_normalisation_does_not_see_the_size_of_a_group(scale: float) -> None:
    advantage = np.random.default_rng(0).normal(loc=3.0, size=(1, 64)).astype(np.float32)
    got = advantages.normalise(jnp.asarray(scale * advantage), jnp.ones((1, 64)))
    np.testing.assert_allclose(got, (advantage - advantage.mean()) / advantage.std(), atol=1e-3)


def test_a_policy_without_agents_or_rows_gets_zeros() -> None:
    got = advantages.normalise(jnp.array([[0.0, 0.0], [4.0, 9.0]]), jnp.array([[1.0, 1.0], [0.0, 0.0]]))
    np.testing.assert_array_equal(got, np.zeros((2, 2)))
