r"""What PPO minimises, for k policies at once.

Schulman et al. 2017; Ivanov & Ben-Porat 2024, Section 3.2.

.. math::

    L(\theta^j) &= -\tfrac1B \sum_t \min\big(\rho_t A^j_t,\ \mathrm{clip}(\rho_t, 1-\epsilon, 1+\epsilon) A^j_t\big)
        \qquad \text{(eq. 9, 15)} \\
    L(\phi^j) &= \tfrac{1}{2Bm} \sum_{t,f} \big(y^{fj}_t - V^{fj}_\phi(s_t)\big)^2 \qquad \text{(eq. 8, per feature)}

plus an entropy bonus. Departures: losses are means, not sums (Adam does not see the difference); the critic predicts
reward features instead of agents, the same for identity weights.
"""

from __future__ import annotations

from typing import NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from policybudget.learning.settings import PPO
from policybudget.policies import actions
from policybudget.policies.networks import Network
from policybudget.policies.stacked import Actor
from policybudget.worlds.interface import ActionSpace


class Rows(eqx.Module):
    """A batch flattened to N transitions per policy.

    Attributes:
        observation: normalised.
        action: as sampled.
        log_prob: of the action, under the policy that sampled it.
        advantage: the marginal advantage, normalised per policy.
        target: of the critic, in its unit.
        weight: 1 for transitions to learn from, 0 for others.
        features: advantage per feature, for assignments that learn from it.
        told: what critics see beside the observation.
    """

    observation: Float[Array, "k N o"]
    action: Array | None
    log_prob: Float[Array, "k N"] | None
    advantage: Float[Array, "k N"] | None
    target: Float[Array, "k N m"] | None
    weight: Float[Array, "k N"]
    features: Float[Array, "k N m"] | None
    told: Float[Array, "k N q"] | None = None


class ActorLosses(NamedTuple):
    """Means over a minibatch, per policy.

    Attributes:
        kl: divergence from the policy that sampled, in nats.
        clip_fraction: share of transitions whose ratio is clipped.
        entropy: in nats.
    """

    kl: Float[Array, " k"]
    clip_fraction: Float[Array, " k"]
    entropy: Float[Array, " k"]


def actor_loss(
    actor: Actor,
    rows: Rows,
    space: ActionSpace,
    settings: PPO,
    entropy_bonus: Float[Array, ""],
    active: Float[Array, " k"],
) -> tuple[Float[Array, ""], tuple[ActorLosses, Float[Array, "k B"]]]:
    """Eq. 9 minus the entropy bonus, averaged over policies.

    Args:
        actor: of the k policies.
        rows: a minibatch.
        space: of the actions.
        settings: with the clipping and the surrogate.
        entropy_bonus: what a nat of entropy is worth.
        active: 1 for policies that learn, 0 for those that have moved far enough.

    Returns:
        The loss; with it, what is reported, and the ratios.
    """
    assert rows.action is not None and rows.log_prob is not None and rows.advantage is not None
    head = actor(rows.observation)
    log_ratio = actions.log_prob(space, head, rows.action) - rows.log_prob
    ratio = jnp.exp(log_ratio)
    entropy = _mean(rows, actions.entropy(space, head))
    policy = -_mean(rows, settings.surrogate(ratio, rows.advantage, settings.clip)) - entropy_bonus * entropy
    losses = ActorLosses(
        kl=_mean(rows, ratio - 1.0 - log_ratio),
        clip_fraction=_mean(rows, (jnp.abs(ratio - 1.0) > settings.clip).astype(ratio.dtype)),
        entropy=entropy,
    )
    return jnp.mean(active * policy), (losses, jax.lax.stop_gradient(ratio))


def critic_loss(critic: Network, rows: Rows) -> Float[Array, ""]:
    """Eq. 8 per reward feature, averaged over features and policies.

    Args:
        critic: of the k policies.
        rows: a minibatch.
    """
    assert rows.target is not None
    error = critic(rows.observation) - rows.target
    return jnp.mean(_mean(rows, 0.5 * jnp.mean(error * error, axis=-1)))


def _mean(rows: Rows, x: Float[Array, "k B"]) -> Float[Array, " k"]:
    return jnp.sum(rows.weight * x, axis=1) / jnp.maximum(rows.weight.sum(axis=1), 1.0)
