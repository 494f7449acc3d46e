"""What samplers give: transitions, and the returns of the episodes that end among them.

Axes of a batch: (T, k, E, ..). One transition of a policy serves all n agents (Ivanov & Ben-Porat 2024, Section 3.2).
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float

from policybudget.population import Experience, FeatureMap


class Batch(eqx.Module):
    """What k policies did in T steps of E copies of a world, the same from every sampler.

    Attributes:
        observation: raw, before the action.
        action: as sampled.
        log_prob: of the action.
        outcome: (.., d), from which the population computes features.
        terminated: the episode ended with this transition.
        truncated: the clock stopped the episode with this transition.
        next_observation: where the transition led, before any reset.
        valid: False for transitions that are no transitions (a reset step).
    """

    observation: Float[Array, "T k E o"]
    action: Array
    log_prob: Float[Array, "T k E"]
    outcome: Float[Array, "T k E d"]
    terminated: Bool[Array, "T k E"]
    truncated: Bool[Array, "T k E"]
    next_observation: Float[Array, "T k E o"]
    valid: Bool[Array, "T k E"]

    @property
    def experience(self) -> Experience:
        """As reward functions see it."""
        return Experience(self.observation, self.action, self.outcome, self.next_observation)


class Ongoing(eqx.Module):
    """Where the k x E copies stand between two rollouts.

    Attributes:
        state: of the copies; nothing for a world on the host that cannot tell its own.
        observation: to act on next; (k, E, o), or (o) of a single copy.
    """

    state: Any
    observation: Float[Array, "*copies o"]

    @property
    def bare(self) -> Ongoing:
        """Without the state, for compiled code that has no use for it."""
        return Ongoing(None, self.observation)


class Played(eqx.Module):
    """Whole episodes.

    Attributes:
        returns: undiscounted, per feature.
        lengths: in steps.
    """

    returns: Float[Array, "k E m"]
    lengths: Float[Array, "k E"]


class Episodes(eqx.Module):
    r"""Undiscounted feature returns of the episodes that ended in a batch, per policy.

    Attributes:
        count: number of episodes.
        total: sum of their returns.
        recent: their exponentially weighted sum, :math:`\sum_l \lambda (1-\lambda)^{c-l} R_l`, last episode last.
        kept: :math:`(1-\lambda)^c`, what is left of an older moving average.
        so_far: returns of each episode up to and including each step, kept only where asked for.
    """

    count: Float[Array, " k"]
    total: Float[Array, "k m"]
    recent: Float[Array, "k m"]
    kept: Float[Array, " k"]
    so_far: Float[Array, "T k E m"] | None = None


def account(
    features: FeatureMap, batch: Batch, running: Float[Array, "k E m"], mixing: float, keep_steps: bool = False
) -> tuple[Float[Array, "k E m"], Episodes]:
    """Add up feature returns over a batch.

    Args:
        features: reward features of transitions.
        batch: T steps of k x E copies.
        running: (k, E, m) returns so far of the episodes under way.
        mixing: λ of eq. 10; every finished episode enters.
        keep_steps: whether to keep returns up to each step.

    Returns:
        The returns of the episodes still under way (k, E, m), and the finished ones.
    """
    budget = running.shape[0]
    zero, zeros = jnp.zeros(budget), jnp.zeros((budget, running.shape[2]))

    def step(carry: tuple[Array, Episodes], now: Batch) -> tuple[tuple[Array, Episodes], Array | None]:
        running, episodes = carry
        done = (now.terminated | now.truncated) & now.valid
        running = running + jnp.where(now.valid[..., None], features(now.experience), 0.0)
        finished = done.astype(running.dtype)
        later = jnp.cumsum(finished[:, ::-1], axis=1)[:, ::-1] - finished
        weight = finished * mixing * (1.0 - mixing) ** later
        count = finished.sum(axis=1)
        kept = (1.0 - mixing) ** count
        episodes = Episodes(
            episodes.count + count,
            episodes.total + jnp.sum(finished[..., None] * running, axis=1),
            episodes.recent * kept[:, None] + jnp.sum(weight[..., None] * running, axis=1),
            episodes.kept * kept,
        )
        return (jnp.where(done[..., None], 0.0, running), episodes), running if keep_steps else None

    begin = Episodes(zero, zeros, zeros, zero + 1.0)
    (running, episodes), so_far = jax.lax.scan(step, (running, begin), batch)
    return running, replace(episodes, so_far=so_far)
