r"""Best policies of finite MDPs: the exact M-step, in independent ways.

* policy iteration (infinite horizon): evaluate, then take a better action in every state that has one, until none has;
* backward induction (horizon H): :math:`V_t(s) = \max_a r(s, a) + \gamma \sum_{s'} P(s' | s, a) V_{t+1}(s')`;
* a linear programme over discounted occupancies x (Puterman 1994, Section 6.9):

.. math::

    \max_{x \ge 0} \min_g \sum_{s,a} x(s, a)\, r^g(s, a) \quad \text{s.t.} \quad
    \sum_a x(s', a) - \gamma \sum_{s,a} P(s' | s, a)\, x(s, a) = T_0(s') \;\; \forall s'

With one reward it is a second, independent solution; with one per agent it is the policy that is best for the agent who
is worst off (max-min, or egalitarian, welfare), which may have to be stochastic.

All three are for dynamics that the agents share; :mod:`policybudget.exact.enumeration` is for agents with their own.
"""

from __future__ import annotations

import numpy as np
from jaxtyping import Float64, Int

from policybudget import highs
from policybudget.errors import PolicyBudgetError
from policybudget.exact.tabular import FiniteRMDP, Policy

TIE = 1e-12
"""Relative to the largest value: an action that is better by less is no better."""
UNVISITED = 1e-12
"""Occupancy below which a state is taken for never visited; any action is best there."""


def best_policy(mdp: FiniteRMDP, mixture: Float64[np.ndarray, " m"], start: Policy | None = None) -> Policy:
    """A deterministic policy that maximises the return of a mixture of features from every state.

    Args:
        mdp: the finite r-MDP.
        mixture: what a unit of each of the m features is worth (:meth:`FiniteRMDP.mixture`).
        start: an earlier policy of the same shape; its actions are kept where no other is strictly better, so that the
            result is never worse than it.

    Returns:
        Actions: (S), or with a horizon (H, S).

    Raises:
        PolicyBudgetError: the agents have dynamics of their own.
    """
    return policy_iteration(mdp, mixture, start) if mdp.horizon is None else backward_induction(mdp, mixture, start)


def best_returns(mdp: FiniteRMDP) -> Float64[np.ndarray, " n"]:
    """The return of each agent under the policy that is best for it alone: V* of the agents as tasks.

    Agents in shared dynamics whose weights differ by a positive factor have the same best policy; it is computed once.

    Args:
        mdp: the finite r-MDP.

    Returns:
        A return per agent.
    """
    if mdp.own_dynamics:
        return np.concatenate([best_returns(mdp.alone(agent)) for agent in range(mdp.agents)])
    size = np.abs(mdp.weights).max(axis=0)
    directions, kind = np.unique(mdp.weights / np.where(size > 0, size, 1.0), axis=1, return_inverse=True)
    best = [float(mdp.feature_returns(best_policy(mdp, direction)) @ direction) for direction in directions.T]
    found: np.ndarray = np.array(best)[kind.ravel()] * size
    return found


def policy_iteration(
    mdp: FiniteRMDP, mixture: Float64[np.ndarray, " m"], start: Policy | None = None
) -> Int[np.ndarray, " S"]:
    """Howard's policy iteration; see :func:`best_policy`.

    It ends because values rise in every round: in exact arithmetic by the policy improvement theorem; in floating
    point because it stops, with the older policy, as soon as they do not.

    Args:
        mdp: the finite r-MDP, without a horizon.
        mixture: what a unit of each of the m features is worth.
        start: a policy to begin with; the first action everywhere if None.

    Returns:
        The action in every state.

    Raises:
        PolicyBudgetError: the MDP has a horizon, or the agents have dynamics of their own.
    """
    _expect_shared("policy iteration", mdp)
    if mdp.horizon is not None:
        raise PolicyBudgetError(f"policy iteration is for an infinite horizon, got {mdp.horizon}; use best_policy")
    rewards, every = mdp.features @ mixture, np.arange(mdp.states)
    policy = np.zeros(mdp.states, dtype=int) if start is None else start
    values = _stationary_values(mdp, rewards, policy)
    while True:
        better = _improve(rewards + mdp.discount * mdp.transitions @ values, policy, every)
        if (better == policy).all():
            return policy
        risen = _stationary_values(mdp, rewards, better)
        if not risen.sum() > values.sum():
            return policy
        policy, values = better, risen


def backward_induction(
    mdp: FiniteRMDP, mixture: Float64[np.ndarray, " m"], start: Policy | None = None
) -> Int[np.ndarray, "H S"]:
    """From the last step to the first; see :func:`best_policy`.

    Args:
        mdp: the finite r-MDP, with a horizon H.
        mixture: what a unit of each of the m features is worth.
        start: a policy whose actions are kept where no other is strictly better, or None.

    Returns:
        The action in every step and state.

    Raises:
        PolicyBudgetError: the MDP has no horizon, or the agents have dynamics of their own.
    """
    _expect_shared("backward induction", mdp)
    if mdp.horizon is None:
        raise PolicyBudgetError("backward induction needs a horizon; set one, or use best_policy")
    rewards, every, values = mdp.features @ mixture, np.arange(mdp.states), np.zeros(mdp.states)
    policy = np.zeros((mdp.horizon, mdp.states), dtype=int)
    for step in reversed(range(mdp.horizon)):
        worth = rewards + mdp.discount * mdp.transitions @ values
        policy[step] = _improve(worth, policy[step] if start is None else start[step], every)
        values = worth[every, policy[step]]
    return policy


def linear_programme(mdp: FiniteRMDP, mixtures: Float64[np.ndarray, "m g"]) -> tuple[float, Policy]:
    """The policy that maximises the least return among g mixtures of features, by the programme above.

    Args:
        mdp: the finite r-MDP.
        mixtures: a column per reward; one column for the usual best policy.

    Returns:
        The least return, accurate to about 1e-7 of the scale of the rewards, and probabilities of actions: (S, A), or
        with a horizon (H, S, A).

    Raises:
        PolicyBudgetError: the solver did not find it, or the agents have dynamics of their own.
    """
    _expect_shared("the linear programme", mdp)
    from scipy import sparse
    from scipy.optimize import linprog

    steps, states, actions = mdp.horizon or 1, mdp.states, mdp.actions
    leave = sparse.kron(sparse.eye_array(states), np.ones((1, actions)))
    arrive = sparse.csr_array(mdp.discount * mdp.transitions.reshape(states * actions, states).T)
    if mdp.horizon is None:
        flow = leave - arrive
    else:
        flow = sparse.kron(sparse.eye_array(steps), leave) - sparse.kron(sparse.eye_array(steps, k=-1), arrive)
    rewards = np.tile((mdp.features @ mixtures).reshape(states * actions, -1).T, (1, steps))
    variables = rewards.shape[1]
    with highs.quiet():
        solved = linprog(
            np.append(np.zeros(variables), -1.0),  # the last variable is the least return
            A_ub=sparse.hstack([sparse.csr_array(-rewards), np.ones((len(rewards), 1))]),
            b_ub=np.zeros(len(rewards)),
            A_eq=sparse.hstack([flow, sparse.csr_array((steps * states, 1))]),
            b_eq=np.append(mdp.initial, np.zeros((steps - 1) * states)),
            bounds=[(0.0, None)] * variables + [(None, None)],
            method="highs",
        )
    if not solved.success:
        raise PolicyBudgetError(f"the linear programme of {states} states was not solved: {solved.message}")
    occupancy = np.maximum(solved.x[:-1].reshape(steps, states, actions), 0.0)
    policy = _conditional(occupancy)
    return float(solved.x[-1]), policy[0] if mdp.horizon is None else policy


def _expect_shared(what: str, mdp: FiniteRMDP) -> None:
    """Refuse agents with dynamics of their own: what is best in a state then depends on who comes there."""
    if mdp.own_dynamics:
        raise PolicyBudgetError(
            f"{what} is for dynamics that the agents share, got a table for each of {mdp.agents}; "
            "use best_for_group, or alone(agent) for one agent"
        )


def _stationary_values(mdp: FiniteRMDP, rewards: np.ndarray, policy: np.ndarray) -> np.ndarray:
    """(S,) values of actions (S) for rewards (S, A)."""
    every = np.arange(mdp.states)
    values: np.ndarray = np.linalg.solve(
        np.eye(mdp.states) - mdp.discount * mdp.transitions[every, policy], rewards[every, policy]
    )
    return values


def _improve(worth: np.ndarray, policy: np.ndarray, every: np.ndarray) -> np.ndarray:
    """(S,) best actions by their worth (S, A); those of the policy where no other is strictly better."""
    best = worth.argmax(axis=1)
    gain = worth[every, best] - worth[every, policy]
    improved: np.ndarray = np.where(gain > TIE * max(1.0, float(np.abs(worth).max())), best, policy)
    return improved


def _conditional(occupancy: Float64[np.ndarray, "H S A"]) -> Float64[np.ndarray, "H S A"]:
    """How often each action is taken in each state; the first action where a state is never visited."""
    visits = occupancy.sum(axis=-1, keepdims=True)
    first = np.zeros_like(occupancy)
    first[..., 0] = 1.0
    policy: np.ndarray = np.where(visits > UNVISITED, occupancy / np.maximum(visits, UNVISITED), first)
    return policy
