"""The end of a training: which policies are deployed, who is served by which, and the episodes that judge them.

The trained policies compete with those that the search proposes, on episodes of their own; the assignment is finalised
on the same episodes and judged on fresh ones.
"""

from __future__ import annotations

from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, PRNGKeyArray

from policybudget.objective import Objective
from policybudget.population import Rewards
from policybudget.problem import RepresentedMDP
from policybudget.rollouts.batch import Played
from policybudget.rollouts.sampler import play
from policybudget.search.search import Search
from policybudget.streams import Stream, derive
from policybudget.training.state import Task, TrainState
from policybudget.worlds.interface import HostWorld

EPISODES, EPISODES_ON_HOST = (32, 100), (8, 20)
"""Greedy episodes per policy at the end of a training: to settle the assignment by, and fresh ones to judge it by."""
SURELY = 2.0
"""Standard errors by which a policy must pass an agent's option outside for it to be served."""


def finish(
    problem: RepresentedMDP, search: Search, task: Task, state: TrainState, memory: Any, key: PRNGKeyArray
) -> tuple[TrainState, Float[Array, "k n"], Played]:
    """Choose, assign, and judge.

    Args:
        problem: the r-MDP.
        search: it may propose policies.
        task: of the last phase.
        state: where that phase ended.
        memory: of the search.
        key: of the training.

    Returns:
        The state with the policies that are deployed, α, and fresh greedy episodes of them.
    """
    proposed = search.proposals(problem, task.settings, state.normaliser, memory, derive(key, Stream.PROPOSAL))
    candidates = [state]
    for proposal in proposed:
        parts = (proposal.actor, proposal.assignment)
        candidates.append(eqx.tree_at(lambda s: (s.learned.actor, s.assignment.assignment), state, parts))
    settled = [
        (candidate, *_settled(problem.objective, task, candidate, derive(key, Stream.SELECTION_EPISODES, index)))
        for index, candidate in enumerate(candidates)
    ]
    state, assignment, _ = max(reversed(settled), key=lambda entry: entry[2])  # of equals, the last proposed
    fresh = derive(key, Stream.FINAL_EPISODES)
    played = play(task.world, task.rewards.features, state.policies, fresh, _episodes(task)[1], True)
    return state, assignment, played


def _settled(
    objective: Objective, task: Task, state: TrainState, key: PRNGKeyArray
) -> tuple[Float[Array, "k n"], float]:
    """Who is with whom, by greedy episodes of the policies, and what that is worth in them."""
    played = play(task.world, task.rewards.features, state.policies, key, _episodes(task)[0], True)
    returns = task.rewards.agents(played.returns.mean(axis=1))
    assignment = task.rule.finalise(objective, state.assignment.assignment, returns)
    sure = returns
    if objective.outside is not None:  # served are those who are surely better off
        sure = returns - SURELY * _standard_error(task.rewards, played)
    assignment = objective.protect(assignment, sure)
    return assignment, float(objective.value(assignment, returns))


def _episodes(task: Task) -> tuple[int, int]:
    return EPISODES_ON_HOST if isinstance(task.world, HostWorld) else EPISODES


def _standard_error(rewards: Rewards, played: Played) -> Float[Array, "k n"]:
    """Of the mean return of each policy to each agent."""
    episodes = jnp.moveaxis(played.returns, 1, 0)
    mean = rewards.agents(episodes.mean(axis=0))
    squares = jax.lax.map(lambda returns: (rewards.agents(returns) - mean) ** 2, episodes)
    return jnp.sqrt(squares.sum(axis=0) / max(1, len(episodes) * (len(episodes) - 1)))
