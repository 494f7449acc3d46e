"""Rollouts and whole episodes in worlds written in JAX: each is one compiled function."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, PRNGKeyArray

from policybudget.policies import actions
from policybudget.policies.stacked import Policies, act
from policybudget.population import Experience, FeatureMap
from policybudget.rollouts.batch import Batch, Ongoing, Played
from policybudget.worlds.interface import JaxWorld


class JaxSampler:
    """k x E running copies of a world written in JAX.

    Args:
        world: what is copied.
        budget: k.
        copies: E, per policy.
    """

    def __init__(self, world: JaxWorld, budget: int, copies: int) -> None:
        self.world, self.shape, self._alike = world, (budget, copies), bool(world.without_chance)

    def start(self, key: PRNGKeyArray) -> Ongoing:
        """Fresh episodes everywhere.

        Args:
            key: of the first states.
        """
        return start(self.world, *self.shape, key)

    def restore(self, ongoing: Ongoing, key: PRNGKeyArray) -> Ongoing:
        """A saved state holds its copies.

        Args:
            ongoing: as saved.
            key: not used.
        """
        del key
        return ongoing

    def rollout(self, policies: Policies, ongoing: Ongoing, key: PRNGKeyArray, steps: int) -> tuple[Ongoing, Batch]:
        """T steps of every copy with sampled actions.

        Args:
            policies: who acts; policy j in its own E copies.
            ongoing: where the copies stand.
            key: of actions and worlds.
            steps: T.

        Returns:
            Where the copies stand then, and the transitions.
        """
        after: tuple[Ongoing, Batch] = _rollout(self.world, policies, ongoing, key, steps, self._alike)
        return after

    def close(self) -> None:
        """Nothing to let go of."""


def start(world: JaxWorld, budget: int, copies: int, key: PRNGKeyArray) -> Ongoing:
    """k x E fresh copies.

    Args:
        world: what is copied.
        budget: k.
        copies: E, per policy.
        key: of the first states.
    """
    keys = jax.random.split(key, (budget, copies))
    state, observation = jax.vmap(jax.vmap(world.reset))(keys)
    return Ongoing(state, observation)


def rollout(
    world: JaxWorld, policies: Policies, ongoing: Ongoing, key: PRNGKeyArray, steps: int, alike: bool = False
) -> tuple[Ongoing, Batch]:
    """T steps of every copy with sampled actions; finished episodes start anew at once.

    Args:
        world: what is copied.
        policies: who acts; policy j in its own E copies.
        ongoing: where the copies stand.
        key: of actions and worlds.
        steps: T.
        alike: whether all episodes of this world begin alike.

    Returns:
        Where the copies stand then, and the transitions.
    """
    shape = ongoing.observation.shape[:2]
    noise_key, world_key, reset_key = jax.random.split(key, 3)
    noise = actions.noise(world.actions, noise_key, (steps, *shape))
    renew = _renewal(world, shape, reset_key, alike)

    def step(ongoing: Ongoing, inputs: tuple[Array, Array, Array]) -> tuple[Ongoing, tuple[Array, ...]]:
        random, step_key, time = inputs
        head = policies(ongoing.observation)
        action = actions.sample(world.actions, head, random)
        log_prob = actions.log_prob(world.actions, head, action)
        after = jax.vmap(jax.vmap(world.step))(ongoing.state, action, jax.random.split(step_key, shape))
        done = after.terminated | after.truncated
        record = (
            ongoing.observation, action, log_prob, after.outcome,
            after.terminated, after.truncated, after.observation, jnp.ones(shape, bool),
        )  # fmt: skip
        return renew(Ongoing(after.state, after.observation), done, time), record

    inputs = (noise, jax.random.split(world_key, steps), jnp.arange(steps))
    ongoing, record = jax.lax.scan(step, ongoing, inputs)
    return ongoing, Batch(*record)


def _renewal(
    world: JaxWorld, shape: tuple[int, ...], key: PRNGKeyArray, alike: bool
) -> Callable[[Ongoing, Bool[Array, "k E"], Array], Ongoing]:
    """How finished copies begin anew.

    Where all episodes begin alike, their first state is computed once. Elsewhere first states are drawn in
    those steps alone in which an episode ended.
    """
    if alike:
        first = Ongoing(*world.reset(key))
        return lambda after, done, time: _where(done, first, after)

    def renew(after: Ongoing, done: Array, time: Array) -> Ongoing:
        def fresh(after: Ongoing) -> Ongoing:
            keys = jax.random.split(jax.random.fold_in(key, time), shape)
            return _where(done, Ongoing(*jax.vmap(jax.vmap(world.reset))(keys)), after)

        renewed: Ongoing = jax.lax.cond(done.any(), fresh, lambda after: after, after)
        return renewed

    return renew


def _where(done: Bool[Array, "k E"], new: Ongoing, old: Ongoing) -> Ongoing:
    def choose(new: Array, old: Array) -> Array:
        return jnp.where(done.reshape(done.shape + (1,) * (old.ndim - 2)), new, old)

    chosen: Ongoing = jax.tree.map(choose, new, old)
    return chosen


def play(
    world: JaxWorld, features: FeatureMap, policies: Policies, key: PRNGKeyArray, episodes: int, greedy: bool
) -> Played:
    """Fresh episodes of every policy from start to end.

    Args:
        world: where the policies act.
        features: reward features of transitions.
        policies: who acts.
        key: of actions and worlds.
        episodes: per policy.
        greedy: whether the most likely actions are taken; sampled ones if not.
    """
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

    action = act(policies, world.actions, ongoing.observation, None)  # for its shape
    outcome = jnp.zeros((budget, episodes, world.outcome_size))
    example = jax.eval_shape(features, Experience(ongoing.observation, action, outcome, ongoing.observation))
    nothing = Played(jnp.zeros(example.shape), jnp.zeros((budget, episodes)))
    carry = (ongoing, jnp.ones((budget, episodes), bool), nothing)
    (_, _, played), _ = jax.lax.scan(step, carry, jnp.arange(world.time_limit))
    return played


def trace(world: JaxWorld, policies: Policies, key: PRNGKeyArray) -> tuple[Array, Array]:
    """One greedy episode of each policy, step by step.

    Args:
        world: where the policies act.
        policies: who acts.
        key: of the world.

    Returns:
        Observations (time_limit + 1, k, o), the first state's first, and lengths (k) in steps.
    """
    path, length = _trace(world, policies, key)
    return path, length


def _traced(world: JaxWorld, policies: Policies, key: PRNGKeyArray) -> tuple[Array, Array]:
    budget = policies.budget
    start_key, world_key = jax.random.split(key)
    ongoing = start(world, budget, 1, start_key)

    def step(carry: tuple[Ongoing, Array, Array], time: Array) -> Any:
        ongoing, alive, length = carry
        action = act(policies, world.actions, ongoing.observation, None)
        keys = jax.random.split(jax.random.fold_in(world_key, time), (budget, 1))
        after = jax.vmap(jax.vmap(world.step))(ongoing.state, action, keys)
        length = length + alive
        alive = alive & ~(after.terminated | after.truncated)
        return (Ongoing(after.state, after.observation), alive, length), after.observation

    blank = jnp.zeros((budget, 1), int)
    carry, path = jax.lax.scan(step, (ongoing, blank == 0, blank), jnp.arange(world.time_limit))
    return jnp.concatenate([ongoing.observation[None], path])[:, :, 0], carry[2][:, 0]


_rollout, _trace = eqx.filter_jit(rollout), eqx.filter_jit(_traced)
