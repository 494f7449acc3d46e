"""The end of a training: which policies are deployed, who is served by which, and the episodes that judge them.

The trained policies compete with those that the search proposes, on episodes of their own; the assignment is finalised
on the same episodes and judged on fresh ones.
"""

from __future__ import annotations

from typing import Any

import equinox as eqx
from jaxtyping import Array, Float, PRNGKeyArray

from policybudget.objective import Objective
from policybudget.problem import RepresentedMDP
from policybudget.rollouts.batch import Played
from policybudget.rollouts.sampler import play
from policybudget.rollouts.settling import settle
from policybudget.streams import Stream, derive
from policybudget.training.method import Method
from policybudget.training.state import Task, TrainState
from policybudget.worlds.interface import HostWorld

EPISODES, EPISODES_ON_HOST = (32, 100), (8, 20)
"""Greedy episodes per policy at the end of a training: to settle the assignment by, and fresh ones to judge it by."""


def finish(
    problem: RepresentedMDP, method: Method, task: Task, state: TrainState, memory: Any, key: PRNGKeyArray
) -> tuple[TrainState, Float[Array, "k n"], Played]:
    """Choose, assign, and judge.

    Args:
        problem: the r-MDP.
        method: its search may propose policies; it says how many episodes options outside are settled by at most.
        task: of the last phase.
        state: where that phase ended.
        memory: of the search.
        key: of the training.

    Returns:
        The state with the policies that are deployed, α, and fresh greedy episodes of them.
    """
    most = method.outside_episodes
    proposed = method.search.proposals(problem, task.settings, state.normaliser, memory, derive(key, Stream.PROPOSAL))
    candidates = [state]
    for proposal in proposed:
        parts = (proposal.actor, proposal.normaliser or state.normaliser, proposal.assignment)
        candidates.append(eqx.tree_at(lambda s: (s.learned.actor, s.normaliser, s.assignment.assignment), state, parts))
    settled = [
        (candidate, *_settled(problem.objective, task, candidate, most, derive(key, Stream.SELECTION_EPISODES, index)))
        for index, candidate in enumerate(candidates)
    ]
    state, assignment, _ = max(reversed(settled), key=lambda entry: entry[2])  # of equals, the last proposed
    fresh = derive(key, Stream.FINAL_EPISODES)
    played = play(task.world, task.paid, state.policies, fresh, _episodes(task)[1], True)
    return state, assignment, played


def _settled(
    objective: Objective, task: Task, state: TrainState, most: int, key: PRNGKeyArray
) -> tuple[Float[Array, "k n"], float]:
    """Who is with whom, by greedy episodes of the policies, and what that is worth in them."""

    def play_on(look: int, episodes: int) -> Array:
        looking = derive(key, Stream.LOOK, look)
        return play(task.world, task.paid, state.policies, looking, episodes, True).returns

    def assign(returns: Array) -> Array:
        return task.rule.finalise(objective, state.assignment.assignment, returns)

    first = _episodes(task)[0]
    settled = settle(play_on, task.paid, objective, assign, first, max(first, most))
    return settled.assignment, float(objective.value(settled.assignment, settled.returns))


def _episodes(task: Task) -> tuple[int, int]:
    return EPISODES_ON_HOST if isinstance(task.world, HostWorld) else EPISODES
