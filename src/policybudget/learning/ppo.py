r"""Proximal policy optimisation of k policies at once.

Schulman et al. 2017; Ivanov & Ben-Porat 2024, Section 3.2.

.. math::

    L(\theta^j) &= -\tfrac1B \sum_t \min\big(\rho_t A^j_t,\ \mathrm{clip}(\rho_t, 1-\epsilon, 1+\epsilon) A^j_t\big)
        \qquad \text{(eq. 9, 15)} \\
    L(\phi^j) &= \tfrac{1}{2Bm} \sum_{t,f} \big(y^{fj}_t - V^{fj}_\phi(s_t)\big)^2 \qquad \text{(eq. 8, per feature)}

plus an entropy bonus. One backward pass per minibatch improves all actors and, where the assignment is learned by
gradient (eq. 12), its logits; another all critics. Departures: losses are means, not sums (Adam does not see the
difference); the critic predicts reward features instead of agents, the same for identity weights; the KL limit stops
the actors' epochs only; with a fixed assignment the marginal advantage does not change during the epochs and is
computed once.
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

from policybudget.learning.settings import PPO
from policybudget.policies import actions
from policybudget.policies.networks import Network
from policybudget.policies.stacked import Actor
from policybudget.worlds.interface import ActionSpace


class Rows(eqx.Module):
    """A batch flattened to N transitions per policy, normalised observations.

    Attributes:
        weight: 1 for transitions to learn from, 0 for others.
        features: advantage per feature, for assignments that learn from it.
    """

    observation: Float[Array, "k N o"]
    action: Array | None
    log_prob: Float[Array, "k N"] | None
    advantage: Float[Array, "k N"] | None
    target: Float[Array, "k N m"] | None
    weight: Float[Array, "k N"]
    features: Float[Array, "k N m"] | None


class Learned(eqx.Module):
    """Everything that the backward pass improves.

    Attributes:
        logits: (k, n) ψ of a learned assignment, or None.
    """

    actor: Actor
    critic: Network
    logits: Float[Array, "c n"] | None

    def of(self, chosen: Int[Array, " j"]) -> Learned:
        """Some of the policies; for assignments that are not learned."""
        assert self.logits is None
        return Learned(self.actor.of(chosen), self.critic.of(chosen), None)


class ActorLosses(NamedTuple):
    """Means over a minibatch, per policy (k)."""

    kl: Float[Array, " k"]
    clip_fraction: Float[Array, " k"]
    entropy: Float[Array, " k"]


AssignmentLoss = Callable[[Array, Rows, Float[Array, "k B"]], Float[Array, ""]]


def surrogate(ratio: Float[Array, "*batch"], advantage: Float[Array, "*batch"], clip: float) -> Float[Array, "*batch"]:
    r"""Eq. 15, :math:`\min(\rho A, \mathrm{clip}(\rho, 1-\epsilon, 1+\epsilon) A)`, to be maximised."""
    return jnp.minimum(ratio * advantage, jnp.clip(ratio, 1.0 - clip, 1.0 + clip) * advantage)


def actor_loss(
    actor: Actor, rows: Rows, space: ActionSpace, clip: float, entropy_bonus: Float[Array, ""]
) -> tuple[Float[Array, ""], tuple[ActorLosses, Float[Array, "k B"]]]:
    """Eq. 9 minus the entropy bonus, averaged over policies; with it, what is reported, and the ratios."""
    assert rows.action is not None and rows.log_prob is not None and rows.advantage is not None
    head = actor(rows.observation)
    log_ratio = actions.log_prob(space, head, rows.action) - rows.log_prob
    ratio = jnp.exp(log_ratio)
    entropy = _mean(rows, actions.entropy(space, head))
    policy = -_mean(rows, surrogate(ratio, rows.advantage, clip)) - entropy_bonus * entropy
    losses = ActorLosses(
        kl=_mean(rows, ratio - 1.0 - log_ratio),
        clip_fraction=_mean(rows, (jnp.abs(ratio - 1.0) > clip).astype(ratio.dtype)),
        entropy=entropy,
    )
    return jnp.mean(policy), (losses, jax.lax.stop_gradient(ratio))


def critic_loss(critic: Network, rows: Rows) -> Float[Array, ""]:
    """Eq. 8 per reward feature, averaged over features and policies."""
    assert rows.target is not None
    error = critic(rows.observation) - rows.target
    return jnp.mean(_mean(rows, 0.5 * jnp.mean(error * error, axis=-1)))


def _mean(rows: Rows, x: Float[Array, "k B"]) -> Float[Array, " k"]:
    return jnp.sum(rows.weight * x, axis=1) / jnp.maximum(rows.weight.sum(axis=1), 1.0)


def _optimiser(settings: PPO) -> optax.GradientTransformation:
    return optax.chain(
        optax.clip_by_global_norm(settings.gradient_norm), optax.scale_by_adam(eps=settings.adam_epsilon)
    )


def start(settings: PPO, learned: Learned) -> optax.OptState:
    """Fresh optimiser states: actor, critic and logits each apart, as flat vectors."""
    optimiser = _optimiser(settings)
    actor, critic = (optimiser.init(ravel_pytree(part)[0]) for part in (learned.actor, learned.critic))
    return actor, critic, None if learned.logits is None else optax.scale_by_adam().init(learned.logits)


def annealed(pair: tuple[float, float], progress: Float[Array, ""]) -> Float[Array, ""]:
    """From the first to the second value, exponentially, as progress goes from 0 to 1."""
    first, last = pair
    return first * (last / first) ** progress


def improve_actors(
    learned: Learned,
    state: optax.OptState,
    rows: Rows,
    key: PRNGKeyArray,
    progress: Float[Array, ""],
    space: ActionSpace,
    settings: PPO,
    assignment_loss: AssignmentLoss | None = None,
    assignment_rate: float = 0.0,
) -> tuple[Learned, optax.OptState, ActorLosses]:
    """All epochs of the actors on one batch, and of the logits of a learned assignment.

    Args:
        progress: share of the training that is done, for the annealed settings.
        assignment_loss: of (logits, minibatch, ratios), for a learned assignment, in the backward pass of the actors;
            its Adam step is ``assignment_rate``.

    Returns:
        What was learned, the optimiser's state, and the losses of the last epoch; the critics as they were.
    """
    rate, bonus = annealed(settings.learning_rate, progress), annealed(settings.entropy, progress)
    actor, unravel = ravel_pytree(learned.actor)
    optimiser, plain = _optimiser(settings), optax.scale_by_adam()
    actor_state, critic_state, logits_state = state
    zeros = jnp.zeros(rows.weight.shape[0])

    def act(parts: tuple[Array, Array | None], rows: Rows) -> tuple[Array, ActorLosses]:
        total, (losses, ratio) = actor_loss(unravel(parts[0]), rows, space, settings.clip, bonus)
        if assignment_loss is not None:
            assert parts[1] is not None
            total = total + assignment_loss(parts[1], rows, ratio)
        return total, losses

    def step(values: Any, states: Any, rows: Rows) -> tuple[Any, Any, ActorLosses]:
        gradients, losses = jax.grad(act, has_aux=True)(values, rows)
        actor, actor_state = _step(optimiser, rate, values[0], gradients[0], states[0])
        logits, logits_state = values[1], states[1]
        if logits is not None:
            logits, logits_state = _step(plain, assignment_rate, logits, gradients[1], logits_state)
        return (actor, logits), (actor_state, logits_state), losses

    without_targets = eqx.tree_at(lambda r: r.target, rows, None)
    begin = ActorLosses(zeros, zeros, zeros)
    (actor, logits), (actor_state, logits_state), losses = _epochs(
        step, (actor, learned.logits), (actor_state, logits_state), without_targets, key, settings, begin
    )
    return Learned(unravel(actor), learned.critic, logits), (actor_state, critic_state, logits_state), losses


def improve_critics(
    critic: Network, state: optax.OptState, rows: Rows, key: PRNGKeyArray, progress: Float[Array, ""], settings: PPO
) -> tuple[Network, optax.OptState]:
    """All epochs of the critics on one batch; they share nothing with the actors, so the two may run side by side."""
    flat, unravel = ravel_pytree(critic)
    optimiser, rate = _optimiser(settings), annealed(settings.learning_rate, progress)

    def step(value: Any, state: Any, rows: Rows) -> tuple[Any, Any, None]:
        gradient = jax.grad(lambda flat: critic_loss(unravel(flat), rows))(value)
        return *_step(optimiser, rate, value, gradient, state), None

    targets_only = Rows(rows.observation, None, None, None, rows.target, rows.weight, None)
    flat, state, _ = _epochs(step, flat, state, targets_only, key, settings, None)
    return unravel(flat), state


def _step(
    optimiser: optax.GradientTransformation, rate: Any, value: Array, gradient: Array, state: Any
) -> tuple[Array, Any]:
    update, state = optimiser.update(gradient, state)
    return value - rate * update, state


def _epochs(
    step: Callable[[Any, Any, Rows], tuple[Any, Any, Any]],
    values: Any,
    states: Any,
    rows: Rows,
    key: PRNGKeyArray,
    settings: PPO,
    losses: ActorLosses | None,
) -> tuple[Any, Any, Any]:
    """Passes over the batch in minibatches of random order, until a moving average of KL, if any, gets too large.

    Args:
        step: one minibatch.
        losses: zeros in the form of what ``step`` reports, or None if it reports nothing.
    """
    number = rows.weight.shape[1]

    def minibatch(carry: tuple[Any, Any], chosen: Array) -> tuple[tuple[Any, Any], Any]:
        part = jax.tree.map(lambda x: jnp.take(x, chosen, axis=1, unique_indices=True, mode="clip"), rows)
        values, states, losses = step(*carry, part)
        return (values, states), losses

    def epoch(carry: tuple[Any, Array, Array, Any]) -> tuple[Any, Array, Array, Any]:
        inner, index, divergence, _ = carry
        order = jnp.argsort(jax.random.bits(jax.random.fold_in(key, index), (number,)))
        inner, losses = jax.lax.scan(minibatch, inner, order.reshape(-1, settings.minibatch))
        if losses is not None:
            divergence, _ = jax.lax.scan(lambda m, kl: (0.95 * m + 0.05 * kl, None), divergence, losses.kl.mean(axis=1))
        return inner, index + 1, divergence, jax.tree.map(lambda x: x.mean(axis=0), losses)

    def goes_on(carry: tuple[Any, Array, Array, Any]) -> Array:
        _, index, divergence, _ = carry
        calm = divergence <= settings.kl_limit if settings.kl_limit > 0 else True
        return (index < settings.epochs) & calm

    begin = ((values, states), jnp.zeros((), jnp.int32), jnp.zeros(()), losses)
    (values, states), _, _, losses = jax.lax.while_loop(goes_on, epoch, begin)
    return values, states, losses
