r"""Splitting a group with a policy that is of no use: settlers and pioneers.

EM moves agents, never policies: a policy that was left behind early, whose few agents others serve as well,
stays so, while another is given most of the agents and passes by behaviours that would have suited many. So now and
then the policy that would be missed least,

.. math:: c_j = \sum_i \max(0,\ \tilde Q^{ij} - \max_{l \neq j} \tilde Q^{il}),

becomes a copy of the one whose agents are worst off, if c_j is less than a share of what policies are worth on
average. The agents whom the copied policy serves well settle with the copy, which learns to serve them better; the rest
stay with the pioneer, who goes on searching. The assignment is held for a while, until the two have grown apart.
"""

from __future__ import annotations

from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jax.flatten_util import ravel_pytree
from jaxtyping import Float

from policybudget.assignment.rule import labels_of, one_hot
from policybudget.training.state import Task, TrainState

IDLE = 0.25
"""Share of the average worth of a policy, below which one is idle."""
AT_ONCE = 2
HOLD = 12
"""Iterations for which the assignment is held."""
UNTIL = 0.8
"""Share of a phase after which there is no time left for a new group to learn."""
SERVED = 0.1
"""Share of the way from the worst to the best served of a group, from which an agent counts as served."""


def due(task: Task, iteration: int) -> bool:
    """Whether to look for idle policies after so many iterations."""
    every, warm = task.rule.split_every, task.rule.warm_start
    return bool(every) and iteration % every == 0 and warm <= iteration < UNTIL * task.iterations


def split(task: Task, state: TrainState) -> TrainState:
    """The state after at most two splits; the same if nobody is idle or the last split is too recent."""
    if int(state.iteration) < int(state.assignment.held):
        return state
    returns = np.asarray(state.assignment.returns(task.rewards), np.float64)
    labels = np.asarray(labels_of(state.assignment.assignment))
    source, after = plan(returns, labels)
    if (source == np.arange(task.budget)).all():
        return state
    held = state.iteration + HOLD
    copied = _copied(state, jnp.asarray(source), one_hot(jnp.asarray(after), task.budget))
    done: TrainState = eqx.tree_at(lambda s: s.assignment.held, copied, held)
    return done


def plan(returns: Float[np.ndarray, "k n"], labels: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Whom each policy is a copy of (k,), itself mostly, and with whom agents are then (n,).

    Args:
        returns: what each policy is worth to each agent.
        labels: with whom agents are; k for none.
    """
    budget = len(returns)
    source, labels, left = np.arange(budget), labels.copy(), list(range(budget))
    for _ in range(AT_ONCE):
        if len(left) < 2:
            break
        missed = [
            np.maximum(returns[j] - np.delete(returns[left], p, 0).max(axis=0), 0).sum() for p, j in enumerate(left)
        ]
        worth = (returns[left].max(axis=0) - returns.min(axis=0)).sum() / budget
        if min(missed) >= IDLE * worth:
            break
        idle = left.pop(int(np.argmin(missed)))
        moved = labels == idle
        labels[moved] = np.array(left)[returns[left][:, moved].argmax(axis=0)]
        short = [(returns.max() - returns[j, labels == j]).sum() for j in left]
        pioneer = left.pop(int(np.argmax(short)))
        settlers = _served(returns[pioneer], np.flatnonzero(labels == pioneer))
        if not len(settlers):
            break
        source[idle], labels[settlers] = pioneer, idle
    return source, labels


def _served(returns: np.ndarray, group: np.ndarray) -> np.ndarray:
    """The better served half of a group of two or more, without those whom the policy hardly serves."""
    if len(group) < 2:
        return group[:0]
    ranked = group[np.argsort(-returns[group], kind="stable")]
    best, worst = returns[ranked[0]], returns[ranked[-1]]
    served = int((returns[ranked] > worst + SERVED * (best - worst)).sum())
    return ranked[: max(1, min(len(ranked) // 2, served))]


def _copied(state: TrainState, source: jax.Array, assignment: jax.Array) -> TrainState:
    """Policies become copies, moments of their optimisers and what is known of them included."""
    learned = state.learned
    actor, critic, logits = state.optimiser
    copied: TrainState = eqx.tree_at(
        lambda s: (s.learned, s.optimiser, s.assignment),
        state,
        (
            learned.of(source),
            (_moments(actor, learned.actor, source), _moments(critic, learned.critic, source), logits),
            state.assignment.of(source, assignment),
        ),
    )
    return copied


def _moments(optimiser: Any, network: Any, source: jax.Array) -> Any:
    """An optimiser's state keeps its moments as flat vectors in the order of the network's parameters."""
    flat, unravel = ravel_pytree(network)
    return jax.tree.map(lambda x: ravel_pytree(unravel(x).of(source))[0] if x.shape == flat.shape else x, optimiser)
