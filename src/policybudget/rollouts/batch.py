"""What samplers give: transitions, and the returns of the episodes that end among them.

Axes of a batch: (T, k, E, ..). Where agents share a dynamics, one transition of a policy serves all n of them (Ivanov &
Ben-Porat 2024, Section 3.2), and episodes are remembered by feature. Where they have dynamics of their own, a copy
plays for one agent at a time, and episodes are remembered by agent.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Int, PRNGKeyArray

from policybudget.population import Experience, FeatureMap, Rewards


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
        whom: the agent that each transition was played for; None where agents share a dynamics.
    """

    observation: Float[Array, "T k E o"]
    action: Array
    log_prob: Float[Array, "T k E"]
    outcome: Float[Array, "T k E d"]
    terminated: Bool[Array, "T k E"]
    truncated: Bool[Array, "T k E"]
    next_observation: Float[Array, "T k E o"]
    valid: Bool[Array, "T k E"]
    whom: Int[Array, "*T k E"] | None = None

    @property
    def experience(self) -> Experience:
        """As reward functions see it."""
        return Experience(self.observation, self.action, self.outcome, self.next_observation)


class Ongoing(eqx.Module):
    """Where the k x E copies stand between two rollouts.

    Attributes:
        state: of the copies; nothing for a world on the host that cannot tell its own.
        observation: to act on next; (k, E, o), or (o) of a single copy.
        whom: the agent that each copy plays for; None where agents share a dynamics.
    """

    state: Any
    observation: Float[Array, "*copies o"]
    whom: Int[Array, "*copies"] | None = None

    @property
    def bare(self) -> Ongoing:
        """Without the state, for compiled code that has no use for it."""
        alone: Ongoing = eqx.tree_at(lambda one: one.state, self, None, is_leaf=lambda part: part is None)
        return alone  # of shapes, too, which are no arrays


class Played(eqx.Module):
    """Whole episodes.

    Attributes:
        returns: undiscounted, per feature; per agent where they have dynamics of their own: of each agent E episodes
            then, and of lengths their mean over agents.
        lengths: in steps.
    """

    returns: Float[Array, "k E m"]
    lengths: Float[Array, "k E"]


class Episodes(eqx.Module):
    r"""Undiscounted returns of the episodes that ended in a batch, per policy.

    By feature, c = 1; where agents have dynamics of their own, by agent: c = m = n.

    Attributes:
        count: number of episodes.
        total: sum of their returns.
        recent: their exponentially weighted sum, :math:`\sum_l \lambda (1-\lambda)^{c-l} R_l`, last episode last.
        kept: :math:`(1-\lambda)^c`, what is left of an older moving average.
        so_far: returns of each episode up to and including each step, kept only where asked for.
    """

    count: Float[Array, "k c"]
    total: Float[Array, "k m"]
    recent: Float[Array, "k m"]
    kept: Float[Array, "k c"]
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
    zero, zeros = jnp.zeros((budget, 1)), jnp.zeros((budget, running.shape[2]))

    def step(carry: tuple[Array, Episodes], now: Batch) -> tuple[tuple[Array, Episodes], Array | None]:
        running, episodes = carry
        done = (now.terminated | now.truncated) & now.valid
        running = running + jnp.where(now.valid[..., None], features(now.experience), 0.0)
        finished = done.astype(running.dtype)
        later = jnp.cumsum(finished[:, ::-1], axis=1)[:, ::-1] - finished
        weight = finished * mixing * (1.0 - mixing) ** later
        count = finished.sum(axis=1, keepdims=True)
        kept = (1.0 - mixing) ** count
        episodes = Episodes(
            episodes.count + count,
            episodes.total + jnp.sum(finished[..., None] * running, axis=1),
            episodes.recent * kept + jnp.sum(weight[..., None] * running, axis=1),
            episodes.kept * kept,
        )
        return (jnp.where(done[..., None], 0.0, running), episodes), running if keep_steps else None

    begin = Episodes(zero, zeros, zeros, zero + 1.0)
    (running, episodes), so_far = jax.lax.scan(step, (running, begin), batch)
    return running, replace(episodes, so_far=so_far)


def account_alone(
    rewards: Rewards, batch: Batch, running: Float[Array, "k E one"], mixing: float, agents: int
) -> tuple[Float[Array, "k E one"], Episodes]:
    """Add up returns over a batch in which every copy plays for an agent of its own.

    Args:
        rewards: of the n agents.
        batch: T steps of k x E copies.
        running: (k, E, 1) returns so far of the episodes under way.
        mixing: λ of eq. 10; every finished episode enters.
        agents: n.

    Returns:
        The returns of the episodes still under way, and the finished ones, by agent.
    """
    budget = running.shape[0]
    policies = jnp.arange(budget)[:, None]

    def by_agent(whom: Array, values: Array) -> Array:
        return jnp.zeros((budget, agents)).at[policies, whom].add(values)

    def ended(episodes: Episodes, done: Array, whom: Array, returns: Array) -> Episodes:
        finished = done.astype(returns.dtype)
        same = jnp.triu(whom[:, :, None] == whom[:, None, :], 1)  # of later copies
        later = jnp.einsum("kef,kf->ke", same.astype(returns.dtype), finished)
        count = by_agent(whom, finished)
        kept = (1.0 - mixing) ** count
        return Episodes(
            episodes.count + count,
            episodes.total + by_agent(whom, finished * returns),
            episodes.recent * kept + by_agent(whom, finished * mixing * (1.0 - mixing) ** later * returns),
            episodes.kept * kept,
        )

    def step(carry: tuple[Array, Episodes], now: Batch) -> tuple[tuple[Array, Episodes], None]:
        running, episodes = carry
        assert now.whom is not None
        done = (now.terminated | now.truncated) & now.valid
        running = running + jnp.where(now.valid, rewards.paid(now.experience, now.whom), 0.0)
        parts = (episodes, done, now.whom, running)
        episodes = jax.lax.cond(done.any(), ended, lambda episodes, *_: episodes, *parts)
        return (jnp.where(done, 0.0, running), episodes), None

    zeros = jnp.zeros((budget, agents))
    (left, episodes), _ = jax.lax.scan(step, (running[..., 0], Episodes(zeros, zeros, zeros, zeros + 1.0)), batch)
    return left[..., None], episodes


def draw_agents(shares: Float[Array, "k n"], key: PRNGKeyArray, copies: int) -> Int[Array, "k E"]:
    """Whom copies play for: agents in proportion to their shares of each policy.

    Args:
        shares: 0 or more; of a policy without any, all agents are as likely.
        key: of the draw.
        copies: E.
    """
    total = shares.sum(axis=1, keepdims=True)
    chances = jnp.where(total > 0, shares / jnp.maximum(total, 1e-30), 1.0 / shares.shape[1])
    return jax.random.categorical(key, jnp.log(chances)[:, None], axis=-1, shape=(shares.shape[0], copies))


def everybody(rewards: Rewards, budget: int, episodes: int) -> Int[Array, "k nE"] | None:
    """Whom copies play for, so that every policy plays some episodes for each agent.

    Args:
        rewards: of the n agents.
        budget: k.
        episodes: E, of each policy for each agent.

    Returns:
        (k, n E) agents, the episodes of each side by side; None where agents share a dynamics.
    """
    if rewards.dynamics is None:
        return None
    agents = jnp.repeat(jnp.arange(rewards.dynamics.shape[0]), episodes)
    return jnp.broadcast_to(agents, (budget, len(agents)))


def by_agent(played: Played, episodes: int) -> Played:
    """Episodes that were played for :func:`everybody`, with the agents on the last axis.

    Args:
        played: returns (k, n E, 1) and lengths (k, n E).
        episodes: E.
    """
    budget = played.lengths.shape[0]
    returns = played.returns.reshape(budget, -1, episodes)
    lengths = played.lengths.reshape(budget, -1, episodes)
    return Played(jnp.swapaxes(returns, 1, 2), lengths.mean(axis=1))
