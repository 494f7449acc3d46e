"""Rollouts and whole episodes in worlds that are stepped on the host.

The k x E copies are one vector environment; policy j acts in copies j E to (j + 1) E - 1. Actions are chosen in NumPy:
for 80 observations a call of compiled code costs several times as much. Rewards are computed from the outcomes, by the
compiled update.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, PRNGKeyArray

from policybudget.policies import actions
from policybudget.policies.acting import Acting
from policybudget.policies.stacked import Policies
from policybudget.population import Experience, Rewards
from policybudget.rollouts.batch import Batch, Ongoing, Played, by_agent, draw_agents, everybody
from policybudget.streams import host_seed
from policybudget.worlds.interface import ActionSpace, HostStep, HostWorld

ELAPSED = "elapsed"
"""In the state of copies whose world ``tells_clock``: the steps of each copy's episode so far."""


class HostSampler:
    """k x E running copies of a world.

    Args:
        world: what is copied.
        budget: k.
        copies: E, per policy.
        rewards: of the agents, whom copies of a world with own dynamics play for.
        stagger: whether first episodes are cut short, so that those of a policy end at times evenly apart; where the
            world ``tells_clock``.
    """

    def __init__(self, world: HostWorld, budget: int, copies: int, rewards: Rewards, stagger: bool = False) -> None:
        self.world, self.shape, self.rewards, self.stagger = world, (budget, copies), rewards, stagger
        self.copies = world.copies(budget * copies, _told(rewards))

    def start(self, key: PRNGKeyArray, shares: Float[Array, "k n"] | None = None) -> Ongoing:
        """Fresh episodes everywhere.

        Args:
            key: of the first states.
            shares: of agents in each policy's copies, where they have dynamics of their own.
        """
        whom = None if shares is None else draw_agents(shares, jax.random.fold_in(key, 1), self.shape[1])
        observation = self.copies.reset(host_seed(key), _flat(whom))
        if self.stagger:
            self._stagger()
        return Ongoing(self.copies.state(), jnp.asarray(observation.reshape(*self.shape, -1)), whom)

    def _stagger(self) -> None:
        """Set the clock of copy e of a policy to e / E of an episode."""
        state, (budget, copies) = self.copies.state(), self.shape
        apart = np.arange(copies) * self.world.time_limit // copies
        self.copies.restore(state | {ELAPSED: np.tile(apart, budget).astype(state[ELAPSED].dtype)})

    def restore(self, ongoing: Ongoing, key: PRNGKeyArray, shares: Float[Array, "k n"] | None = None) -> Ongoing:
        """Go on where a saved run stood; in fresh episodes where the world cannot save its state.

        Args:
            ongoing: as saved.
            key: of the first states of fresh episodes.
            shares: as in :meth:`start`.
        """
        if not ongoing.state:
            return self.start(key, shares)
        self.copies.restore(ongoing.state)
        return ongoing

    def close(self) -> None:
        """Let go of the copies."""
        self.copies.close()

    def rollout(
        self,
        policies: Policies,
        ongoing: Ongoing,
        key: PRNGKeyArray,
        steps: int,
        shares: Float[Array, "k n"] | None = None,
    ) -> tuple[Ongoing, Batch]:
        """T steps of every copy with sampled actions.

        Args:
            policies: who acts; policy j in its own E copies.
            ongoing: where the copies stand.
            key: of the actions.
            steps: T.
            shares: as in :meth:`start`.

        Returns:
            Where the copies stand then, and the transitions.
        """
        space = self.world.actions
        noise = np.asarray(_noise(space, key, (steps, *self.shape)))
        acting = policies.on_host(space)
        observation = np.asarray(ongoing.observation)
        observations, chosen, after, served = [], [], [], []
        following = self._following(shares, key, steps)
        whom = None if ongoing.whom is None else np.asarray(ongoing.whom)
        for random, then in zip(noise, following, strict=True):
            action = acting.act(observation, random)
            now = self.copies.step(action.reshape(-1, *action.shape[2:]), _flat(then))
            served.append(whom)
            if whom is not None and then is not None:
                whom = np.where((now.terminated | now.truncated).reshape(self.shape), then, whom)
            observations.append(observation)
            chosen.append(action)
            after.append(now)
            observation = now.observation.reshape(*self.shape, -1)
        reached = Ongoing(self.copies.state(), jnp.asarray(observation), None if whom is None else jnp.asarray(whom))
        batch = self._batch(policies, observations, chosen, after)
        return reached, batch if whom is None else replace(
            batch, whom=jnp.asarray(np.stack([np.asarray(one) for one in served]))
        )

    def _following(self, shares: Float[Array, "k n"] | None, key: PRNGKeyArray, steps: int) -> Iterable[Any]:
        """Whom each copy would play for next, at every step."""
        if shares is None:
            return [None] * steps
        drawn = draw_agents(shares, jax.random.fold_in(key, 1), steps * self.shape[1])
        return np.moveaxis(np.asarray(drawn).reshape(self.shape[0], steps, self.shape[1]), 1, 0)

    def _batch(
        self, policies: Policies, observations: list[np.ndarray], chosen: list[np.ndarray], after: list[HostStep]
    ) -> Batch:
        def stacked(name: str) -> Array:
            together = np.stack([getattr(step, name) for step in after])
            return jnp.asarray(together.reshape(len(after), *self.shape, *together.shape[2:]))

        observation, action = jnp.asarray(np.stack(observations)), jnp.asarray(np.stack(chosen))
        return Batch(
            observation=observation,
            action=action,
            log_prob=_log_prob(policies, self.world.actions, observation, action),
            outcome=stacked("outcome"),
            terminated=stacked("terminated"),
            truncated=stacked("truncated"),
            next_observation=stacked("next_observation"),
            valid=stacked("valid"),
        )


def _told(rewards: Rewards) -> np.ndarray | None:
    """What a world is told of each agent, for NumPy."""
    return None if rewards.dynamics is None else np.asarray(rewards.dynamics)


def _flat(whom: Any) -> np.ndarray | None:
    """For all copies in one row."""
    return None if whom is None else np.asarray(whom).reshape(-1)


@partial(jax.jit, static_argnums=(0, 2))
def _noise(space: ActionSpace, key: PRNGKeyArray, shape: tuple[int, ...]) -> Array:
    return actions.noise(space, key, shape)


@partial(jax.jit, static_argnums=1)
def _log_prob(
    policies: Policies, space: ActionSpace, observation: Float[Array, "T k E o"], action: Array
) -> Float[Array, "T k E"]:
    steps, budget, worlds = observation.shape[:3]

    def rows(x: Array) -> Array:
        return jnp.moveaxis(x, 0, 1).reshape(budget, steps * worlds, *x.shape[3:])

    log_prob = actions.log_prob(space, policies(rows(observation)), rows(action))
    return jnp.moveaxis(log_prob.reshape(budget, steps, worlds), 0, 1)


def play(
    world: HostWorld, rewards: Rewards, policies: Acting, key: PRNGKeyArray, episodes: int, greedy: bool
) -> Played:
    """Fresh episodes of every policy from start to end; for every agent where they have dynamics of their own.

    Args:
        world: where the policies act.
        rewards: of the agents.
        policies: who acts.
        key: of actions and worlds.
        episodes: per policy, and per agent where they have dynamics of their own.
        greedy: whether the most likely actions are taken; sampled ones if not.

    Raises:
        WorldError: the world raised, or gave something that is not finite.
    """
    budget, space = policies.budget, world.actions
    start_key, noise_key = jax.random.split(key)
    acting, whom = policies.on_host(space), everybody(rewards, budget, episodes)
    shape = (budget, episodes if whom is None else whom.shape[1])
    copies, then = world.copies(shape[0] * shape[1], _told(rewards)), _flat(whom)
    alive, lengths = np.ones(shape, bool), np.zeros(shape, np.float32)
    returns: Array | None = None
    paid = rewards.features if whom is None else lambda seen: rewards.paid(seen, whom)[..., None]
    first = jax.jit(lambda seen, alive: jnp.where(alive[..., None], paid(seen), 0.0))
    more = jax.jit(lambda returns, seen, alive: returns + first(seen, alive), donate_argnums=0)
    try:
        observation = copies.reset(host_seed(start_key), then).reshape(*shape, -1)
        for time in range(world.time_limit):
            random = None if greedy else np.asarray(_noise(space, jax.random.fold_in(noise_key, time), shape))
            action = acting.act(observation, random)
            now = copies.step(action.reshape(-1, *action.shape[2:]), then)
            led = now.outcome.reshape(*shape, -1), now.next_observation.reshape(*shape, -1)
            seen, counts = Experience(*map(jnp.asarray, (observation, action, *led))), jnp.asarray(alive)
            returns = first(seen, counts) if returns is None else more(returns, seen, counts)
            lengths += alive
            alive &= ~(now.terminated | now.truncated).reshape(shape)
            observation = now.observation.reshape(*shape, -1)
            if not alive.any():
                break
    finally:
        copies.close()
    assert returns is not None  # an episode has a step at least
    played = Played(returns, jnp.asarray(lengths))
    return played if whom is None else by_agent(played, episodes)
