from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from batches import SETTINGS, SPACES, K, N, loss, make
from jax.flatten_util import ravel_pytree

from policybudget.learning import optimiser, ppo
from policybudget.learning.losses import ActorLosses, Rows
from policybudget.learning.settings import PPO
from policybudget.policies import actions


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


def moves(settings: PPO, progress: float, learned: ppo.Learned, rows: Rows) -> tuple[np.ndarray, np.ndarray]:
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


def parts_of(rows: Rows, j: int) -> Rows:
    """The rows of one policy."""
    one: Rows = jax.tree.map(lambda x: x[j : j + 1], rows)
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

    def after(batch: Rows, **changes: Any) -> tuple[ppo.Learned, ActorLosses]:
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


def test_noise_stays_above_its_bound() -> None:
    space = SPACES["box"]
    learned, rows = make(space)
    start, progress = ppo.start(SETTINGS, learned), jnp.asarray(0.0)
    free, _, _ = improve(learned, start, rows, progress, space, SETTINGS)
    between = float(np.median(free.actor.log_std))
    bound = ppo.still_exploring(free, between)
    np.testing.assert_allclose(bound.actor.log_std, np.maximum(free.actor.log_std, between))
    assert (free.actor.log_std < between).any() and (free.actor.log_std > between).any()
    np.testing.assert_array_equal(ravel_pytree(bound.actor.network)[0], ravel_pytree(free.actor.network)[0])
    assert ppo.still_exploring(free, None) is free
    discrete, _ = make(SPACES["discrete"])
    assert ppo.still_exploring(discrete, between) is discrete


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
