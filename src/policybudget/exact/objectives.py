r"""What policies are chosen for: utilitarian or egalitarian welfare, each with its exact M-step.

===========  ======================================  =================================================
objective    welfare of utilities u, weights c       M-step for a group G
===========  ======================================  =================================================
utilitarian  :math:`\sum_i c_i u^i / \sum_i c_i`     :math:`\arg\max_\pi \sum_{i \in G} c_i V^i(\pi)`
egalitarian  :math:`\min_i u^i`                      :math:`\arg\max_\pi \min_{i \in G} V^i(\pi)`
===========  ======================================  =================================================

Both are a *worth* of groups that is joined over groups, by + or by min. That is what lets brute force solve every group
once. The best egalitarian policy may have to be stochastic (a linear programme finds it); the best utilitarian one is
deterministic.

Where agents have dynamics of their own, :math:`V^i` is in those of agent i. The utilitarian M-step is then the best
of all deterministic policies that see the state alone (:mod:`policybudget.exact.enumeration`); there is no other.
"""

from __future__ import annotations

import abc
from typing import Final

import numpy as np
from jaxtyping import Float64

from policybudget.errors import check_choice
from policybudget.exact.enumeration import best_for_group
from policybudget.exact.planning import best_policy, linear_programme
from policybudget.exact.tabular import FiniteRMDP, Policy


class Objective(abc.ABC):
    """A welfare function and its M-step."""

    @property
    @abc.abstractmethod
    def empty(self) -> float:
        """What an empty group is worth."""

    @abc.abstractmethod
    def first(self, mdp: FiniteRMDP) -> Policy:
        """A policy to begin with, of the kind that :meth:`plan` gives: the first action always.

        Args:
            mdp: the finite r-MDP.

        Returns:
            Actions or probabilities.
        """

    @abc.abstractmethod
    def plan(self, mdp: FiniteRMDP, group: np.ndarray, start: Policy) -> Policy:
        """The best policy for a group, never worth less to it than ``start``.

        Args:
            mdp: the finite r-MDP.
            group: indices of the agents, at least one.
            start: an earlier policy.

        Returns:
            The policy.
        """

    @abc.abstractmethod
    def worth(self, utilities: Float64[np.ndarray, " g"], agent_weights: Float64[np.ndarray, " g"]) -> float:
        """What a group with these utilities is worth.

        Args:
            utilities: (g,) of the agents in the group.
            agent_weights: (g,) how many people each stands for.

        Returns:
            The worth, in units of return.
        """

    @abc.abstractmethod
    def join(self, first: float, second: float) -> float:
        """The worth of two groups together.

        Args:
            first: worth of a group.
            second: worth of another group.

        Returns:
            The worth of all agents in them.
        """

    @abc.abstractmethod
    def welfare(self, worth: float, agent_weights: Float64[np.ndarray, " n"]) -> float:
        """The welfare of all agents, from what they are worth together.

        Args:
            worth: of the group of all n agents.
            agent_weights: (n,) how many people each stands for.

        Returns:
            The welfare, in units of return.
        """


class MeanUtility(Objective):
    """Weighted mean utility of the agents (eq. 2, divided by the sum of their weights)."""

    @property
    def empty(self) -> float:
        """Zero."""
        return 0.0

    def first(self, mdp: FiniteRMDP) -> Policy:
        """The first action in every state."""
        if mdp.horizon is None or mdp.own_dynamics:
            return np.zeros(mdp.states, dtype=int)
        return np.zeros((mdp.horizon, mdp.states), dtype=int)

    def plan(self, mdp: FiniteRMDP, group: np.ndarray, start: Policy) -> Policy:
        """Policy iteration or backward induction; with own dynamics a look at every policy."""
        if mdp.own_dynamics:
            return best_for_group(mdp, group, start)
        return best_policy(mdp, mdp.mixture(group), start)

    def worth(self, utilities: Float64[np.ndarray, " g"], agent_weights: Float64[np.ndarray, " g"]) -> float:
        """The weighted sum."""
        return float(utilities @ agent_weights)

    def join(self, first: float, second: float) -> float:
        """The sum."""
        return first + second

    def welfare(self, worth: float, agent_weights: Float64[np.ndarray, " n"]) -> float:
        """The weighted mean."""
        return worth / float(agent_weights.sum())


class LeastUtility(Objective):
    """Utility of the agent who is worst off, whatever its weight."""

    @property
    def empty(self) -> float:
        """Infinity: no agent is badly off."""
        return np.inf

    def first(self, mdp: FiniteRMDP) -> Policy:
        """The first action, with probability 1, in every state."""
        lead = (mdp.states,) if mdp.horizon is None else (mdp.horizon, mdp.states)
        policy = np.zeros((*lead, mdp.actions))
        policy[..., 0] = 1.0
        return policy

    def plan(self, mdp: FiniteRMDP, group: np.ndarray, start: Policy) -> Policy:
        """The linear programme, or ``start`` where that is no worse: the solver is accurate to its tolerance only."""
        _, policy = linear_programme(mdp, mdp.weights[:, group])
        better = mdp.returns(policy)[group].min() > mdp.returns(start)[group].min()
        return policy if better else start

    def worth(self, utilities: Float64[np.ndarray, " g"], agent_weights: Float64[np.ndarray, " g"]) -> float:
        """The minimum."""
        return float(utilities.min(initial=np.inf))

    def join(self, first: float, second: float) -> float:
        """The minimum."""
        return min(first, second)

    def welfare(self, worth: float, agent_weights: Float64[np.ndarray, " n"]) -> float:
        """The minimum itself."""
        return worth


OBJECTIVES: Final[dict[str, Objective]] = {"utilitarian": MeanUtility(), "egalitarian": LeastUtility()}


def objective_of(name: str) -> Objective:
    """The objective of this name.

    Args:
        name: "utilitarian" or "egalitarian".

    Returns:
        The objective.

    Raises:
        PolicyBudgetError: there is no such objective.
    """
    return OBJECTIVES[check_choice("objective", name, OBJECTIVES)]
