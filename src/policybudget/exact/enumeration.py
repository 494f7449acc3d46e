r"""The exact M-step where agents have dynamics of their own: look at every policy.

.. math:: \max_{\pi: S \to A} \sum_{i \in G} c_i V^i(\pi), \qquad V^i(\pi) \text{ in the dynamics } P^i

One policy for several models that never sees which of them it is in: a multi-model MDP with weighted values (Steimle,
Kaufman & Denton 2021). The principle of optimality does not hold: what is best in a state depends on who comes there,
and that on what is done before. The problem is NP-hard, so that policy iteration and backward induction, which are
right for one agent, are not used for several.

What is looked at are the A^S deterministic policies that see the state alone; neither the time, with a horizon, nor
what happened before, as the policies that are learned do not see it either. A policy that draws its actions, or
remembers, could be worth more.
"""

from __future__ import annotations

import math
from functools import lru_cache

import numpy as np
from jaxtyping import Float64, Int

from policybudget.errors import PolicyBudgetError
from policybudget.exact.tabular import FiniteRMDP

MOST_POLICIES = 100_000
"""Policies that are looked at at most: twelve agents in ten states take some seconds."""
TIE = 1e-12
"""Relative to the largest return: a policy that is better by less is no better."""
_NUMBERS = 1 << 20
"""Transition probabilities that are handled at a time."""


def all_policies(mdp: FiniteRMDP) -> Int[np.ndarray, "p S"]:
    """Every deterministic policy that sees the state alone.

    Args:
        mdp: the finite r-MDP.

    Returns:
        The action in every state, a row per policy; the last state changes fastest.

    Raises:
        PolicyBudgetError: there are more than 100 000.
    """
    if (number := mdp.actions**mdp.states) > MOST_POLICIES:
        raise PolicyBudgetError(
            f"agents with dynamics of their own are solved by trying at most {MOST_POLICIES} policies, "
            f"got {mdp.actions}^{mdp.states} = {number:.3g}; use fewer states or actions"
        )
    every: np.ndarray = np.indices((mdp.actions,) * mdp.states).reshape(mdp.states, number).T
    return every


@lru_cache(maxsize=1)
def all_returns(mdp: FiniteRMDP) -> Float64[np.ndarray, "p n"]:
    """What each of :func:`all_policies` is worth to each agent. The last table is kept: every M-step reads it.

    Args:
        mdp: the finite r-MDP.

    Returns:
        A return per policy and agent, read-only.

    Raises:
        PolicyBudgetError: there are more than 100 000 policies.
    """
    policies = all_policies(mdp)
    parts = math.ceil(len(policies) * mdp.agents * mdp.states**2 / _NUMBERS)
    table = np.concatenate([_returns(mdp, part) for part in np.array_split(policies, parts)])
    table.flags.writeable = False
    return table


def best_for_group(
    mdp: FiniteRMDP, group: Int[np.ndarray, " g"], start: Int[np.ndarray, " S"] | None = None
) -> Int[np.ndarray, " S"]:
    """The policy that maximises the weighted sum of the returns of some agents, whatever their dynamics.

    Args:
        mdp: the finite r-MDP.
        group: indices of the agents, at least one.
        start: an earlier policy; it is kept where no other is strictly better. If None, the first of the best.

    Returns:
        The action in every state.

    Raises:
        PolicyBudgetError: there are more than 100 000 policies.
    """
    worth = all_returns(mdp)[:, group] @ mdp.agent_weights[group]
    shape = (mdp.actions,) * mdp.states
    best = int(worth.argmax())
    if start is not None and worth[best] - worth[np.ravel_multi_index(tuple(start), shape)] <= TIE * max(
        1.0, float(np.abs(worth).max())
    ):
        return start
    return np.array(np.unravel_index(best, shape))


def _returns(mdp: FiniteRMDP, policies: Int[np.ndarray, "p S"]) -> Float64[np.ndarray, "p n"]:
    """The returns of several policies at once."""
    every = np.arange(mdp.states)
    tables = mdp.transitions if mdp.own_dynamics else mdp.transitions[None]
    chains = mdp.discount * tables[:, every, policies]  # (n, p, S, S)
    paid = np.moveaxis(mdp.features[every, policies] @ mdp.weights, -1, 0)[..., None]  # (n, p, S, 1)
    if mdp.horizon is None:
        values = np.linalg.solve(np.eye(mdp.states) - chains, paid)
    else:
        values = np.zeros_like(paid)
        for _ in range(mdp.horizon):
            values = paid + chains @ values
    returns: np.ndarray = (mdp.initial @ values[..., 0].swapaxes(-1, -2)).T
    return returns
