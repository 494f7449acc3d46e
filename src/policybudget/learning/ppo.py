r"""Proximal policy optimisation of k representatives at once (Schulman et al. 2017; Ivanov & Ben-Porat 2024, Section 3.2).

.. math::

    L(\theta^j) &= -\tfrac1B \sum_t \min\big(\rho_t A^j_t,\ \mathrm{clip}(\rho_t, 1-\epsilon, 1+\epsilon) A^j_t\big)
        \qquad \text{(eq. 9, 15)} \\
    L(\phi^j) &= \tfrac{1}{2Bm} \sum_{t,f} \big(y^{fj}_t - V^{fj}_\phi(s_t)\big)^2 \qquad \text{(eq. 8, per feature)}

plus an entropy bonus. One backward pass per minibatch improves all actors, all critics and, where the assignment is learned
by gradient (eq. 12), its logits. Departures: losses are means, not sums (Adam does not see the difference); the critic predicts
reward features instead of agents, the same for identity weights; with a fixed assignment the marginal advantage does not
change during the epochs and is computed once.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import optax
from jax.flatten_util import ravel_pytree
from jaxtyping import Array, Float, PRNGKeyArray

from policybudget.learning.settings import PPO
from policybudget.policies import actions
from policybudget.policies.committee import Actor
from policybudget.policies.networks import Network
from policybudget.worlds.interface import ActionSpace


class Rows(eqx.Module):
    """A batch flattened to N transitions per representative, normalised observations.

    Attributes:
        weight: 1 for transitions to learn from, 0 for others.
        features: advantage per feature, for assignments that learn from it.
    """

    observation: Float[Array, "k N o"]
    action: Array
    log_prob: Float[Array, "k N"]
    advantage: Float[Array, "k N"]
    target: Float[Array, "k N m"]
    weight: Float[Array, "k N"]
    features: Float[Array, "k N m"] | None


class Learned(eqx.Module):
    """Everything that the backward pass improves.

    Attributes:
        logits: (k, n) ψ of a learned assignment, or None.
    """

    actor: Actor
    critic: Network
    logits: Float[Array, "k n"] | None


class Losses(NamedTuple):
    """Means over a minibatch, per representative (k)."""

    kl: Float[Array, " k"]
    clip_fraction: Float[Array, " k"]
    entropy: Float[Array, " k"]
    value: Float[Array, " k"]


AssignmentLoss = Callable[[Array, Rows, Float[Array, "k B"]], Float[Array, ""]]


def surrogate(
    ratio: Float[Array, "*batch"], advantage: Float[Array, "*batch"], clip: float
) -> Float[Array, "*batch"]:
    r"""Clipped objective :math:`\min(\rho A, \mathrm{clip}(\rho, 1-\epsilon, 1+\epsilon) A)` (eq. 15), to be maximised."""
    return jnp.minimum(ratio * advantage, jnp.clip(ratio, 1.0 - clip, 1.0 + clip) * advantage)


def loss(
    learned: Learned,
    rows: Rows,
    space: ActionSpace,
    settings: PPO,
    entropy_bonus: Float[Array, ""],
    assignment_loss: AssignmentLoss | None,
) -> tuple[Float[Array, ""], Losses]:
    """The sum of all losses on a minibatch; the parts share no parameters."""
    number = jnp.maximum(rows.weight.sum(axis=1), 1.0)

    def mean(x: Array) -> Array:
        return jnp.sum(rows.weight * x, axis=1) / number

    head = learned.actor(rows.observation)
    log_ratio = actions.log_prob(space, head, rows.action) - rows.log_prob
    ratio = jnp.exp(log_ratio)
    entropy = mean(actions.entropy(space, head))
    policy = -mean(surrogate(ratio, rows.advantage, settings.clip)) - entropy_bonus * entropy
    error = learned.critic(rows.observation) - rows.target
    value = mean(0.5 * jnp.mean(error * error, axis=-1))
    total = jnp.mean(policy) + jnp.mean(value)
    if assignment_loss is not None:
        assert learned.logits is not None
        total = total + assignment_loss(learned.logits, rows, jax.lax.stop_gradient(ratio))
    return total, Losses(
        kl=mean(ratio - 1.0 - log_ratio),
        clip_fraction=mean((jnp.abs(ratio - 1.0) > settings.clip).astype(ratio.dtype)),
        entropy=entropy,
        value=value,
    )


def _optimiser(settings: PPO) -> optax.GradientTransformation:
    return optax.chain(
        optax.clip_by_global_norm(settings.gradient_norm), optax.scale_by_adam(eps=settings.adam_epsilon)
    )


def start(settings: PPO, learned: Learned) -> optax.OptState:
    """Fresh optimiser states: actor, critic and logits each apart, as flat vectors."""
    optimiser = _optimiser(settings)
    return tuple(optimiser.init(ravel_pytree(part)[0]) for part in (learned.actor, learned.critic)) + (
        None if learned.logits is None else optax.scale_by_adam().init(learned.logits),
    )


def annealed(pair: tuple[float, float], progress: Float[Array, ""]) -> Float[Array, ""]:
    """From the first to the second value, exponentially, as progress goes from 0 to 1."""
    first, last = pair
    return first * (last / first) ** progress


def improve(
    learned: Learned,
    state: optax.OptState,
    rows: Rows,
    key: PRNGKeyArray,
    progress: Float[Array, ""],
    space: ActionSpace,
    settings: PPO,
    assignment_loss: AssignmentLoss | None = None,
    assignment_rate: float = 0.0,
) -> tuple[Learned, optax.OptState, Losses]:
    """All epochs on one batch.

    Args:
        progress: share of the training that is done, for the annealed settings.
        assignment_loss: of (logits, minibatch, ratios), for a learned assignment; its Adam step is ``assignment_rate``.

    Returns:
        What was learned, the optimiser's state, and the losses of the last epoch.
    """
    optimiser = _optimiser(settings)
    rate, bonus = annealed(settings.learning_rate, progress), annealed(settings.entropy, progress)
    actor, unravel_actor = ravel_pytree(learned.actor)
    critic, unravel_critic = ravel_pytree(learned.critic)
    number = rows.weight.shape[1]
    minibatches = number // settings.minibatch

    def objective(flat: tuple[Array, Array, Array | None], part: Rows) -> tuple[Array, Losses]:
        whole = Learned(unravel_actor(flat[0]), unravel_critic(flat[1]), flat[2])
        return loss(whole, part, space, settings, bonus, assignment_loss)

    def minibatch(carry: tuple, chosen: Array) -> tuple[tuple, Losses]:  # type: ignore[type-arg]
        flat, states = carry
        part = jax.tree.map(lambda x: jnp.take(x, chosen, axis=1, unique_indices=True, mode="clip"), rows)
        gradients, losses = jax.grad(objective, has_aux=True)(flat, part)
        moved, after = [], []
        for value, gradient, old in zip(flat[:2], gradients[:2], states[:2], strict=True):
            update, new = optimiser.update(gradient, old)
            moved.append(value - rate * update)
            after.append(new)
        logits, logits_state = flat[2], states[2]
        if logits is not None:
            update, logits_state = optax.scale_by_adam().update(gradients[2], logits_state)
            logits = logits - assignment_rate * update
        return ((*moved, logits), (*after, logits_state)), losses

    def epoch(carry: tuple) -> tuple:  # type: ignore[type-arg]
        inner, index, divergence, _ = carry
        order = jnp.argsort(jax.random.bits(jax.random.fold_in(key, index), (number,)))
        inner, losses = jax.lax.scan(minibatch, inner, order.reshape(minibatches, -1))
        divergence, _ = jax.lax.scan(lambda ema, kl: (0.95 * ema + 0.05 * kl, None), divergence, losses.kl.mean(axis=1))
        return inner, index + 1, divergence, jax.tree.map(lambda x: x.mean(axis=0), losses)

    def goes_on(carry: tuple) -> Array:  # type: ignore[type-arg]
        _, index, divergence, _ = carry
        within = divergence <= settings.kl_limit if settings.kl_limit > 0 else True
        return (index < settings.epochs) & within

    zeros = jnp.zeros(rows.weight.shape[0])
    begin = (((actor, critic, learned.logits), state), 0, jnp.zeros(()), Losses(zeros, zeros, zeros, zeros))
    (flat, state), _, _, losses = jax.lax.while_loop(goes_on, epoch, begin)
    return Learned(unravel_actor(flat[0]), unravel_critic(flat[1]), flat[2]), state, losses
