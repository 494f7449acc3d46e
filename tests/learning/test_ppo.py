from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax.flatten_util import ravel_pytree

from policybudget.learning import ppo
from policybudget.learning.settings import PPO
from policybudget.policies import actions
from policybudget.policies.stacked import make_actor, make_critic
from policybudget.worlds.interface import ActionSpace, Box, Discrete

K, N, O, M = 2, 8, 3, 2
SPACES = {"discrete": Discrete(3), "box": Box(2, (-1.0, -1.0), (1.0, 1.0))}
SETTINGS = PPO(
    copies=2, steps=4, minibatch=8, epochs=1, hidden=(4,), learning_rate=(1e-2, 1e-3), entropy=(0.1, 0.01), kl_limit=0.0
)


def make(space: ActionSpace, seed: int = 0, spread: float = 0.3) -> tuple[ppo.Learned, ppo.Rows]:
    """Actors, critics and a batch that was sampled by other actors, so that ratios are not 1."""
    keys = jax.random.split(jax.random.key(seed), 8)
    actor = make_actor(keys[0], K, O, space, (4,), "shared", -0.5)
    actor = jax.tree.map(lambda x: x + 0.5 * jax.random.normal(keys[1], x.shape), actor)
    critic = make_critic(keys[2], K, O, M, (4,), "shared")
    observation = jax.random.normal(keys[3], (K, N, O))
    head = actor(observation)
    action = actions.sample(space, head, actions.noise(space, keys[4], (K, N)))
    rows = ppo.Rows(
        observation=observation,
        action=action,
        log_prob=actions.log_prob(space, head, action) + spread * jax.random.normal(keys[5], (K, N)),
        advantage=jax.random.normal(keys[6], (K, N)),
        target=jax.random.normal(keys[7], (K, N, M)),
        weight=jnp.ones((K, N)).at[0, 2].set(0.0).at[1, 5:].set(0.0),
        features=None,
    )
    return ppo.Learned(actor, critic, None), rows


def loss(learned: ppo.Learned, rows: ppo.Rows, space: ActionSpace, bonus: float = 0.1) -> tuple[Any, dict[str, Any]]:
    """Actors' and critics' loss together, and what is reported."""
    actor, (losses, _) = ppo.actor_loss(learned.actor, rows, space, SETTINGS.clip, jnp.asarray(bonus))
    return actor + ppo.critic_loss(learned.critic, rows), losses._asdict()


@pytest.mark.parametrize(
    ("ratio", "advantage", "expected"),
    [(1.5, 2.0, 2.4), (1.5, -2.0, -3.0), (0.5, 2.0, 1.0), (0.5, -2.0, -1.6), (1.1, 2.0, 2.2), (1.0, -3.0, -3.0)],
)
def test_clipped_surrogate_by_hand(ratio: float, advantage: float, expected: float) -> None:
    got = ppo.surrogate(jnp.asarray(ratio), jnp.asarray(advantage), 0.2)
    np.testing.assert_allclose(got, expected, rtol=1e-6)


@pytest.mark.parametrize(
    ("ratio", "advantage", "slope"), [(1.5, 2.0, 0.0), (1.5, -2.0, -2.0), (0.5, 2.0, 2.0), (0.5, -2.0, 0.0)]
)
def test_the_clipped_side_has_no_gradient(ratio: float, advantage: float, slope: float) -> None:
    gradient = jax.grad(lambda r: ppo.surrogate(r, jnp.asarray(advantage), 0.2))(jnp.asarray(ratio))
    assert float(gradient) == slope


def forward(layers: list[tuple[np.ndarray, np.ndarray]], j: int, x: np.ndarray) -> np.ndarray:
    """One network on one observation."""
    for index, (weight, bias) in enumerate(layers):
        x = x @ (weight[j] if weight.ndim == 3 else weight) + (bias[j, 0] if bias.ndim == 3 else bias)
        x = np.tanh(x) if index < len(layers) - 1 else x
    return x


def plain_loss(learned: ppo.Learned, rows: ppo.Rows, bonus: float, clip: float) -> tuple[float, dict[str, list[float]]]:
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


@pytest.mark.parametrize(("progress", "expected"), [(0.0, 5e-4), (0.5, math.sqrt(5e-4 * 1e-4)), (1.0, 1e-4)])
def test_annealed_exponentially(progress: float, expected: float) -> None:
    np.testing.assert_allclose(ppo.annealed((5e-4, 1e-4), jnp.asarray(progress)), expected, rtol=1e-5)


@eqx.filter_jit
def improve(
    learned: Any, state: Any, rows: Any, progress: Any, space: Any, settings: PPO, loss: Any = None, rate: float = 0.0
) -> Any:
    key = jax.random.key(3)
    learned, state, losses = ppo.improve_actors(learned, state, rows, key, progress, space, settings, loss, rate)
    critic, critic_state = ppo.improve_critics(learned.critic, state[1], rows, key, progress, settings)
    learned = ppo.Learned(learned.actor, critic, learned.logits)
    return learned, (state[0], critic_state, state[2]), losses


def moves(settings: PPO, progress: float, learned: ppo.Learned, rows: ppo.Rows) -> tuple[np.ndarray, np.ndarray]:
    """How far actor and critic parameters move in ``improve``."""
    after, _, _ = improve(
        learned, ppo.start(settings, learned), rows, jnp.asarray(progress), SPACES["discrete"], settings
    )
    return tuple(
        np.asarray(ravel_pytree(new)[0] - ravel_pytree(old)[0])
        for new, old in ((after.actor, learned.actor), (after.critic, learned.critic))
    )  # type: ignore[return-value]


@pytest.mark.parametrize(("progress", "rate"), [(0.0, 1e-2), (0.5, math.sqrt(1e-5)), (1.0, 1e-3)])
def test_the_first_step_of_adam_is_the_annealed_rate(progress: float, rate: float) -> None:
    for moved in moves(SETTINGS, progress, *make(SPACES["discrete"])):
        np.testing.assert_allclose(np.abs(moved).max(), rate, rtol=1e-3)


def test_actor_and_critic_gradients_are_clipped_each_apart() -> None:
    # With an epsilon far above the gradient, Adam's first step is rate x clipped gradient / epsilon.
    settings = replace(SETTINGS, adam_epsilon=1e3, gradient_norm=0.5)
    learned, rows = make(SPACES["discrete"])
    far = replace(rows, target=100.0 + rows.target)
    for batch, critic_norm in ((rows, None), (far, 0.5)):
        actor, critic = (np.linalg.norm(moved) / 1e-2 * 1e3 for moved in moves(settings, 0.0, learned, batch))
        gradient = eqx.filter_grad(lambda whole, batch=batch: loss(whole, batch, SPACES["discrete"])[0])(learned)
        norms = [float(jnp.linalg.norm(ravel_pytree(part)[0])) for part in (gradient.actor, gradient.critic)]
        np.testing.assert_allclose(actor, min(norms[0], 0.5), rtol=1e-2)
        np.testing.assert_allclose(critic, critic_norm or min(norms[1], 0.5), rtol=1e-2)


def test_epochs_of_the_actors_stop_when_kl_passes_the_limit() -> None:
    learned, rows = make(SPACES["discrete"])
    base = replace(SETTINGS, minibatch=4)

    def after(**changes: Any) -> tuple[np.ndarray, np.ndarray]:
        return moves(replace(base, **changes), 0.0, learned, rows)

    one, five = after(epochs=1), after(epochs=5)
    assert np.abs(one[0] - five[0]).max() > 1e-2
    stopped, free = after(epochs=5, kl_limit=1e-9), after(epochs=5, kl_limit=1e9)
    np.testing.assert_allclose(stopped[0], one[0], rtol=1e-5, atol=1e-7)
    np.testing.assert_allclose(free[0], five[0], rtol=1e-5, atol=1e-7)
    for critic in (stopped[1], free[1]):  # critics have no policy that could move too far
        np.testing.assert_allclose(critic, five[1], rtol=1e-5, atol=1e-7)


def test_every_transition_is_used_once_per_epoch() -> None:
    # With a huge epsilon Adam follows the gradient; the steps of an epoch are averages of those of its minibatches.
    space = SPACES["discrete"]
    learned, rows = make(space)
    rows = replace(rows, weight=jnp.ones((K, N)))
    settings = replace(SETTINGS, minibatch=2, adam_epsilon=1e6, gradient_norm=1e9, learning_rate=(1.0, 1.0))
    critic = moves(settings, 0.0, learned, rows)[1] * 1e6
    whole = eqx.filter_grad(lambda one: loss(one, rows, space)[0])(learned).critic
    assert np.corrcoef(critic, -np.asarray(ravel_pytree(whole)[0]))[0, 1] > 0.9
    np.testing.assert_array_equal(critic, moves(settings, 0.0, learned, rows)[1] * 1e6)


def test_logits_take_adam_steps_of_their_own_rate() -> None:
    learned, rows = make(SPACES["discrete"])
    learned = ppo.Learned(learned.actor, learned.critic, jnp.zeros((K, 3)))
    slope = jnp.array([[1.0, -2.0, 0.5], [-1e-3, 3.0, -4.0]])
    after, _, _ = improve(
        learned, ppo.start(SETTINGS, learned), rows, jnp.asarray(0.0), SPACES["discrete"], SETTINGS,
        lambda logits, rows, ratio: jnp.sum(slope * logits), 0.05,
    )  # fmt: skip
    np.testing.assert_allclose(after.logits, -0.05 * np.sign(slope), rtol=1e-3)
