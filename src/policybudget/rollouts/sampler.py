"""One way to run k policies in copies of a world, whether it is written in JAX or stepped on the host."""

from __future__ import annotations

from typing import Protocol, runtime_checkable

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, PRNGKeyArray

from policybudget.policies.acting import Acting
from policybudget.policies.stacked import Policies
from policybudget.population import Rewards
from policybudget.rollouts import compiled, host
from policybudget.rollouts.batch import Batch, Ongoing, Played
from policybudget.worlds.interface import HostWorld, JaxWorld, World
from policybudget.worlds.jax_copies import JaxOnHost

Shares = Float[Array, "k n"] | None
_play = eqx.filter_jit(compiled.play)


@runtime_checkable
class Sampler(Protocol):
    """k x E running copies of a world."""

    def start(self, key: PRNGKeyArray, shares: Shares = None) -> Ongoing:
        """Fresh episodes everywhere.

        Args:
            key: of the first states.
            shares: of agents in each policy's copies, where they have dynamics of their own.
        """

    def restore(self, ongoing: Ongoing, key: PRNGKeyArray, shares: Shares = None) -> Ongoing:
        """Go on where a saved run stood; in fresh episodes where the world cannot save its state.

        Args:
            ongoing: as saved.
            key: of the first states of fresh episodes.
            shares: as in :meth:`start`.
        """

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

        Raises:
            WorldError: the world raised, or gave something that is not finite.
        """

    def close(self) -> None:
        """Let go of the copies and of the processes that they run in."""


def sampler(world: World, budget: int, copies: int, rewards: Rewards, stagger: bool = False) -> Sampler:
    """The sampler that fits a world.

    Args:
        world: what is copied.
        budget: k.
        copies: E, per policy.
        rewards: of the agents, whom copies of a world with own dynamics play for.
        stagger: whether first episodes are cut short, so that those of a policy end at times evenly apart; where the
            world ``tells_clock``.
    """
    if isinstance(world, HostWorld):
        return host.HostSampler(world, budget, copies, rewards, stagger)
    assert isinstance(world, JaxWorld)
    return compiled.JaxSampler(world, budget, copies, rewards)


def play_alike(
    world: World, rewards: Rewards, policies: Policies, key: PRNGKeyArray, episodes: int
) -> Float[np.ndarray, "k e m"]:
    """Feature returns of greedy policies, each in the same random episodes as any other, so that they are paired.

    Args:
        world: where the policies act.
        rewards: of the agents.
        policies: k of them.
        key: of the worlds.
        episodes: e, of each policy.

    Raises:
        WorldError: the world raised, or gave something that is not finite.
    """
    alone = (policies.of(jnp.array([policy])) for policy in range(policies.budget))
    return np.concatenate([np.asarray(play(world, rewards, one, key, episodes, True).returns) for one in alone])


def greedy_returns(
    world: World, rewards: Rewards, policies: Policies, key: PRNGKeyArray, episodes: int
) -> Float[np.ndarray, "k n"]:
    """V, the mean return of every policy to every agent, by greedy episodes.

    Args:
        world: where the policies act.
        rewards: of the agents.
        policies: k of them.
        key: of the worlds.
        episodes: of each policy, and for each agent where they have dynamics of their own.

    Raises:
        WorldError: the world raised, or gave something that is not finite.
    """
    played = play(world, rewards, policies, key, episodes, True)
    return np.asarray(rewards.agents(played.returns.mean(axis=1)), np.float64)


def play(world: World, rewards: Rewards, policies: Acting, key: PRNGKeyArray, episodes: int, greedy: bool) -> Played:
    """Fresh episodes of every policy from start to end; for every agent where they have dynamics of their own.

    Args:
        world: where the policies act.
        rewards: of the agents.
        policies: who acts: ours, or some that were trained elsewhere.
        key: of actions and worlds.
        episodes: per policy, and per agent where they have dynamics of their own.
        greedy: whether the most likely actions are taken; sampled ones if not.

    Raises:
        WorldError: the world raised, or gave something that is not finite.
    """
    if isinstance(world, HostWorld):
        return host.play(world, rewards, policies, key, episodes, greedy)
    assert isinstance(world, JaxWorld)
    if not isinstance(policies, Policies):
        return host.play(JaxOnHost(world), rewards, policies, key, episodes, greedy)
    played: Played = _play(world, rewards, policies, key, episodes, greedy)
    return played
