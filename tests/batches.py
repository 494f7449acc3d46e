"""Actors, critics and batches that were drawn at random."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp

from policybudget.learning import ppo
from policybudget.learning.losses import Rows, actor_loss, critic_loss
from policybudget.learning.settings import PPO
from policybudget.policies import actions
from policybudget.policies.stacked import make_actor, make_critic
from policybudget.worlds.interface import ActionSpace, Box, Discrete

K, N, O, M = 2, 8, 3, 2
SPACES = {"discrete": Discrete(3), "box": Box(2, (-1.0, -1.0), (1.0, 1.0))}
SETTINGS = PPO(
    copies=2, steps=4, minibatch=8, epochs=1, hidden=(4,), learning_rate=(1e-2, 1e-3), entropy=(0.1, 0.01), kl_limit=0.0
)


def make(space: ActionSpace, seed: int = 0, spread: float = 0.3, trunk: Any = "shared") -> tuple[ppo.Learned, Rows]:
    """Actors, critics and a batch that was sampled by other actors, so that ratios are not 1."""
    keys = jax.random.split(jax.random.key(seed), 8)
    actor = make_actor(keys[0], K, O, space, (4,), trunk, -0.5)
    actor = jax.tree.map(lambda x: x + 0.5 * jax.random.normal(keys[1], x.shape), actor)
    critic = make_critic(keys[2], K, O, M, (4,), trunk)
    observation = jax.random.normal(keys[3], (K, N, O))
    head = actor(observation)
    action = actions.sample(space, head, actions.noise(space, keys[4], (K, N)))
    rows = Rows(
        observation=observation,
        action=action,
        log_prob=actions.log_prob(space, head, action) + spread * jax.random.normal(keys[5], (K, N)),
        advantage=jax.random.normal(keys[6], (K, N)),
        target=jax.random.normal(keys[7], (K, N, M)),
        weight=jnp.ones((K, N)).at[0, 2].set(0.0).at[1, 5:].set(0.0),
        features=None,
    )
    return ppo.Learned(actor, critic, None), rows


def loss(learned: ppo.Learned, rows: Rows, space: ActionSpace, bonus: float = 0.1) -> tuple[Any, dict[str, Any]]:
    """Actors' and critics' loss together, and what is reported."""
    actor, (losses, _) = actor_loss(learned.actor, rows, space, SETTINGS, jnp.asarray(bonus), jnp.ones(K))
    return actor + critic_loss(learned.critic, rows), losses._asdict()
