"""Rollouts: T steps of E parallel worlds for each of k policies, and the returns of finished episodes.

Axes of a batch: (T, k, E, ..). One transition is sampled per policy and serves all agents (Section 3.2).
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, PRNGKeyArray

from policybudget.policies import actions
from policybudget.policies.stacked import Policies, act
from policybudget.population import Experience, FeatureMap
from policybudget.worlds.interface import JaxWorld


class Batch(eqx.Module):
    """What k policies did in T steps of E worlds, the same from every sampler.

    Attributes:
        observation: raw, before the action.
        action, log_prob: as sampled.
        outcome: (.., d), from which the population computes features.
        terminated, truncated: the episode ended with this transition.
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
    """Where the k x E worlds stand between two rollouts."""

    state: Any
    observation: Float[Array, "k E o"]


class Episodes(eqx.Module):
    """Undiscounted feature returns of the episodes that finished in a batch, per policy.

    Attributes:
        count: number of episodes.
        total: sum of their returns.
        recent: their exponentially weighted sum, :math:`\\sum_l \\lambda (1-\\lambda)^{c-l} R_l`, last episode last.
        kept: :math:`(1-\\lambda)^c`, what is left of an older moving average.
        so_far: returns of each episode up to and including each step, kept only where asked for.
    """

    count: Float[Array, " k"]
    total: Float[Array, "k m"]
    recent: Float[Array, "k m"]
    kept: Float[Array, " k"]
    so_far: Float[Array, "T k E m"] | None = None


def start(world: JaxWorld, budget: int, worlds: int, key: PRNGKeyArray) -> Ongoing:
    """k x E fresh worlds."""
    keys = jax.random.split(key, (budget, worlds))
    state, observation = jax.vmap(jax.vmap(world.reset))(keys)
    return Ongoing(state, observation)


def rollout(
    world: JaxWorld, policies: Policies, ongoing: Ongoing, key: PRNGKeyArray, steps: int
) -> tuple[Ongoing, Batch]:
    """T steps of every world with sampled actions; finished episodes start anew at once."""
    shape = ongoing.observation.shape[:2]
    noise_key, world_key = jax.random.split(key)
    noise = actions.noise(world.actions, noise_key, (steps, *shape))

    def step(ongoing: Ongoing, inputs: tuple[Array, Array]) -> tuple[Ongoing, tuple[Array, ...]]:
        random, step_key = inputs
        head = policies(ongoing.observation)
        action = actions.sample(world.actions, head, random)
        log_prob = actions.log_prob(world.actions, head, action)
        keys = jax.random.split(step_key, (2, *shape))
        after = jax.vmap(jax.vmap(world.step))(ongoing.state, action, keys[0])
        fresh = jax.vmap(jax.vmap(world.reset))(keys[1])
        done = after.terminated | after.truncated
        state, observation = jax.tree.map(
            lambda new, old: jnp.where(done.reshape(done.shape + (1,) * (new.ndim - 2)), new, old),
            fresh,
            (after.state, after.observation),
        )
        record = (
            ongoing.observation, action, log_prob, after.outcome,
            after.terminated, after.truncated, after.observation, jnp.ones(shape, bool),
        )  # fmt: skip
        return Ongoing(state, observation), record

    ongoing, record = jax.lax.scan(step, ongoing, (noise, jax.random.split(world_key, steps)))
    return ongoing, Batch(*record)


def account(
    features: FeatureMap, batch: Batch, running: Float[Array, "k E m"], mixing: float, keep_steps: bool = False
) -> tuple[Float[Array, "k E m"], Episodes]:
    """Add up feature returns over the batch.

    Args:
        running: returns so far of the episodes under way.
        mixing: λ of eq. 10; every finished episode enters.
        keep_steps: whether to keep returns up to each step.

    Returns:
        The returns of the episodes still under way, and the finished ones.
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


class Played(eqx.Module):
    """Whole episodes: undiscounted feature returns and lengths."""

    returns: Float[Array, "k E m"]
    lengths: Float[Array, "k E"]


def play(
    world: JaxWorld, features: FeatureMap, policies: Policies, key: PRNGKeyArray, episodes: int, greedy: bool
) -> Played:
    """Fresh episodes of every policy from start to end, with greedy or sampled actions."""
    budget = policies.budget
    start_key, noise_key, world_key = jax.random.split(key, 3)
    ongoing = start(world, budget, episodes, start_key)

    def step(carry: tuple[Ongoing, Array, Played], time: Array) -> tuple[tuple[Ongoing, Array, Played], None]:
        ongoing, alive, played = carry
        random = actions.noise(world.actions, jax.random.fold_in(noise_key, time), (budget, episodes))
        action = act(policies, world.actions, ongoing.observation, None if greedy else random)
        keys = jax.random.split(jax.random.fold_in(world_key, time), (budget, episodes))
        after = jax.vmap(jax.vmap(world.step))(ongoing.state, action, keys)
        seen = Experience(ongoing.observation, action, after.outcome, after.observation)
        paid = jnp.where(alive[..., None], features(seen), 0.0)
        played = Played(played.returns + paid, played.lengths + alive)
        alive = alive & ~(after.terminated | after.truncated)
        return (Ongoing(after.state, after.observation), alive, played), None

    random = actions.noise(world.actions, noise_key, (budget, episodes))
    action = act(policies, world.actions, ongoing.observation, random)
    outcome = jnp.zeros((budget, episodes, world.outcome_size))
    example = jax.eval_shape(features, Experience(ongoing.observation, action, outcome, ongoing.observation))
    nothing = Played(jnp.zeros(example.shape), jnp.zeros((budget, episodes)))
    carry = (ongoing, jnp.ones((budget, episodes), bool), nothing)
    (_, _, played), _ = jax.lax.scan(step, carry, jnp.arange(world.time_limit))
    return played
