r"""What a committee is best for: utilitarian or egalitarian welfare, each with its exact M-step.

===========  ======================================  =================================================
objective    welfare of utilities u, people c        M-step for a group G
===========  ======================================  =================================================
utilitarian  :math:`\sum_i c_i u^i / \sum_i c_i`     :math:`\arg\max_\pi \sum_{i \in G} c_i V^i(\pi)`
egalitarian  :math:`\min_i u^i`                      :math:`\arg\max_\pi \min_{i \in G} V^i(\pi)`
===========  ======================================  =================================================

Both are a *worth* of groups that is joined over groups, by + or by min. That is what lets brute force solve every group
once. The best egalitarian policy may have to be stochastic (a linear programme finds it); the best utilitarian one is
deterministic.
"""

from __future__ import annotations

import abc
from typing import Final

import numpy as np
from jaxtyping import Float64

from policybudget.errors import PolicyBudgetError
from policybudget.exact.planning import best_policy, linear_programme
from policybudget.exact.tabular import FiniteRMDP, Policy


class Objective(abc.ABC):
    """A welfare and its M-step."""

    @property
    @abc.abstractmethod
    def nobody(self) -> float:
        """What an empty group is worth."""

    @abc.abstractmethod
    def first(self, mdp: FiniteRMDP) -> Policy:
        """A policy to begin with, of the kind that :meth:`plan` gives: the first action always."""

    @abc.abstractmethod
    def plan(self, mdp: FiniteRMDP, members: np.ndarray, start: Policy) -> Policy:
        """The best policy for a group, never worth less to it than ``start``.

        Args:
            members: of the group, indices of agents, at least one.
        """

    @abc.abstractmethod
    def worth(self, utilities: Float64[np.ndarray, " g"], agent_weights: Float64[np.ndarray, " g"]) -> float:
        """Of a group with these utilities."""

    @abc.abstractmethod
    def join(self, one: float, other: float) -> float:
        """The worth of two groups together."""

    @abc.abstractmethod
    def welfare(self, worth: float, agent_weights: Float64[np.ndarray, " n"]) -> float:
        """From the worth of all agents together to their welfare."""


class MeanUtility(Objective):
    """Mean utility of all people (eq. 2, divided by their number)."""

    @property
    def nobody(self) -> float:
        """Nothing."""
        return 0.0

    def first(self, mdp: FiniteRMDP) -> Policy:
        """Actions."""
        return np.zeros((mdp.states,) if mdp.horizon is None else (mdp.horizon, mdp.states), dtype=int)

    def plan(self, mdp: FiniteRMDP, members: np.ndarray, start: Policy) -> Policy:
        """Policy iteration or backward induction."""
        return best_policy(mdp, mdp.mixture(members), start)

    def worth(self, utilities: Float64[np.ndarray, " g"], agent_weights: Float64[np.ndarray, " g"]) -> float:
        """The sum over people."""
        return float(utilities @ agent_weights)

    def join(self, one: float, other: float) -> float:
        """The sum."""
        return one + other

    def welfare(self, worth: float, agent_weights: Float64[np.ndarray, " n"]) -> float:
        """The mean over people."""
        return worth / float(agent_weights.sum())


class LeastUtility(Objective):
    """Utility of the agent who is worst off, whatever its number of people."""

    @property
    def nobody(self) -> float:
        """Nobody is badly off."""
        return np.inf

    def first(self, mdp: FiniteRMDP) -> Policy:
        """Probabilities."""
        lead = (mdp.states,) if mdp.horizon is None else (mdp.horizon, mdp.states)
        policy = np.zeros((*lead, mdp.actions))
        policy[..., 0] = 1.0
        return policy

    def plan(self, mdp: FiniteRMDP, members: np.ndarray, start: Policy) -> Policy:
        """The linear programme, or ``start`` where that is no worse: the solver is accurate to its tolerance only."""
        _, policy = linear_programme(mdp, mdp.weights[:, members])
        better = mdp.returns(policy)[members].min() > mdp.returns(start)[members].min()
        return policy if better else start

    def worth(self, utilities: Float64[np.ndarray, " g"], agent_weights: Float64[np.ndarray, " g"]) -> float:
        """The minimum."""
        return float(utilities.min(initial=np.inf))

    def join(self, one: float, other: float) -> float:
        """The minimum."""
        return min(one, other)

    def welfare(self, worth: float, agent_weights: Float64[np.ndarray, " n"]) -> float:
        """The minimum itself."""
        return worth


OBJECTIVES: Final[dict[str, Objective]] = {"utilitarian": MeanUtility(), "egalitarian": LeastUtility()}


def objective_of(name: str) -> Objective:
    """By name.

    Raises:
        PolicyBudgetError: there is no such objective.
    """
    if name not in OBJECTIVES:
        raise PolicyBudgetError(f"objective must be one of {', '.join(OBJECTIVES)}, got {name!r}")
    return OBJECTIVES[name]
