from __future__ import annotations

import math
from dataclasses import replace

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from batches import SETTINGS, SPACES, K, M, N, loss, make

from policybudget.learning import ppo
from policybudget.learning.losses import Rows
from policybudget.learning.settings import surrogate


@pytest.mark.parametrize(
    ("ratio", "advantage", "expected"),
    [(1.5, 2.0, 2.4), (1.5, -2.0, -3.0), (0.5, 2.0, 1.0), (0.5, -2.0, -1.6), (1.1, 2.0, 2.2), (1.0, -3.0, -3.0)],
)
def test_clipped_surrogate_by_hand(ratio: float, advantage: float, expected: float) -> None:
    got = surrogate(jnp.asarray(ratio), jnp.asarray(advantage), 0.2)
    np.testing.assert_allclose(got, expected, rtol=1e-6)


@pytest.mark.parametrize(
    ("ratio", "advantage", "slope"), [(1.5, 2.0, 0.0), (1.5, -2.0, -2.0), (0.5, 2.0, 2.0), (0.5, -2.0, 0.0)]
)
def test_the_clipped_side_has_no_gradient(ratio: float, advantage: float, slope: float) -> None:
    gradient = jax.grad(lambda r: surrogate(r, jnp.asarray(advantage), 0.2))(jnp.asarray(ratio))
    assert float(gradient) == slope


def forward(layers: list[tuple[np.ndarray, np.ndarray]], j: int, x: np.ndarray) -> np.ndarray:
    """One network on one observation."""
    for index, (weight, bias) in enumerate(layers):
        x = x @ (weight[j] if weight.ndim == 3 else weight) + (bias[j, 0] if bias.ndim == 3 else bias)
        x = np.tanh(x) if index < len(layers) - 1 else x
    return x


def plain_loss(learned: ppo.Learned, rows: Rows, bonus: float, clip: float) -> tuple[float, dict[str, list[float]]]:
    """Section 3.2 with loops over policies and transitions, for both kinds of action, in NumPy."""
    actor, critic = (
        [(np.asarray(layer.weight), np.asarray(layer.bias)) for layer in network.layers]
        for network in (learned.actor.network, learned.critic)
    )
    total, report = 0.0, {"kl": [], "clip_fraction": [], "entropy": []}
    for j in range(K):
        used = [t for t in range(N) if rows.weight[j, t] > 0]
        policy = value = entropies = divergence = clipped = 0.0
        for t in used:
            out, action = forward(actor, j, rows.observation[j, t]), rows.action[j, t]
            if learned.actor.log_std is None:
                p = np.exp(out) / np.exp(out).sum()
                log_prob, entropy = np.log(p[action]), -(p * np.log(p)).sum()
            else:
                sigma = np.exp(learned.actor.log_std[j, 0])
                density = np.exp(-0.5 * ((action - out) / sigma) ** 2) / (sigma * math.sqrt(2 * math.pi))
                log_prob, entropy = np.log(density).sum(), np.log(sigma * math.sqrt(2 * math.pi * math.e)).sum()
            ratio, a = np.exp(log_prob - rows.log_prob[j, t]), rows.advantage[j, t]
            policy -= min(ratio * a, min(max(ratio, 1 - clip), 1 + clip) * a)
            predicted = forward(critic, j, rows.observation[j, t])
            value += sum((predicted[f] - rows.target[j, t, f]) ** 2 for f in range(M)) / (2 * M)
            entropies += entropy
            divergence += ratio - 1 - np.log(ratio)
            clipped += abs(ratio - 1) > clip
        total += (policy + value - bonus * entropies) / len(used) / K
        for name, x in (("kl", divergence), ("clip_fraction", clipped), ("entropy", entropies)):
            report[name].append(x / len(used))
    return total, report


@pytest.mark.parametrize("kind", ["discrete", "box"])
def test_loss_and_gradient_equal_a_plain_loop(kind: str) -> None:
    space = SPACES[kind]
    learned, rows = make(space)

    ours = eqx.filter_jit(eqx.filter_value_and_grad(lambda whole: loss(whole, rows, space), has_aux=True))
    (got, losses), gradient = ours(learned)
    assert 0 < float(losses["clip_fraction"].max()) < 1, "the batch must have ratios on both sides of the clip"

    leaves, tree = jax.tree.flatten(jax.tree.map(lambda x: np.asarray(x, np.float64), learned))
    numbers = jax.tree.map(lambda x: np.asarray(x, np.float64 if x.dtype == np.float32 else x.dtype), rows)
    expected, report = plain_loss(learned, numbers, 0.1, SETTINGS.clip)
    np.testing.assert_allclose(got, expected, rtol=1e-5)
    for name, values in report.items():
        np.testing.assert_allclose(losses[name], np.array(values), rtol=1e-4, atol=1e-6, err_msg=name)

    for leaf, ours_leaf in zip(leaves, jax.tree.leaves(gradient), strict=True):
        numeric = np.zeros_like(leaf)
        for where in np.ndindex(leaf.shape):
            sides = []
            for sign in (1, -1):
                kept = leaf[where]
                leaf[where] = kept + sign * 1e-6
                sides.append(plain_loss(jax.tree.unflatten(tree, leaves), numbers, 0.1, SETTINGS.clip)[0])
                leaf[where] = kept
            numeric[where] = (sides[0] - sides[1]) / 2e-6
        np.testing.assert_allclose(ours_leaf, numeric, rtol=1e-3, atol=2e-5)


def test_rows_without_weight_do_not_matter() -> None:
    space = SPACES["discrete"]
    learned, rows = make(space)
    unused = rows.weight == 0
    changed = replace(
        rows,
        observation=jnp.where(unused[..., None], 99.0, rows.observation),
        advantage=jnp.where(unused, 1e3, rows.advantage),
        target=jnp.where(unused[..., None], -1e3, rows.target),
    )
    np.testing.assert_allclose(loss(learned, changed, space)[0], loss(learned, rows, space)[0], rtol=1e-6)
