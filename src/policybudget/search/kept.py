r"""The policies that a training goes through, and the best k of them.

::

    V[c, i]   by a few greedy episodes of every policy that was kept
    best k    argmax over sets of k policies of the welfare, each agent with its best    (selection/choice.py)

What a policy does well may be lost while it learns something else. A search that keeps policies on the way
(:meth:`policybudget.search.search.Search.keep`) has a row for each, with all numbers that it acts by.
"""

from __future__ import annotations

from collections.abc import Sequence

import jax.numpy as jnp
import numpy as np
from jaxtyping import Float, PRNGKeyArray

from policybudget.assignment.em import best_served
from policybudget.learning.settings import PPO
from policybudget.policies.architecture import Architecture
from policybudget.policies.joining import of_rows, rows
from policybudget.policies.stacked import Policies
from policybudget.problem import RepresentedMDP
from policybudget.rollouts.sampler import play
from policybudget.search.search import Proposal
from policybudget.selection.choice import choose
from policybudget.streams import Stream, derive

EPISODES = 3
"""Greedy episodes of each policy that was kept, by which the best k are chosen."""
AT_ONCE = 20
"""Policies that play at a time."""

Kept = Float[np.ndarray, "_ _"]
"""A policy in each row: all numbers that it acts by. None is (0, 0)."""


def none() -> Kept:
    """No policy yet."""
    return np.zeros((0, 0), np.float32)


def more(kept: Kept, policies: Policies) -> Kept:
    """These policies, too.

    Args:
        kept: those before.
        policies: as they are now.
    """
    now = rows(policies.arrays(), policies.budget)
    return np.concatenate([kept, now]) if len(kept) else now


def best(problem: RepresentedMDP, learner: PPO, kept: Kept, key: PRNGKeyArray) -> Sequence[Proposal]:
    """The best k of the policies that were kept; nothing if they are those of the end.

    Args:
        problem: the r-MDP.
        learner: with the size of the networks.
        kept: the policies; the last k are those of the end.
        key: of the episodes.
    """
    count, budget, world = len(kept), problem.budget, problem.world
    if not count:
        return ()
    of = Architecture(world.observation_size, world.units, learner.hidden, learner.trunk)
    sets = (Policies.from_arrays(of_rows(kept[first : first + AT_ONCE], of)) for first in range(0, count, AT_ONCE))
    keys = (derive(key, Stream.CHOICE_EPISODES, index) for index in range(count))
    returns = np.concatenate([_pays(problem, policies, of_set) for policies, of_set in zip(sets, keys, strict=False)])
    chosen = choose(problem.objective, returns, budget)
    if set(chosen) == set(range(count - budget, count)):
        return ()
    policies = Policies.from_arrays(of_rows(kept[chosen], of))
    assignment = best_served(problem.objective, jnp.asarray(returns[chosen]))
    return (Proposal(policies.actor, assignment, policies.normaliser),)


def _pays(problem: RepresentedMDP, policies: Policies, key: PRNGKeyArray) -> Float[np.ndarray, "c n"]:
    """What each policy pays each agent."""
    rewards = problem.population.rewards
    played = play(problem.world, rewards, policies, key, EPISODES, True)
    return np.asarray(rewards.agents(played.returns.mean(axis=1)), np.float64)
