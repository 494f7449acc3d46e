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

from policybudget.learning import optimiser, ppo
from policybudget.learning.settings import PPO, surrogate
from policybudget.policies import actions
from policybudget.policies.stacked import make_actor, make_critic
from policybudget.worlds.interface import ActionSpace, Box, Discrete

K, N, O, M = 2, 8, 3, 2
SPACES = {"discrete": Discrete(3), "box": Box(2, (-1.0, -1.0), (1.0, 1.0))}
SETTINGS = PPO(
    copies=2, steps=4, minibatch=8, epochs=1, hidden=(4,), learning_rate=(1e-2, 1e-3), entropy=(0.1, 0.01), kl_limit=0.0
)


def make(space: ActionSpace, seed: int = 0, spread: float = 0.3, trunk: Any = "shared") -> tuple[ppo.Learned, ppo.Rows]:
    """Actors, critics and a batch that was sampled by other actors, so that ratios are not 1."""
    keys = jax.random.split(jax.random.key(seed), 8)
    actor = make_actor(keys[0], K, O, space, (4,), trunk, -0.5)
    actor = jax.tree.map(lambda x: x + 0.5 * jax.random.normal(keys[1], x.shape), actor)
    critic = make_critic(keys[2], K, O, M, (4,), trunk)
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
    actor, (losses, _) = ppo.actor_loss(learned.actor, rows, space, SETTINGS, jnp.asarray(bonus), jnp.ones(K))
    return actor + ppo.critic_loss(learned.critic, rows), losses._asdict()


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
    np.testing.assert_allclose(optimiser.annealed((5e-4, 1e-4), jnp.asarray(progress)), expected, rtol=1e-5)


@eqx.filter_jit
def improve(
    learned: Any, state: Any, rows: Any, progress: Any, space: Any, settings: PPO, assignment: Any = None
) -> Any:
    key = jax.random.key(3)
    learned, state, losses = ppo.improve_actors(learned, state, rows, key, progress, space, settings, assignment)
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


def clipped_by_hand(gradient: Any, limit: float) -> tuple[np.ndarray, int]:
    """Shared leaves by their norm; those of each policy, (K, .., ..), by the norm of what its own loss gives it.

    Returns:
        The gradient as a flat vector, and how many of the K + 1 parts were clipped.
    """
    leaves = [np.asarray(leaf, np.float64) for leaf in jax.tree.leaves(gradient)]
    shared = math.sqrt(sum((leaf**2).sum() for leaf in leaves if leaf.ndim < 3))
    own = [K * math.sqrt(sum((leaf[j] ** 2).sum() for leaf in leaves if leaf.ndim == 3)) for j in range(K)]
    factors = np.array([min(1.0, limit / norm) if norm > 0 else 1.0 for norm in own])
    of_own_loss = K * factors[:, None, None]  # the loss is a mean over K
    factor = min(1.0, limit / shared) if shared > 0 else 1.0
    parts = [leaf * (of_own_loss if leaf.ndim == 3 else factor) for leaf in leaves]
    return np.concatenate([part.ravel() for part in parts]), int((factors < 1).sum()) + int(factor < 1)


@pytest.mark.parametrize("trunk", ["shared", "separate"])
@pytest.mark.parametrize(("far", "limit"), [(0.0, 0.05), (100.0, 0.5), (0.0, 1e3)])
def test_gradients_are_clipped_those_of_each_policy_apart_from_shared_ones(
    trunk: str, far: float, limit: float
) -> None:
    # Adam's first step is rate x g / (|g| + epsilon); with a large epsilon it tells the size of g.
    settings = replace(SETTINGS, adam_epsilon=1e2, gradient_norm=limit, learning_rate=(1.0, 1.0))
    learned, rows = make(SPACES["discrete"], trunk=trunk)
    rows = replace(rows, target=far + rows.target, advantage=rows.advantage * jnp.array([[1.0], [30.0]]))
    gradient = eqx.filter_grad(lambda whole: loss(whole, rows, SPACES["discrete"])[0])(learned)
    numbers = []
    for moved, part in zip(moves(settings, 0.0, learned, rows), (gradient.actor, gradient.critic), strict=True):
        expected, number = clipped_by_hand(part, limit)
        first_step = expected / (np.abs(expected) + 1e2)
        np.testing.assert_allclose(-moved, first_step, rtol=1e-2, atol=1e-2 * np.abs(first_step).max())
        numbers.append(number)
    if limit < 1:
        assert numbers[0] >= 1 and (far == 0.0 or numbers[1] >= 1), "something must have been clipped"
    else:
        assert numbers == [0, 0]


def parts_of(rows: ppo.Rows, j: int) -> ppo.Rows:
    """The rows of one policy."""
    one: ppo.Rows = jax.tree.map(lambda x: x[j : j + 1], rows)
    return one


def test_policies_that_share_nothing_learn_together_as_each_would_alone() -> None:
    # the gradients of policy 0 are so large that their norm would shrink those of policy 1 to nothing
    space = SPACES["discrete"]
    learned, rows = make(space, trunk="separate")
    rows = replace(
        rows, advantage=rows.advantage * jnp.array([[1e3], [1.0]]), target=rows.target * jnp.array([[[1e3]], [[1.0]]])
    )
    settings = replace(SETTINGS, epochs=3, minibatch=4, entropy=(1e-3, 1e-3))
    together, _, _ = improve(learned, ppo.start(settings, learned), rows, jnp.asarray(0.0), space, settings)
    for j in range(K):
        single = learned.of(jnp.array([j]))
        alone, _, _ = improve(single, ppo.start(settings, single), parts_of(rows, j), jnp.asarray(0.0), space, settings)
        got = together.of(jnp.array([j]))
        for before, joint, apart in zip(*(jax.tree.leaves(part.actor) for part in (single, got, alone)), strict=True):
            assert float(jnp.abs(apart - before).max()) > 1e-3, "it must have learned"
            np.testing.assert_allclose(joint, apart, atol=5e-6)


def test_a_policy_that_diverges_stops_alone() -> None:
    # policy 0 is pulled far away in every minibatch; policy 1 hardly moves
    space, key = SPACES["discrete"], jnp.asarray(0.0)
    learned, rows = make(space, trunk="separate", spread=0.0)
    rows = replace(rows, log_prob=actions.log_prob(space, learned.actor(rows.observation), rows.action))
    calm = replace(rows, advantage=rows.advantage * jnp.array([[0.0], [0.1]]), weight=jnp.ones((K, N)))
    wild = replace(calm, advantage=jnp.stack([1e4 * rows.advantage[0], calm.advantage[1]]))
    settings = replace(
        SETTINGS,
        epochs=6,
        minibatch=2,
        learning_rate=(3e-2, 3e-2),
        entropy=(1e-9, 1e-9),
        kl_limit=0.05,
        clip=10.0,
        adam_epsilon=1.0,
        gradient_norm=1e9,
    )

    def after(batch: ppo.Rows, **changes: Any) -> tuple[ppo.Learned, ppo.ActorLosses]:
        changed = replace(settings, **changes)
        found, _, losses = improve(learned, ppo.start(changed, learned), batch, key, space, changed)
        return found, losses

    def actor(found: ppo.Learned, j: int) -> np.ndarray:
        return np.asarray(ravel_pytree(found.actor.of(jnp.array([j])))[0])

    by_epochs = [actor(after(wild, epochs=epochs, kl_limit=0.0)[0], 0) for epochs in (1, 2, 3, 6)]
    stopped, losses = after(wild)
    kept = [index for index, values in enumerate(by_epochs) if np.allclose(actor(stopped, 0), values, atol=1e-6)]
    assert len(kept) == 1 and kept[0] < 3, "policy 0 stays where it was when it passed the limit, not at the end"
    assert float(losses.kl[0]) > settings.kl_limit > float(losses.kl[1]), "and its divergence is reported"
    undisturbed, _ = after(calm)
    np.testing.assert_array_equal(actor(stopped, 1), actor(undisturbed, 1))
    assert (actor(undisturbed, 1) != actor(after(calm, epochs=5)[0], 1)).any(), "policy 1 goes on to the last epoch"
    np.testing.assert_array_equal(actor(undisturbed, 1), actor(after(calm, kl_limit=0.0)[0], 1))


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
        ppo.AssignmentLoss(lambda logits, rows, ratio, clip: jnp.sum(slope * logits), 0.05),
    )  # fmt: skip
    np.testing.assert_allclose(after.logits, -0.05 * np.sign(slope), rtol=1e-3)
