"""Training more policies than the budget at first, of which the best go on.

Plain EM stops at a local optimum of who is with whom. Several times as many policies with a share of the
transitions find more ways to act than k; the k of them that serve everybody best, chosen exactly from the table of
returns (:mod:`policybudget.selection.subset`), are a better start than any k that began alone.
"""

from __future__ import annotations

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from jaxtyping import PRNGKeyArray

from policybudget.learning import ppo
from policybudget.selection.choice import choose
from policybudget.training.state import Task, TrainState


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
    known = scouts.assignment.of(chosen, fresh.assignment.assignment)
    known = eqx.tree_at(lambda s: s.held, known, fresh.assignment.held)
    assignment = task.rule.update(task.rewards, task.objective, known, None, jnp.zeros((), jnp.int32), key)
    state: TrainState = eqx.tree_at(
        lambda s: (s.learned, s.optimiser, s.normaliser, s.assignment, s.scale),
        fresh,
        (
            learned,
            ppo.start(task.settings, learned),
            scouts.normaliser,
            eqx.tree_at(lambda s: s.assignment, known, assignment),
            scouts.scale,
        ),
    )
    return state
