r"""Generalized advantage estimation (Schulman et al. 2015b), per reward feature, and the marginal advantage.

.. math::

    \delta_t &= r_t + \gamma V(s_{t+1}) - V(s_t), \qquad
    A_t = \delta_t + \gamma \lambda A_{t+1} \\
    y_t &= A_t + V(s_t) \\
    A^j_t &= \sum_i \alpha^i(j) A^{ij}_t
            = \sum_f A^{fj}_t \Big(\sum_i \alpha^i(j) w^i_f\Big)
            \qquad \text{(Ivanov \& Ben-Porat 2024, below eq. 8)}

where :math:`V(s_{t+1}) = 0` after termination, the value of the true last observation after truncation, and the sum
over A stops at the end of an episode. The marginal advantage is linear in features, so it costs k x m, never k x n.
"""

from __future__ import annotations

from collections.abc import Callable

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int

from policybudget.rollouts.batch import Batch, Ongoing

Critic = Callable[[Float[Array, "k E o"], Int[Array, "k E"] | None], Float[Array, "k E m"]]
Features = Callable[[Batch], Float[Array, "k E m"]]


class Estimate(eqx.Module):
    """Targets of the critic and advantages for the actor, of T steps or of one.

    Attributes:
        target: y, per feature.
        advantage: the marginal advantage.
        value: the marginal value that the critic gave.
        features: the advantage per feature, kept only where asked for.
    """

    target: Float[Array, "*T k E c"]
    advantage: Float[Array, "*T k E"]
    value: Float[Array, "*T k E"]
    features: Float[Array, "*T k E c"] | None


def estimate(
    critic: Critic,
    features: Features,
    batch: Batch,
    after: Ongoing,
    mixture: Float[Array, "k m"],
    discount: float,
    gae_lambda: float,
    keep_features: bool = False,
) -> Estimate:
    """Advantages and targets of a batch, from its last step to its first.

    Args:
        critic: values per feature of raw observations, and of the agents that are played for.
        features: reward features of a step of the batch, in the unit of the critic.
        batch: T steps of k x E copies.
        after: where the copies stand after the batch.
        mixture: row j is what policy j maximises (:meth:`Rewards.mixture`).
        discount: γ.
        gae_lambda: λ of GAE.
        keep_features: whether to keep the advantage per feature.
    """

    def marginal(per_feature: Array) -> Array:
        return jnp.einsum("kem,km->ke", per_feature, mixture)

    def step(carry: tuple[Array, Array], now: Batch) -> tuple[tuple[Array, Array], Estimate]:
        next_value, next_advantage = carry
        value = critic(now.observation, now.whom)
        following = jax.lax.cond(
            jnp.any(now.truncated & now.valid),
            lambda: jnp.where(now.truncated[..., None], critic(now.next_observation, now.whom), next_value),
            lambda: next_value,
        )
        goes_on = discount * (~now.terminated)[..., None]
        in_episode = discount * gae_lambda * (~(now.terminated | now.truncated))[..., None]
        delta = features(now) + goes_on * following - value
        advantage = delta + in_episode * next_advantage
        out = Estimate(advantage + value, marginal(advantage), marginal(value), advantage if keep_features else None)
        return (
            (
                jnp.where(now.valid[..., None], value, next_value),
                jnp.where(now.valid[..., None], advantage, next_advantage),
            ),
            out,
        )

    last = critic(after.observation, after.whom)
    _, result = jax.lax.scan(step, (last, jnp.zeros_like(last)), batch, reverse=True)
    return result


def normalise(advantage: Float[Array, "k N"], weight: Float[Array, "k N"]) -> Float[Array, "k N"]:
    """Zero mean and unit variance per policy over its valid transitions, whatever the size of its group.

    Args:
        advantage: of N transitions of each policy.
        weight: 1 for valid ones, 0 for others.
    """
    number = jnp.maximum(weight.sum(axis=1, keepdims=True), 1.0)
    mean = jnp.sum(weight * advantage, axis=1, keepdims=True) / number
    centred = weight * (advantage - mean)
    deviation = jnp.sqrt(jnp.sum(centred**2, axis=1, keepdims=True) / number)
    return centred / (deviation + 1e-8)
