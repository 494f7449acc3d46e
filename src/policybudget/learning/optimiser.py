"""Steps of Adam on flat vectors, with gradients clipped per policy, and settings that are annealed."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
import optax
from jax.flatten_util import ravel_pytree
from jaxtyping import Array, Float

from policybudget.learning.settings import PPO


def adam(settings: PPO) -> optax.GradientTransformation:
    """Adam, its step size apart.

    Args:
        settings: with its epsilon.
    """
    return optax.scale_by_adam(eps=settings.adam_epsilon)


def annealed(pair: tuple[float, float], progress: Float[Array, ""]) -> Float[Array, ""]:
    """From the first to the second value, exponentially.

    Args:
        pair: both positive.
        progress: from 0 to 1.
    """
    first, last = pair
    return first * (last / first) ** progress


def clipped(gradient: Any, limit: float) -> Any:
    """Gradients of at most a norm: of each policy's own parameters by itself, and of the shared ones.

    So policies that share no layers learn as if each were alone.

    Args:
        gradient: a pytree; of a loss that is a mean over k policies. Leaves of three axes (k, .., ..) are a policy's
            own, all others shared (:mod:`policybudget.policies.networks`).
        limit: the largest norm; that of a policy's own parameters is that of its own loss.
    """
    own = [leaf for leaf in jax.tree.leaves(gradient) if leaf.ndim == 3]
    shared = [leaf for leaf in jax.tree.leaves(gradient) if leaf.ndim < 3]
    budget = len(own[0]) if own else 1
    norms = budget * jnp.sqrt(sum((jnp.sum(leaf * leaf, axis=(1, 2)) for leaf in own), start=jnp.zeros(budget)))
    norm = jnp.sqrt(sum((jnp.sum(leaf * leaf) for leaf in shared), start=jnp.zeros(())))
    factors, factor = budget * limit / jnp.maximum(norms, limit), limit / jnp.maximum(norm, limit)
    return jax.tree.map(lambda leaf: leaf * (factors[:, None, None] if leaf.ndim == 3 else factor), gradient)


def clipped_flat(gradient: Any, settings: PPO) -> Array:
    """A clipped gradient as a flat vector.

    Args:
        gradient: a pytree.
        settings: with the norm.
    """
    return ravel_pytree(clipped(gradient, settings.gradient_norm))[0]


def step(
    optimiser: optax.GradientTransformation, rate: Any, value: Array, gradient: Array, state: Any
) -> tuple[Array, Any]:
    """One step.

    Args:
        optimiser: such as Adam.
        rate: step size.
        value: what is improved, as a flat vector.
        gradient: of the loss.
        state: of the optimiser.

    Returns:
        The value and the state after it.
    """
    update, state = optimiser.update(gradient, state)
    return value - rate * update, state
