"""One way to run k policies in copies of a world, whether it is written in JAX or stepped on the host."""

from __future__ import annotations

from typing import Protocol, runtime_checkable

import equinox as eqx
from jaxtyping import PRNGKeyArray

from policybudget.policies.acting import Acting
from policybudget.policies.stacked import Policies
from policybudget.population import FeatureMap
from policybudget.rollouts import compiled, host
from policybudget.rollouts.batch import Batch, Ongoing, Played
from policybudget.worlds.interface import HostWorld, JaxWorld, World
from policybudget.worlds.jax_copies import JaxOnHost

_play = eqx.filter_jit(compiled.play)


@runtime_checkable
class Sampler(Protocol):
    """k x E running copies of a world."""

    def start(self, key: PRNGKeyArray) -> Ongoing:
        """Fresh episodes everywhere.

        Args:
            key: of the first states.
        """

    def restore(self, ongoing: Ongoing, key: PRNGKeyArray) -> Ongoing:
        """Go on where a saved run stood; in fresh episodes where the world cannot save its state.

        Args:
            ongoing: as saved.
            key: of the first states of fresh episodes.
        """

    def rollout(self, policies: Policies, ongoing: Ongoing, key: PRNGKeyArray, steps: int) -> tuple[Ongoing, Batch]:
        """T steps of every copy with sampled actions.

        Args:
            policies: who acts; policy j in its own E copies.
            ongoing: where the copies stand.
            key: of actions and worlds.
            steps: T.

        Returns:
            Where the copies stand then, and the transitions.

        Raises:
            WorldError: the world raised, or gave something that is not finite.
        """

    def close(self) -> None:
        """Let go of the copies and of the processes that they run in."""


def sampler(world: World, budget: int, copies: int) -> Sampler:
    """The sampler that fits a world.

    Args:
        world: what is copied.
        budget: k.
        copies: E, per policy.
    """
    if isinstance(world, HostWorld):
        return host.HostSampler(world, budget, copies)
    assert isinstance(world, JaxWorld)
    return compiled.JaxSampler(world, budget, copies)


def play(
    world: World, features: FeatureMap, policies: Acting, key: PRNGKeyArray, episodes: int, greedy: bool
) -> Played:
    """Fresh episodes of every policy from start to end.

    Args:
        world: where the policies act.
        features: reward features of transitions.
        policies: who acts: ours, or some that were trained elsewhere.
        key: of actions and worlds.
        episodes: per policy.
        greedy: whether the most likely actions are taken; sampled ones if not.

    Raises:
        WorldError: the world raised, or gave something that is not finite.
    """
    if isinstance(world, HostWorld):
        return host.play(world, features, policies, key, episodes, greedy)
    assert isinstance(world, JaxWorld)
    if not isinstance(policies, Policies):
        return host.play(JaxOnHost(world), features, policies, key, episodes, greedy)
    played: Played = _play(world, features, policies, key, episodes, greedy)
    return played
