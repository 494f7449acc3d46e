"""Training more policies than the budget at first, of which the best go on.

Plain EM stops at a local optimum of who is with whom. Several times as many representatives with a share of the
transitions find more ways to act than k; the k of them that serve everybody best, chosen exactly from the table of
returns (:mod:`policybudget.exact.selection`), are a better start than any k that began alone.
"""

from __future__ import annotations

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from jaxtyping import PRNGKeyArray

from policybudget.assignment.rule import AssignmentState
from policybudget.exact.selection import best_subset
from policybudget.learning import ppo
from policybudget.objective import Objective
from policybudget.training.state import Task, TrainState


def choose(objective: Objective, returns: np.ndarray, budget: int) -> np.ndarray:
    """The k rows of a return matrix that are worth most to everybody, ascending (k,).

    By the mean over people, whatever the welfare function. Policies that nobody needs fill up what is missing.
    """
    people, outside = (None if x is None else np.asarray(x, np.float64) for x in (objective.people, objective.outside))
    chosen = best_subset(returns, budget, people, outside).chosen
    rest = np.setdiff1d(np.arange(len(returns)), chosen)
    return np.sort(np.concatenate([chosen, rest[: budget - len(chosen)]]))


def go_on(task: Task, fresh: TrainState, scouts: TrainState, key: PRNGKeyArray) -> TrainState:
    """The state in which the chosen scouts go on, with fresh optimisers and in fresh worlds.

    Args:
        task: of the k.
        fresh: its state at the start.
        scouts: where their training ended.
    """
    returns = scouts.assignment.returns(task.rewards)
    chosen = jnp.asarray(choose(task.objective, np.asarray(returns, np.float64), task.budget))
    learned = scouts.learned.of(chosen)
    table, kept = scouts.assignment.table[chosen], scouts.assignment.kept[chosen]
    known = AssignmentState(fresh.assignment.assignment, table, kept)
    assignment = task.rule.update(task.rewards, task.objective, known, None, jnp.zeros((), jnp.int32), key)
    state: TrainState = eqx.tree_at(
        lambda s: (s.learned, s.optimiser, s.normaliser, s.assignment, s.scale),
        fresh,
        (
            learned,
            ppo.start(task.settings, learned),
            scouts.normaliser,
            AssignmentState(assignment, table, kept),
            scouts.scale,
        ),
    )
    return state
