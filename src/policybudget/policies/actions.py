"""Distributions over actions, given the outputs of an actor's head.

Actions have the batch shape for :class:`Discrete`, and a last axis of components for :class:`Box` and
:class:`MultiDiscrete`. The action space is static in compiled code.
"""

from __future__ import annotations

import itertools
import math
from typing import NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, PRNGKeyArray

from policybudget.worlds.interface import ActionSpace, Box, Discrete, MultiDiscrete


class Head(NamedTuple):
    """The parameters of distributions over actions for a batch of observations.

    Attributes:
        out: (.., a) logits of discrete actions (for :class:`MultiDiscrete`, of all components in a row), or means.
        log_std: (.., a) log standard deviations for a :class:`Box`, broadcast to ``out``; None for discrete actions.
    """

    out: Float[Array, "*batch a"]
    log_std: Float[Array, "*#batch a"] | None


def noise(space: ActionSpace, key: PRNGKeyArray, shape: tuple[int, ...]) -> Array:
    """The random numbers that :func:`sample` needs, drawn at once for a whole batch.

    Args:
        space: the action space.
        key: used for these numbers only.
        shape: the batch shape, such as (T, k, E).

    Returns:
        Standard normals (*shape, a) for a :class:`Box`; uniform numbers from [0, 1) otherwise, (*shape,) or
        (*shape, components).
    """
    if isinstance(space, Box):
        return jax.random.normal(key, (*shape, space.size))
    if isinstance(space, MultiDiscrete):
        return jax.random.uniform(key, (*shape, len(space.sizes)))
    return jax.random.uniform(key, shape)


def sample(space: ActionSpace, head: Head, random: Array) -> Array:
    """Actions drawn from the distribution: by the inverse CDF if discrete, as mean plus scaled normals for a box.

    Args:
        space: the action space.
        head: what the networks put out for a batch of observations.
        random: numbers from :func:`noise` of the head's batch shape.

    Returns:
        Actions of the head's batch shape.
    """
    if isinstance(space, Box):
        assert head.log_std is not None
        return head.out + jnp.exp(head.log_std) * random
    if isinstance(space, MultiDiscrete):
        parts = enumerate(_components(space, head))
        return jnp.stack([sample(Discrete(part.out.shape[-1]), part, random[..., i]) for i, part in parts], axis=-1)
    cumulative = jnp.cumsum(jax.nn.softmax(head.out), axis=-1)
    return jnp.sum(cumulative[..., :-1] < random[..., None], axis=-1, dtype=jnp.int32)


def mode(space: ActionSpace, head: Head) -> Array:
    """The greedy actions: the most likely ones, or the means for a box.

    Args:
        space: the action space.
        head: what the networks put out for a batch of observations.

    Returns:
        Actions of the head's batch shape.
    """
    if isinstance(space, MultiDiscrete):
        return jnp.stack([jnp.argmax(part.out, axis=-1) for part in _components(space, head)], axis=-1).astype(
            jnp.int32
        )
    return head.out if isinstance(space, Box) else jnp.argmax(head.out, axis=-1).astype(jnp.int32)


def log_prob(space: ActionSpace, head: Head, action: Array) -> Float[Array, "*batch"]:
    """The log-probability of actions; for a box, the log-density of the action before the world clips it.

    Args:
        space: the action space.
        head: what the networks put out for a batch of observations.
        action: actions of the head's batch shape.

    Returns:
        (..) natural logarithms.
    """
    if isinstance(space, Box):
        assert head.log_std is not None
        z = (action - head.out) * jnp.exp(-head.log_std)
        return -0.5 * jnp.sum(z * z + 2 * head.log_std + math.log(2 * math.pi), axis=-1)
    if isinstance(space, MultiDiscrete):
        parts = _components(space, head)
        each = [log_prob(Discrete(part.out.shape[-1]), part, action[..., i]) for i, part in enumerate(parts)]
        return jnp.sum(jnp.stack(each), axis=0)
    chosen = jax.nn.one_hot(action, head.out.shape[-1], dtype=head.out.dtype)
    return jnp.sum(chosen * jax.nn.log_softmax(head.out), axis=-1)


def entropy(space: ActionSpace, head: Head) -> Float[Array, "*batch"]:
    """The entropy of the distributions, in closed form.

    Args:
        space: the action space.
        head: what the networks put out for a batch of observations.

    Returns:
        (..) entropies, in nats.
    """
    if isinstance(space, Box):
        assert head.log_std is not None
        each = 0.5 * (1.0 + math.log(2 * math.pi)) + head.log_std
        return jnp.sum(jnp.broadcast_to(each, head.out.shape), axis=-1)
    if isinstance(space, MultiDiscrete):
        each = jnp.stack([entropy(Discrete(part.out.shape[-1]), part) for part in _components(space, head)])
        return jnp.sum(each, axis=0)
    logs = jax.nn.log_softmax(head.out)
    return -jnp.sum(jnp.exp(logs) * logs, axis=-1)


def _components(space: MultiDiscrete, head: Head) -> list[Head]:
    """One head per component."""
    ends = list(itertools.accumulate(space.sizes))
    return [Head(head.out[..., end - size : end], None) for end, size in zip(ends, space.sizes, strict=True)]
