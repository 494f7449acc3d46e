"""Proximal policy optimisation of k policies at once.

Schulman et al. 2017; Ivanov & Ben-Porat 2024, Section 3.2; the losses are in :mod:`policybudget.learning.losses`.

One backward pass per minibatch improves all actors and, where the assignment is learned by gradient (eq. 12), its
logits; another all critics. Departures: the KL limit stops the actors only, each policy by its own divergence;
gradients of what a policy shares with no other are clipped by the policy's own norm; with a fixed assignment the
marginal advantage does not change during the epochs and is computed once.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import optax
from jax.flatten_util import ravel_pytree
from jaxtyping import Array, Float, Int, PRNGKeyArray

from policybudget.learning.losses import ActorLosses, Rows, actor_loss, critic_loss
from policybudget.learning.optimiser import adam, annealed, clipped_flat
from policybudget.learning.optimiser import step as take_step
from policybudget.learning.settings import PPO
from policybudget.policies.networks import Network
from policybudget.policies.stacked import Actor
from policybudget.worlds.interface import ActionSpace


class Learned(eqx.Module):
    """Everything that the backward pass improves.

    Attributes:
        actor: of the k policies.
        critic: of the k policies.
        logits: ψ of a learned assignment, c = k or k + 1 with options outside; or None.
    """

    actor: Actor
    critic: Network
    logits: Float[Array, "c n"] | None

    def of(self, chosen: Int[Array, " j"]) -> Learned:
        """Some of the policies, for assignments that are not learned.

        Args:
            chosen: which of the k policies, any of them once, twice or not at all.
        """
        assert self.logits is None
        return Learned(self.actor.of(chosen), self.critic.of(chosen), None)


class AssignmentLoss(NamedTuple):
    """How a learned assignment learns, in the backward pass of the actors.

    Attributes:
        loss: of (logits (c, n), minibatch, ratios (k, B), clipping ε of the learner).
        rate: Adam step size of the logits.
    """

    loss: Callable[[Array, Rows, Float[Array, "k B"], float], Float[Array, ""]]
    rate: float


def start(settings: PPO, learned: Learned) -> optax.OptState:
    """Fresh optimiser states: actor, critic and logits each apart, as flat vectors.

    Args:
        settings: with Adam's epsilon.
        learned: what they are for.
    """
    actor, critic = (adam(settings).init(ravel_pytree(part)[0]) for part in (learned.actor, learned.critic))
    return actor, critic, None if learned.logits is None else optax.scale_by_adam().init(learned.logits)


def improve_actors(
    learned: Learned,
    state: optax.OptState,
    rows: Rows,
    key: PRNGKeyArray,
    progress: Float[Array, ""],
    space: ActionSpace,
    settings: PPO,
    assignment: AssignmentLoss | None = None,
) -> tuple[Learned, optax.OptState, ActorLosses]:
    """All epochs of the actors on one batch, and of the logits of a learned assignment.

    Args:
        learned: as it was.
        state: of the optimisers.
        rows: the batch.
        key: of the minibatches.
        progress: share of the training that is done, for the annealed settings.
        space: of the actions.
        settings: of the learner.
        assignment: for a learned assignment, its loss.

    Returns:
        What was learned, the optimisers' states, and each policy's losses in its last epoch; the critics as they were.
    """
    rate, bonus = annealed(settings.learning_rate, progress), annealed(settings.entropy, progress)
    actor, unravel = ravel_pytree(learned.actor)
    actor_state, critic_state, logits_state = state

    def act(parts: tuple[Actor, Array | None], rows: Rows, active: Array) -> tuple[Array, ActorLosses]:
        total, (losses, ratio) = actor_loss(parts[0], rows, space, settings, bonus, active)
        if assignment is not None:
            assert parts[1] is not None
            total = total + assignment.loss(parts[1], rows, ratio, settings.clip)
        return total, losses

    def step(values: Any, states: Any, rows: Rows, active: Array) -> tuple[Any, Any, ActorLosses]:
        gradients, losses = jax.grad(act, has_aux=True)((unravel(values[0]), values[1]), rows, active)
        actor, actor_state = take_step(adam(settings), rate, values[0], clipped_flat(gradients[0], settings), states[0])
        logits, logits_state = values[1], states[1]
        if assignment is not None:
            logits, logits_state = take_step(optax.scale_by_adam(), assignment.rate, logits, gradients[1], logits_state)
        return (actor, logits), (actor_state, logits_state), losses

    def keep(active: Array, after: Any, before: Any) -> Any:
        """Policies that have moved far enough keep what is their own."""
        mine = ravel_pytree(jax.tree.map(lambda x: _learns(x, active), learned.actor))[0]

        def one(after: Any, before: Any) -> Any:
            return jnp.where(mine, after, before) if after.shape == actor.shape else after

        (actor_after, logits), (state_after, logits_state) = after
        (actor_before, _), (state_before, _) = before
        return (one(actor_after, actor_before), logits), (jax.tree.map(one, state_after, state_before), logits_state)

    without_targets = eqx.tree_at(lambda r: r.target, rows, None)
    (actor, logits), (actor_state, logits_state), losses = _epochs_of_actors(
        step, keep, (actor, learned.logits), (actor_state, logits_state), without_targets, key, settings
    )
    return Learned(unravel(actor), learned.critic, logits), (actor_state, critic_state, logits_state), losses


def still_exploring(learned: Learned, least: float | Float[Array, ""] | None) -> Learned:
    """The same, where actions in a box keep some noise.

    Args:
        learned: after its actors were improved.
        least: log standard deviation of actions in a box; None for no bound.
    """
    if least is None or learned.actor.log_std is None:
        return learned
    bounded: Learned = eqx.tree_at(lambda now: now.actor.log_std, learned, jnp.maximum(learned.actor.log_std, least))
    return bounded


def improve_critics(
    critic: Network, state: optax.OptState, rows: Rows, key: PRNGKeyArray, progress: Float[Array, ""], settings: PPO
) -> tuple[Network, optax.OptState]:
    """All epochs of the critics on one batch; they share nothing with the actors, so the two may run side by side.

    Args:
        critic: as it was.
        state: of its optimiser.
        rows: the batch.
        key: of the minibatches.
        progress: share of the training that is done, for the annealed settings.
        settings: of the learner.
    """
    flat, unravel = ravel_pytree(critic)
    rate = annealed(settings.learning_rate, progress)

    def step(carry: tuple[Array, Any], part: Rows) -> tuple[tuple[Array, Any], None]:
        value, state = carry
        gradient = clipped_flat(jax.grad(critic_loss)(unravel(value), part), settings)
        return take_step(adam(settings), rate, value, gradient, state), None

    def epoch(index: Array, carry: tuple[Array, Any]) -> tuple[Array, Any]:
        after: tuple[Array, Any] = _pass(step, carry, targets_only, jax.random.fold_in(key, index), settings)[0]
        return after

    seen = rows.observation if rows.told is None else jnp.concatenate([rows.observation, rows.told], axis=-1)
    targets_only = Rows(seen, None, None, None, rows.target, rows.weight, None)
    flat, state = jax.lax.fori_loop(0, settings.epochs, epoch, (flat, state))
    return unravel(flat), state


def _learns(leaf: Array, active: Float[Array, " k"]) -> Array:
    """Where a leaf of the actors goes on learning: its policy is active, or it is shared."""
    return jnp.broadcast_to(active[:, None, None] > 0 if leaf.ndim == 3 else True, leaf.shape)


def _pass(
    step: Callable[[Any, Rows], tuple[Any, Any]], carry: Any, rows: Rows, key: Any, settings: PPO
) -> tuple[Any, Any]:
    """Once over the batch, in minibatches of random order."""
    order = jnp.argsort(jax.random.bits(key, (rows.weight.shape[1],)))

    def minibatch(carry: Any, chosen: Array) -> tuple[Any, Any]:
        part = jax.tree.map(lambda x: jnp.take(x, chosen, axis=1, unique_indices=True, mode="clip"), rows)
        return step(carry, part)

    return jax.lax.scan(minibatch, carry, order.reshape(-1, settings.minibatch))


def _epochs_of_actors(
    step: Callable[[Any, Any, Rows, Array], tuple[Any, Any, ActorLosses]],
    keep: Callable[[Array, Any, Any], Any],
    values: Any,
    states: Any,
    rows: Rows,
    key: PRNGKeyArray,
    settings: PPO,
) -> tuple[Any, Any, ActorLosses]:
    """Passes over the batch, until a moving average of each policy's KL gets too large: it then learns no more.

    ``step`` is one minibatch. ``keep`` gives (values, states) after an epoch, of the policies that were active in it,
    and before it of the others.
    """
    zeros = jnp.zeros(rows.weight.shape[0])

    def still(divergence: Array) -> Array:
        return (divergence <= settings.kl_limit) | (settings.kl_limit <= 0)

    def epoch(carry: tuple[Any, Array, Array, ActorLosses]) -> tuple[Any, Array, Array, ActorLosses]:
        before, index, divergence, last = carry
        active = still(divergence).astype(jnp.float32)

        def minibatch(carry: tuple[Any, Any], part: Rows) -> tuple[tuple[Any, Any], ActorLosses]:
            values, states, losses = step(*carry, part, active)
            return (values, states), losses

        after, losses = _pass(minibatch, before, rows, jax.random.fold_in(key, index), settings)
        moving, _ = jax.lax.scan(lambda m, kl: (0.95 * m + 0.05 * kl, None), divergence, losses.kl)
        told = jax.tree.map(lambda new, old: jnp.where(active > 0, new.mean(axis=0), old), losses, last)
        return keep(active, after, before), index + 1, jnp.where(active > 0, moving, divergence), told

    def goes_on(carry: tuple[Any, Array, Array, ActorLosses]) -> Array:
        _, index, divergence, _ = carry
        return (index < settings.epochs) & still(divergence).any()

    begin = ((values, states), jnp.zeros((), jnp.int32), zeros, ActorLosses(zeros, zeros, zeros))
    (values, states), _, _, losses = jax.lax.while_loop(goes_on, epoch, begin)
    return values, states, losses
