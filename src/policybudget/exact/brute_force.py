r"""The best k policies of all, found by looking at every group of agents: 2^n best policies, then the best division.

::

    value[G]   = worth of G under its own best policy            for every set G of agents
    best_j[M]  = max over G in M of value[G] + best_{j-1}[M \ G]  best division of M into at most j groups
    optimum    = max over L of best_k[all \ L] + worth of the outside options of L         L stays outside

This is Ivanov & Ben-Porat 2024, eq. 2, solved exactly: optimal policies each serve their group best, so only groups
matter. Sets are bit masks; G holds the lowest agent of M, as some group must. About 3^n k / 2 sums.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from policybudget.errors import PolicyBudgetError, check_budget
from policybudget.exact.em import OUTSIDE, Solution, solution
from policybudget.exact.objectives import Objective, objective_of
from policybudget.exact.tabular import FiniteRMDP, Policy

MOST_AGENTS = 12


def brute_force(mdp: FiniteRMDP, budget: int, objective: str = "utilitarian") -> Solution:
    """The global optimum with at most k policies; with own dynamics, deterministic ones that see the state alone.

    Policies that the optimum does not need always take the first action.

    Args:
        mdp: the finite r-MDP, of at most 12 agents.
        budget: k, from 1 to n.
        objective: "utilitarian" or "egalitarian".

    Returns:
        The best policies, and who is served by which.

    Raises:
        PolicyBudgetError: there are more than 12 agents, or the budget or the objective is out of range.
    """
    goal = objective_of(objective)
    check_budget(budget, mdp.agents)
    if mdp.agents > MOST_AGENTS:
        raise PolicyBudgetError(
            f"brute force solves every group of at most {MOST_AGENTS} agents, got {mdp.agents}; use restarts"
        )
    plans, value = _groups(goal, mdp)
    best = _Divisions(goal, value, budget)
    everyone = len(value) - 1
    outside = [goal.worth(mdp.outside[who], mdp.agent_weights[who]) for who in map(_agents_of, range(everyone + 1))]
    totals = [goal.join(best.worth[everyone ^ left], outside[left]) for left in range(everyone + 1)]
    left = int(np.argmax(totals))
    labels = np.full(mdp.agents, OUTSIDE)
    policies = [goal.first(mdp)] * budget
    for policy, group in enumerate(best.of(everyone ^ left)):
        labels[_agents_of(group)] = policy
        policies[policy] = plans[group]
    return solution(goal, mdp, policies, labels)


def _groups(goal: Objective, mdp: FiniteRMDP) -> tuple[list[Policy], np.ndarray]:
    """The best policy of every set of agents, and what it is worth to them."""
    plans, value = [goal.first(mdp)], [goal.empty]
    for group in range(1, 1 << mdp.agents):
        who = _agents_of(group)
        plans.append(goal.plan(mdp, who, plans[group & (group - 1)]))  # a set with one agent less is a good start
        value.append(goal.worth(mdp.returns(plans[group])[who], mdp.agent_weights[who]))
    return plans, np.array(value)


class _Divisions:
    """The best division of every set into at most k groups, by dynamic programming."""

    def __init__(self, goal: Objective, value: np.ndarray, budget: int) -> None:
        worth = np.full(len(value), -np.inf)
        worth[0] = goal.empty
        self.worth, self.chosen = worth, list[list[int]]()
        for _ in range(budget):
            rows = [self._first_group(goal, value, whole) for whole in range(len(value))]
            self.chosen.append([group for _, group in rows])
            self.worth = np.array([worth for worth, _ in rows])

    def _first_group(self, goal: Objective, value: np.ndarray, whole: int) -> tuple[float, int]:
        """The best worth of a set with one more group, and that group."""
        if whole == 0:
            return goal.empty, 0
        return max((goal.join(value[group], self.worth[whole ^ group]), group) for group in _with_lowest(whole))

    def of(self, whole: int) -> Iterator[int]:
        """The groups of the best division."""
        for chosen in reversed(self.chosen):
            if whole:
                yield chosen[whole]
                whole ^= chosen[whole]


def _with_lowest(whole: int) -> Iterator[int]:
    """Every subset that holds the lowest agent, as some group must."""
    lowest = whole & -whole
    rest = part = whole ^ lowest
    while True:
        yield part | lowest
        if part == 0:
            return
        part = (part - 1) & rest


def _agents_of(group: int) -> np.ndarray:
    """Indices of the agents of a bit mask."""
    return np.array([agent for agent in range(group.bit_length()) if group >> agent & 1], dtype=int)
