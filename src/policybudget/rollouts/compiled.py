"""Rollouts and whole episodes in worlds written in JAX: each is one compiled function."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Int, PRNGKeyArray

from policybudget.policies import actions
from policybudget.policies.stacked import Policies, act
from policybudget.population import Experience, Rewards
from policybudget.rollouts.batch import Batch, Ongoing, Played, by_agent, draw_agents, everybody
from policybudget.worlds.interface import JaxWorld

Shares = Float[Array, "k n"] | None


class JaxSampler:
    """k x E running copies of a world written in JAX.

    Args:
        world: what is copied.
        budget: k.
        copies: E, per policy.
        rewards: of the agents, whom copies of a world with own dynamics play for.
    """

    def __init__(self, world: JaxWorld, budget: int, copies: int, rewards: Rewards) -> None:
        self.world, self.shape, self.rewards = world, (budget, copies), rewards
        self._alike = bool(world.without_chance) and not rewards.own

    def start(self, key: PRNGKeyArray, shares: Shares = None) -> Ongoing:
        """Fresh episodes everywhere.

        Args:
            key: of the first states.
            shares: of agents in each policy's copies, where they have dynamics of their own.
        """
        return start(self.world, self.shape, key, self.rewards, shares)

    def restore(self, ongoing: Ongoing, key: PRNGKeyArray, shares: Shares = None) -> Ongoing:
        """A saved state holds its copies.

        Args:
            ongoing: as saved.
            key: not used.
            shares: not used.
        """
        del key, shares
        return ongoing

    def rollout(
        self, policies: Policies, ongoing: Ongoing, key: PRNGKeyArray, steps: int, shares: Shares = None
    ) -> tuple[Ongoing, Batch]:
        """T steps of every copy with sampled actions.

        Args:
            policies: who acts; policy j in its own E copies.
            ongoing: where the copies stand.
            key: of actions and worlds.
            steps: T.
            shares: as in :meth:`start`.

        Returns:
            Where the copies stand then, and the transitions.
        """
        after: tuple[Ongoing, Batch] = _rollout(
            self.world, policies, ongoing, key, steps, self._alike, self.rewards, shares
        )
        return after

    def close(self) -> None:
        """Nothing to let go of."""


def start(
    world: JaxWorld,
    shape: tuple[int, int],
    key: PRNGKeyArray,
    rewards: Rewards | None = None,
    shares: Shares = None,
    whom: Int[Array, "k E"] | None = None,
) -> Ongoing:
    """k x E fresh copies.

    Args:
        world: what is copied.
        shape: (k, E).
        key: of the first states.
        rewards: of the agents; needed where they have dynamics of their own.
        shares: of agents in each policy's copies, there.
        whom: the agent that each copy plays for, there; drawn by shares if None.
    """
    if shares is not None and whom is None:
        whom = draw_agents(shares, jax.random.fold_in(key, 1), shape[1])
    keys, task = jax.random.split(key, shape), None if rewards is None else rewards.task(whom)
    state, observation = jax.vmap(jax.vmap(world.reset))(keys, task)
    return Ongoing(state, observation, whom)


def rollout(
    world: JaxWorld,
    policies: Policies,
    ongoing: Ongoing,
    key: PRNGKeyArray,
    steps: int,
    alike: bool = False,
    rewards: Rewards | None = None,
    shares: Shares = None,
) -> tuple[Ongoing, Batch]:
    """T steps of every copy with sampled actions; finished episodes start anew at once.

    Args:
        world: what is copied.
        policies: who acts; policy j in its own E copies.
        ongoing: where the copies stand.
        key: of actions and worlds.
        steps: T.
        alike: whether all episodes of this world begin alike.
        rewards: of the agents; needed where they have dynamics of their own.
        shares: of agents in each policy's copies, there.

    Returns:
        Where the copies stand then, and the transitions.
    """
    shape = (ongoing.observation.shape[0], ongoing.observation.shape[1])
    noise_key, world_key, reset_key = jax.random.split(key, 3)
    noise = actions.noise(world.actions, noise_key, (steps, *shape))
    renew = _renewal(world, shape, reset_key, alike, rewards, shares)

    def step(ongoing: Ongoing, inputs: tuple[Array, Array, Array]) -> tuple[Ongoing, Any]:
        random, step_key, time = inputs
        head = policies(ongoing.observation)
        action = actions.sample(world.actions, head, random)
        log_prob = actions.log_prob(world.actions, head, action)
        task = None if rewards is None else rewards.task(ongoing.whom)
        after = jax.vmap(jax.vmap(world.step))(ongoing.state, action, jax.random.split(step_key, shape), task)
        done = after.terminated | after.truncated
        record = (
            ongoing.observation, action, log_prob, after.outcome,
            after.terminated, after.truncated, after.observation, jnp.ones(shape, bool), ongoing.whom,
        )  # fmt: skip
        return renew(Ongoing(after.state, after.observation, ongoing.whom), done, time), record

    inputs = (noise, jax.random.split(world_key, steps), jnp.arange(steps))
    ongoing, record = jax.lax.scan(step, ongoing, inputs)
    batch: Batch = Batch(*record)
    return ongoing, batch


def _renewal(
    world: JaxWorld, shape: tuple[int, int], key: PRNGKeyArray, alike: bool, rewards: Rewards | None, shares: Shares
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
            return _where(done, start(world, shape, jax.random.fold_in(key, time), rewards, shares), after)

        renewed: Ongoing = jax.lax.cond(done.any(), fresh, lambda after: after, after)
        return renewed

    return renew


def _where(done: Bool[Array, "k E"], new: Ongoing, old: Ongoing) -> Ongoing:
    def choose(new: Array, old: Array) -> Array:
        return jnp.where(done.reshape(done.shape + (1,) * (old.ndim - 2)), new, old)

    chosen: Ongoing = jax.tree.map(choose, new, old)
    return chosen


def play(
    world: JaxWorld, rewards: Rewards, policies: Policies, key: PRNGKeyArray, episodes: int, greedy: bool
) -> Played:
    """Fresh episodes of every policy from start to end; for every agent where they have dynamics of their own.

    Args:
        world: where the policies act.
        rewards: of the agents.
        policies: who acts.
        key: of actions and worlds.
        episodes: per policy, and per agent where they have dynamics of their own.
        greedy: whether the most likely actions are taken; sampled ones if not.
    """
    budget = policies.budget
    start_key, noise_key, world_key = jax.random.split(key, 3)
    whom = everybody(rewards, budget, episodes)
    shape = (budget, episodes if whom is None else whom.shape[1])
    ongoing = start(world, shape, start_key, rewards, whom=whom)
    pay = rewards.features if whom is None else lambda seen: rewards.paid(seen, whom)[..., None]

    def step(carry: tuple[Ongoing, Array, Played], time: Array) -> tuple[tuple[Ongoing, Array, Played], None]:
        ongoing, alive, played = carry
        random = actions.noise(world.actions, jax.random.fold_in(noise_key, time), shape)
        action = act(policies, world.actions, ongoing.observation, None if greedy else random)
        keys = jax.random.split(jax.random.fold_in(world_key, time), shape)
        after = jax.vmap(jax.vmap(world.step))(ongoing.state, action, keys, rewards.task(whom))
        seen = Experience(ongoing.observation, action, after.outcome, after.observation)
        paid = jnp.where(alive[..., None], pay(seen), 0.0)
        played = Played(played.returns + paid, played.lengths + alive)
        alive = alive & ~(after.terminated | after.truncated)
        return (Ongoing(after.state, after.observation), alive, played), None

    action = act(policies, world.actions, ongoing.observation, None)  # for its shape
    outcome = jnp.zeros((*shape, world.outcome_size))
    example = jax.eval_shape(pay, Experience(ongoing.observation, action, outcome, ongoing.observation))
    nothing = Played(jnp.zeros(example.shape), jnp.zeros(shape))
    carry = (Ongoing(ongoing.state, ongoing.observation), jnp.ones(shape, bool), nothing)
    (_, _, played), _ = jax.lax.scan(step, carry, jnp.arange(world.time_limit))
    return played if whom is None else by_agent(played, episodes)


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
    ongoing = start(world, (budget, 1), start_key)

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
