from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from policybudget.policies.networks import make_network
from policybudget.policies.stacked import make_actor, make_critic
from policybudget.worlds.interface import Box, Discrete

K, B, SIZES = 3, 5, (4, 6, 2)


def one_hot_forward(network: Any, x: np.ndarray) -> np.ndarray:
    """All k networks as one plain network that sees its policy as a one-hot input."""
    out = []
    for j in range(len(x)):
        rows = np.concatenate([x[j], np.tile(np.eye(len(x))[j], (len(x[j]), 1))], axis=1)
        for index, layer in enumerate(network.layers):
            weight, bias = np.asarray(layer.weight), np.asarray(layer.bias)
            weight = weight if weight.ndim == 2 else weight[j]
            if index == 0:  # first layer: the one-hot rows of the weights are the biases
                table = bias[:, 0] if bias.ndim == 3 else np.tile(bias, (len(x), 1))
                rows = rows @ np.concatenate([weight, table])
            else:
                rows = rows @ weight + (bias[j] if bias.ndim == 3 else bias)
            rows = np.tanh(rows) if index < len(network.layers) - 1 else rows
        out.append(rows)
    return np.stack(out)


@pytest.mark.parametrize("first", ["shared", "biases", "separate"])
@pytest.mark.parametrize("last", ["shared", "separate"])
def test_sharing_is_an_explicit_one_hot_network(first: Any, last: Any) -> None:
    network = make_network(jax.random.key(0), K, SIZES, (first, last), out_gain=1.0)
    x = np.random.default_rng(0).normal(size=(K, B, SIZES[0])).astype(np.float32)
    np.testing.assert_allclose(network(jnp.asarray(x)), one_hot_forward(network, x), rtol=2e-5, atol=2e-6)


def test_what_is_shared_and_what_is_not() -> None:
    network = make_network(jax.random.key(1), K, (4, 6, 6, 2), ("biases", "shared", "separate"), out_gain=0.01)
    shapes = [(layer.weight.shape, layer.bias.shape) for layer in network.layers]
    assert shapes == [((4, 6), (3, 1, 6)), ((6, 6), (6,)), ((3, 6, 2), (3, 1, 2))]
    assert network.multiplications == 4 * 6 + 6 * 6 + 6 * 2


def test_identical_inputs_give_identical_outputs_only_where_shared() -> None:
    x = jnp.broadcast_to(jnp.arange(4.0), (K, B, 4))
    shared = np.asarray(make_network(jax.random.key(2), K, SIZES, ("shared", "shared"), 1.0)(x))
    np.testing.assert_array_equal(shared[0], shared[2])
    for sharing in (("biases", "shared"), ("shared", "separate"), ("separate", "shared")):
        out = np.asarray(make_network(jax.random.key(2), K, SIZES, sharing, 1.0)(x))
        assert np.abs(out[0] - out[2]).max() > 1e-3


def test_orthogonal_with_gain() -> None:
    network = make_network(jax.random.key(3), 2, (7, 5, 3), ("shared", "separate"), out_gain=0.01)
    first = np.asarray(network.layers[0].weight)
    np.testing.assert_allclose(first.T @ first, 2.0 * np.eye(5), atol=1e-5)
    for weight in np.asarray(network.layers[1].weight):
        np.testing.assert_allclose(weight.T @ weight, 1e-4 * np.eye(3), atol=1e-9)
    assert all(not np.asarray(layer.bias).any() for layer in network.layers)
    one, other = np.asarray(network.layers[1].weight)
    assert np.abs(one - other).max() > 1e-4


def test_biases_are_drawn_as_weights_of_a_one_hot_input() -> None:
    layer = make_network(jax.random.key(4), 3, (4, 7), ("biases",), out_gain=1.0).layers[0]
    whole = np.concatenate([np.asarray(layer.weight), np.asarray(layer.bias)[:, 0]])
    np.testing.assert_allclose(whole.T @ whole, np.eye(7), atol=1e-5)


def test_actor_and_critic_shapes() -> None:
    actor = make_actor(jax.random.key(0), 2, 4, Discrete(3), (8, 8), "shared", -1.0)
    assert actor.log_std is None
    head = actor(jnp.zeros((2, 5, 4)))
    np.testing.assert_array_equal(head.out, np.zeros((2, 5, 3)))
    boxes = make_actor(jax.random.key(0), 2, 4, Box(3, (-1.0,) * 3, (1.0,) * 3), (8,), "separate", -0.5)
    np.testing.assert_array_equal(boxes.log_std, np.full((2, 1, 3), -0.5))
    assert boxes.network.layers[0].weight.shape == (2, 4, 8)
    critic = make_critic(jax.random.key(0), 2, 4, 6, (8, 8), "shared")
    assert critic(jnp.zeros((2, 5, 4))).shape == (2, 5, 6)
    values = np.asarray(critic(jnp.ones((2, 5, 4))))
    assert np.abs(values[0] - values[1]).max() > 1e-2, "the critic must see which policy it is for"
