"""What an iteration tells its listeners."""

from __future__ import annotations

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array, Float

from policybudget.assignment.em import best_served
from policybudget.assignment.returns import Returns
from policybudget.assignment.rule import labels_of
from policybudget.learning.losses import ActorLosses
from policybudget.training.state import Task


class Report(eqx.Module):
    """What an iteration tells its listeners, of the sampled, exploring policies.

    Attributes:
        welfare: of the problem, by the table of returns; agents whom no policy learns for count as with the one that
            pays them most, which is where they go in the end. NaN before something is known of all policies that serve.
        group_welfare: mean return of each policy to its agents; NaN before anything is known of it.
        group_size: agents of each policy.
        unserved: agents whom no policy learns for.
        reassigned: agents who changed their policy.
        kl: divergence of each policy from the one that sampled, in nats.
        clip_fraction: share of transitions whose ratio is clipped.
        entropy: in nats.
        explained_variance: of returns, by the critic.
        episodes: that ended in the batch.
    """

    welfare: Float[Array, ""]
    group_welfare: Float[Array, " k"]
    group_size: Float[Array, " k"]
    unserved: Float[Array, ""]
    reassigned: Float[Array, ""]
    kl: Float[Array, " k"]
    clip_fraction: Float[Array, " k"]
    entropy: Float[Array, " k"]
    explained_variance: Float[Array, " k"]
    episodes: Float[Array, " k"]


def report_of(
    task: Task,
    returns: Returns,
    assignments: tuple[Float[Array, "k n"], Float[Array, "k n"]],
    losses: ActorLosses,
    explained_variance: Float[Array, " k"],
    episodes: Float[Array, " k"],
) -> Report:
    """What is told of an iteration.

    Args:
        task: of the phase.
        returns: V after it.
        assignments: α before and after it.
        losses: of each policy's last epoch.
        explained_variance: of returns, by the critic.
        episodes: that ended in the batch.
    """
    before, after = assignments
    size, heard = after.sum(axis=1), returns.known.any(axis=1)
    best = best_served(task.reported, jnp.where(returns.known, returns.value, -jnp.inf))
    served = jnp.where(after.sum(axis=0) > 0, after, best)
    judged = jnp.all(returns.known | (served <= 0))
    group = task.objective.per_policy(after, returns.value)
    return Report(
        welfare=jnp.where(judged, task.reported.value(served, returns.value), jnp.nan),
        group_welfare=jnp.where(heard, group, jnp.nan),
        group_size=size,
        unserved=jnp.sum(after.sum(axis=0) == 0).astype(jnp.float32),
        reassigned=jnp.sum(labels_of(before) != labels_of(after)).astype(jnp.float32),
        kl=losses.kl,
        clip_fraction=losses.clip_fraction,
        entropy=losses.entropy,
        explained_variance=explained_variance,
        episodes=episodes,
    )
