from __future__ import annotations

import math

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from policybudget.policies import actions
from policybudget.worlds.interface import Box, Discrete, MultiDiscrete

THREE = Discrete(3)
PLANE = Box(2, (-1.0, -1.0), (1.0, 1.0))


def test_categorical_numbers() -> None:
    head = actions.Head(jnp.log(jnp.array([[0.5, 0.25, 0.25], [0.2, 0.7, 0.1]])), None)
    chosen = jnp.array([1, 0])
    np.testing.assert_allclose(actions.log_prob(THREE, head, chosen), np.log([0.25, 0.2]), rtol=1e-6)
    expected = [1.5 * math.log(2), -(0.2 * math.log(0.2) + 0.7 * math.log(0.7) + 0.1 * math.log(0.1))]
    np.testing.assert_allclose(actions.entropy(THREE, head), expected, rtol=1e-6)
    np.testing.assert_array_equal(actions.mode(THREE, head), [0, 1])


def test_categorical_ignores_a_constant_added_to_logits() -> None:
    logits = jnp.array([[1.0, -2.0, 0.5]])
    first, second = (actions.Head(logits + c, None) for c in (0.0, 50.0))
    chosen = jnp.array([2])
    np.testing.assert_allclose(
        actions.log_prob(THREE, first, chosen), actions.log_prob(THREE, second, chosen), atol=1e-5
    )
    np.testing.assert_allclose(actions.entropy(THREE, first), actions.entropy(THREE, second), atol=1e-5)


@pytest.mark.parametrize(
    ("uniform", "expected"), [(0.0, 0), (0.499, 0), (0.501, 1), (0.749, 1), (0.751, 2), (0.9999999, 2)]
)
def test_inverse_cdf(uniform: float, expected: int) -> None:
    head = actions.Head(jnp.log(jnp.array([0.5, 0.25, 0.25])), None)
    assert int(actions.sample(THREE, head, jnp.asarray(uniform))) == expected


def test_sampling_frequencies() -> None:
    probabilities = np.array([[0.6, 0.3, 0.1], [0.05, 0.05, 0.9]])
    head = actions.Head(jnp.log(jnp.asarray(probabilities, jnp.float32))[:, None], None)
    head = actions.Head(jnp.broadcast_to(head.out, (2, 20_000, 3)), None)
    drawn = np.asarray(actions.sample(THREE, head, actions.noise(THREE, jax.random.key(0), (2, 20_000))))
    for row, p in zip(drawn, probabilities, strict=True):
        frequency = np.bincount(row, minlength=3) / row.size
        assert np.all(np.abs(frequency - p) < 4 * np.sqrt(p * (1 - p) / row.size))


def test_gaussian_numbers() -> None:
    mean, log_std = jnp.array([[1.0, -2.0]]), jnp.array([[0.0, math.log(2.0)]])
    head = actions.Head(mean, log_std)
    density = math.exp(-0.125) / math.sqrt(2 * math.pi) * math.exp(-0.5) / (2 * math.sqrt(2 * math.pi))
    value = actions.log_prob(PLANE, head, jnp.array([[1.5, 0.0]]))
    np.testing.assert_allclose(value, [math.log(density)], rtol=1e-6)
    entropy = 0.5 * math.log(2 * math.pi * math.e) + 0.5 * math.log(2 * math.pi * math.e * 4)
    np.testing.assert_allclose(actions.entropy(PLANE, head), [entropy], rtol=1e-6)
    np.testing.assert_array_equal(actions.mode(PLANE, head), mean)
    np.testing.assert_allclose(actions.sample(PLANE, head, jnp.array([[1.0, -0.5]])), [[2.0, -3.0]], rtol=1e-6)


def test_gaussian_moments() -> None:
    head = actions.Head(jnp.broadcast_to(jnp.array([3.0, -1.0]), (20_000, 2)), jnp.log(jnp.array([[0.5, 2.0]])))
    drawn = np.asarray(actions.sample(PLANE, head, actions.noise(PLANE, jax.random.key(1), (20_000,))))
    np.testing.assert_allclose(drawn.mean(0), [3.0, -1.0], atol=0.06)
    np.testing.assert_allclose(drawn.std(0), [0.5, 2.0], rtol=0.03)


def test_one_log_std_per_policy_serves_the_whole_batch() -> None:
    head = actions.Head(jnp.zeros((2, 5, 2)), jnp.array([[[0.0, 0.0]], [[1.0, -3.0]]]))
    entropy = actions.entropy(PLANE, head)
    assert entropy.shape == (2, 5)
    np.testing.assert_allclose(entropy[1] - entropy[0], np.full(5, -2.0), rtol=1e-5)


def test_multi_discrete_is_independent_components() -> None:
    space = MultiDiscrete((2, 3))
    logits = jnp.log(jnp.array([[0.25, 0.75, 0.5, 0.3, 0.2]]))
    head, chosen = actions.Head(logits, None), jnp.array([[0, 2]])
    np.testing.assert_allclose(actions.log_prob(space, head, chosen), [math.log(0.25 * 0.2)], rtol=1e-5)
    expected = -sum(p * math.log(p) for p in (0.25, 0.75, 0.5, 0.3, 0.2))
    np.testing.assert_allclose(actions.entropy(space, head), [expected], rtol=1e-5)
    np.testing.assert_array_equal(actions.mode(space, head), [[1, 0]])
    np.testing.assert_array_equal(actions.sample(space, head, jnp.array([[0.3, 0.9]])), [[1, 2]])
    assert actions.noise(space, jax.random.key(0), (7, 4)).shape == (7, 4, 2)
