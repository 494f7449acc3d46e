r"""The policies that a training goes through, and the best k of them.

::

    V[c, i]   by a few greedy episodes of every policy that was kept
    best k    argmax over sets of k policies of the welfare, each agent with its best    (selection/choice.py)

The choice is exact where welfare is the mean and V has at most 100 000 values. Of equals, the newest are chosen.

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
from policybudget.rollouts.sampler import greedy_returns
from policybudget.search.search import Proposal
from policybudget.search.splitting import worth_of_best
from policybudget.selection.choice import choose

EPISODES = 3
"""Greedy episodes of each policy that was kept, by which the best k are chosen."""
AT_ONCE = 20
"""Policies that play at a time."""

Passed = Float[np.ndarray, "_ _"]
"""A policy in each row: all numbers that it acts by. None is (0, 0)."""


def none() -> Passed:
    """No policy yet."""
    return np.zeros((0, 0), np.float32)


def more(passed: Passed, policies: Policies) -> Passed:
    """These policies, too.

    Args:
        passed: those before.
        policies: as they are now.
    """
    now = rows(policies.arrays(), policies.budget)
    return np.concatenate([passed, now]) if len(passed) else now


def best(problem: RepresentedMDP, learner: PPO, passed: Passed, key: PRNGKeyArray) -> Sequence[Proposal]:
    """The best k of the policies that were kept; nothing if they are worth no more than those of the end.

    Args:
        problem: the r-MDP.
        learner: with the size of the networks.
        passed: the policies; the last k are those of the end.
        key: of the episodes.
    """
    if not len(passed):
        return ()
    world, objective, budget, newest = problem.world, problem.objective, problem.budget, passed[::-1]
    of = Architecture(world.observation_size, world.units, learner.hidden, learner.trunk)
    sets = (Policies.from_arrays(of_rows(newest[at : at + AT_ONCE], of)) for at in range(0, len(newest), AT_ONCE))
    rewards = problem.population.rewards
    returns = np.concatenate([greedy_returns(world, rewards, policies, key, EPISODES) for policies in sets])
    chosen = choose(objective, returns, budget)
    if worth_of_best(objective, returns[chosen]) <= worth_of_best(objective, returns[:budget]):
        return ()
    policies = Policies.from_arrays(of_rows(newest[chosen], of))
    assignment = best_served(objective, jnp.asarray(returns[chosen]))
    return (Proposal(policies.actor, assignment, policies.normaliser),)
