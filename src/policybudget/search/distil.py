r"""Policies that repeat known episodes: behaviour cloning, until each of the k surely takes every action of its own.

.. math:: L(\theta) = -\frac1k \sum_j \frac1{T_j} \sum_{t \le T_j} \log \pi_{\theta^j}(a^j_t \mid s^j_t)

where the states come from replaying the actions in a deterministic world. The policies imitate the best episodes of
their own (self-imitation: Oh et al. 2018).
"""

from __future__ import annotations

from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import optax
from jax.flatten_util import ravel_pytree
from jaxtyping import Array, Float, Int

from policybudget.policies import actions
from policybudget.policies.normaliser import Normaliser
from policybudget.policies.stacked import Actor
from policybudget.worlds.interface import JaxWorld

RATE, STEPS, SURE = 3e-3, 3000, 0.99
"""Adam's step size, its steps at most, and the probability at which an action counts as learned."""


def imitate(
    world: JaxWorld, actor: Actor, normaliser: Normaliser, taken: Int[Array, "k L"], lengths: Int[Array, " k"]
) -> Actor:
    """Actors that repeat an episode each.

    Args:
        world: deterministic, its actions discrete.
        actor: to begin with.
        normaliser: of observations.
        taken: the actions; those from the length of an episode on do not matter.
        lengths: of the episodes, in steps.
    """
    return _fit(actor, jax.vmap(normaliser)(replay(world, taken)), taken, lengths, world.actions)


def replay(world: JaxWorld, taken: Int[Array, "k L"]) -> Float[Array, "k L o"]:
    """Raw observations before each action.

    Args:
        world: deterministic.
        taken: the actions of k episodes, L steps each.
    """

    def one(taken: Array) -> Array:
        def step(carry: tuple[Any, Array], action: Array) -> tuple[tuple[Any, Array], Array]:
            state, seen = carry
            after = world.step(state, action, jax.random.key(0))
            return (after.state, after.observation), seen

        return jax.lax.scan(step, world.reset(jax.random.key(0)), taken)[1]

    seen: Array = jax.vmap(one)(taken)
    return seen


def _fit(actor: Actor, seen: Array, taken: Array, lengths: Array, space: Any) -> Actor:
    flat, unravel = ravel_pytree(actor)
    optimiser = optax.adam(RATE)
    counts = jnp.arange(taken.shape[1]) < lengths[:, None]

    def loss(flat: Array) -> tuple[Array, Array]:
        log_prob = jnp.where(counts, actions.log_prob(space, unravel(flat)(seen), taken), 0.0)
        return -jnp.mean(log_prob.sum(axis=1) / jnp.maximum(lengths, 1)), log_prob.min()

    def step(carry: tuple[Array, Any, Array, Array]) -> tuple[Array, Any, Array, Array]:
        flat, state, _, count = carry
        (_, least), gradient = jax.value_and_grad(loss, has_aux=True)(flat)
        update, state = optimiser.update(gradient, state)
        return flat + update, state, least, count + 1

    def goes_on(carry: tuple[Array, Any, Array, Array]) -> Array:
        return (carry[2] < jnp.log(SURE)) & (carry[3] < STEPS)

    begin = (flat, optimiser.init(flat), jnp.asarray(-jnp.inf), jnp.zeros((), jnp.int32))
    fitted: Actor = unravel(jax.lax.while_loop(goes_on, step, begin)[0])
    return fitted


compiled_imitate = eqx.filter_jit(imitate)
