"""Whole episodes in either kind of world."""

from __future__ import annotations

import equinox as eqx
from jaxtyping import PRNGKeyArray

from policybudget.learning import host, rollout
from policybudget.learning.rollout import Played
from policybudget.policies.stacked import Policies
from policybudget.population import FeatureMap
from policybudget.worlds.interface import HostWorld, JaxWorld, World

_play = eqx.filter_jit(rollout.play)


def play(
    world: World, features: FeatureMap, policies: Policies, key: PRNGKeyArray, episodes: int, greedy: bool
) -> Played:
    """Fresh episodes of every policy from start to end, with greedy or sampled actions.

    Args:
        episodes: per policy.
    """
    if isinstance(world, HostWorld):
        return host.play(world, features, policies, key, episodes, greedy)
    assert isinstance(world, JaxWorld)
    played: Played = _play(world, features, policies, key, episodes, greedy)
    return played
