r"""The EM-like meta-algorithm with an exact M-step (Ivanov & Ben-Porat 2024, Appendix A, Algorithm 1).

::

    arbitrarily initialise the assignment, such that every policy has an agent
    while assignments or policies change
        M-step: pi^j <- argmax_pi sum_i alpha^i(j) V^i(pi)    for every j that has an agent       (eq. 14)
        E-step: alpha^i(j*) = 1 where j* = argmax_j V^i(pi^j)                                     (eq. 13)

Agents may have dynamics of their own; the M-step is then over policies that see the state alone.
Neither step lowers welfare (Theorem 2), so it ends in a local optimum; ``restarts`` takes the best of several, and
starting from every assignment finds the global one. Departures:

* ties are not broken arbitrarily: an agent stays, and an action stays, unless another is strictly better, so that
  "change" means progress. The loop ends when an assignment comes again: with utilitarian welfare that is when no agent
  moves, as welfare rises strictly until then; egalitarian welfare may stay the same while agents move;
* a policy without agents keeps its policy (the paper may give it a random agent; the proof needs neither);
* agents may have weights (how many people each stands for), which count in the M-step and in welfare;
* an agent may have an outside option, a value that it is sure of. It takes it (label -1) where that is strictly better
  than every policy, and then no policy is trained for it. The proof holds: the option is one more policy, held fixed.
* welfare is the weighted mean over agents, not the sum; or the least utility of an agent (``objective="egalitarian"``).
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float64, Int

from policybudget.errors import PolicyBudgetError, check_budget
from policybudget.exact.objectives import Objective, objective_of
from policybudget.exact.tabular import FiniteRMDP, Policy

OUTSIDE = -1
"""Label of an agent who takes its outside option."""
TIE = 1e-12
"""Relative to the largest return: a policy that is better by less is no better."""
MOST_STARTS = 20_000
"""Assignments that :func:`em_from_all_assignments` starts from at most."""


@dataclass(frozen=True, eq=False)
class Solution:
    """Policies, and who is served by which; all values are exact.

    Attributes:
        policies: k policies (:data:`policybudget.exact.tabular.Policy`).
        returns: (k, n) V, what each policy is worth to each agent.
        labels: (n,) the policy of each agent, or -1 for its outside option.
        utilities: (n,) what each agent gets.
        welfare: of the utilities.
        history: welfare after every M-step and every E-step, in turns; empty where no EM was run.
    """

    policies: tuple[Policy, ...]
    returns: Float64[np.ndarray, "k n"]
    labels: Int[np.ndarray, " n"]
    utilities: Float64[np.ndarray, " n"]
    welfare: float
    history: tuple[float, ...] = ()


def exact_em(
    mdp: FiniteRMDP,
    budget: int,
    assignment: Sequence[int] | np.ndarray | None = None,
    seed: int | np.random.Generator = 0,
    objective: str = "utilitarian",
) -> Solution:
    """Run the algorithm above until nothing changes.

    Args:
        mdp: the finite r-MDP.
        budget: k, from 1 to n.
        assignment: (n,) labels to start from, 0 to k - 1, or -1 for agents who start with their outside option.
        seed: of a random even assignment to start from, where none is given.
        objective: "utilitarian" or "egalitarian".

    Returns:
        A local optimum, with the welfare after each step.

    Raises:
        PolicyBudgetError: the budget, the assignment or the objective is not one of these.
    """
    goal = objective_of(objective)
    check_budget(budget, mdp.agents)
    labels = _random(mdp.agents, budget, seed) if assignment is None else _labels(mdp, budget, assignment)
    policies, returns = [goal.first(mdp)] * budget, np.empty((budget, mdp.agents))
    returns[:] = mdp.returns(policies[0])
    history: list[float] = []
    seen: set[tuple[int, ...]] = set()
    while tuple(labels) not in seen:
        seen.add(tuple(labels))
        for policy in range(budget):
            group = np.flatnonzero(labels == policy)
            if len(group):
                policies[policy] = goal.plan(mdp, group, policies[policy])
                returns[policy] = mdp.returns(policies[policy])
        history.append(_welfare(goal, mdp, choose(mdp, returns, labels)))
        labels = e_step(mdp, returns, labels)
        history.append(_welfare(goal, mdp, choose(mdp, returns, labels)))
    return solution(goal, mdp, policies, labels, history)


def e_step(
    mdp: FiniteRMDP, returns: Float64[np.ndarray, "k n"], labels: Int[np.ndarray, " n"]
) -> Int[np.ndarray, " n"]:
    """Every agent's best choice among the k policies and the outside option (eq. 13); the old one among equals.

    Args:
        mdp: the finite r-MDP.
        returns: V.
        labels: before the step, -1 for the outside option.

    Returns:
        The labels after the step.
    """
    choices = np.vstack([returns, mdp.outside])
    best = choices.argmax(axis=0)
    gain = choices.max(axis=0) - choose(mdp, returns, labels)
    moved: np.ndarray = np.where(gain > TIE * max(1.0, float(np.abs(returns).max())), best, labels)
    return np.where(moved == len(returns), OUTSIDE, moved)


def choose(
    mdp: FiniteRMDP, returns: Float64[np.ndarray, "k n"], labels: Int[np.ndarray, " n"]
) -> Float64[np.ndarray, " n"]:
    """The utilities that labels give; -1 is the outside option.

    Args:
        mdp: the finite r-MDP.
        returns: V.
        labels: the policy of each agent, -1 for its outside option.

    Returns:
        What each agent gets.
    """
    utilities: np.ndarray = np.vstack([returns, mdp.outside])[labels, np.arange(mdp.agents)]
    return utilities


def restarts(mdp: FiniteRMDP, budget: int, starts: int, seed: int = 0, objective: str = "utilitarian") -> Solution:
    """The best of several runs of :func:`exact_em`, each from a random even assignment.

    Args:
        mdp: the finite r-MDP.
        budget: k, from 1 to n.
        starts: number of runs.
        seed: decides the assignments that they start from.
        objective: "utilitarian" or "egalitarian".

    Returns:
        The best run.

    Raises:
        PolicyBudgetError: the budget, the number of starts or the objective is out of range.
    """
    if starts < 1:
        raise PolicyBudgetError(f"starts must be at least 1, got {starts}")
    rng = np.random.default_rng(seed)
    return _best(exact_em(mdp, budget, seed=rng, objective=objective) for _ in range(starts))


def em_from_all_assignments(mdp: FiniteRMDP, budget: int, objective: str = "utilitarian") -> Solution:
    """The best of :func:`exact_em` from every assignment, up to the order of policies: the global optimum.

    An optimal assignment is among them, and no step of EM lowers welfare.

    Args:
        mdp: the finite r-MDP.
        budget: k, from 1 to n.
        objective: "utilitarian" or "egalitarian".

    Returns:
        The best run.

    Raises:
        PolicyBudgetError: there are too many assignments, or the budget or the objective is out of range.
    """
    check_budget(budget, mdp.agents)
    choices = budget + np.isfinite(mdp.outside)
    if (number := math.prod(int(c) for c in choices) / math.factorial(budget)) > MOST_STARTS:
        raise PolicyBudgetError(
            f"starting from every assignment takes at most {MOST_STARTS} of them, got about {number:.3g} "
            f"({mdp.agents} agents, budget {budget}); use brute_force or restarts"
        )
    every = all_assignments(mdp, budget)
    return _best(exact_em(mdp, budget, labels, objective=objective) for labels in every)


def all_assignments(mdp: FiniteRMDP, budget: int) -> Iterator[list[int]]:
    """Every division of the agents into at most k groups, those with an outside option also left out (-1).

    Args:
        mdp: the finite r-MDP.
        budget: k.

    Returns:
        (n,) labels of each; -1 for the outside option.
    """

    def extend(labels: list[int], groups: int) -> Iterator[list[int]]:
        agent = len(labels)
        if agent == mdp.agents:
            yield labels
            return
        if np.isfinite(mdp.outside[agent]):
            yield from extend([*labels, OUTSIDE], groups)
        for group in range(min(groups + 1, budget)):
            yield from extend([*labels, group], max(groups, group + 1))

    return extend([], 0)


def solution(
    goal: Objective, mdp: FiniteRMDP, policies: Sequence[Policy], labels: np.ndarray, history: Sequence[float] = ()
) -> Solution:
    """Evaluate policies and labels.

    Args:
        goal: the objective.
        mdp: the finite r-MDP.
        policies: k of them.
        labels: (n,) the policy of each agent, -1 for its outside option.
        history: welfare after each step of EM, if EM was run.

    Returns:
        The policies with their returns, utilities and welfare.
    """
    returns = np.stack([mdp.returns(policy) for policy in policies])
    utilities = choose(mdp, returns, labels)
    return Solution(tuple(policies), returns, labels, utilities, _welfare(goal, mdp, utilities), tuple(history))


def _welfare(goal: Objective, mdp: FiniteRMDP, utilities: np.ndarray) -> float:
    return goal.welfare(goal.worth(utilities, mdp.agent_weights), mdp.agent_weights)


def _best(solutions: Iterable[Solution]) -> Solution:
    return max(solutions, key=lambda found: found.welfare)


def _random(agents: int, budget: int, seed: int | np.random.Generator) -> np.ndarray:
    """Groups that differ in size by one at most, so that none is empty."""
    labels: np.ndarray = np.random.default_rng(seed).permutation(np.arange(agents) % budget)
    return labels


def _labels(mdp: FiniteRMDP, budget: int, given: Sequence[int] | np.ndarray) -> np.ndarray:
    labels = np.asarray(given)
    if labels.shape != (mdp.agents,) or labels.dtype.kind not in "iu":
        raise PolicyBudgetError(
            f"assignment must be a label for each of the {mdp.agents} agents, "
            f"got {labels.dtype} of shape {labels.shape}"
        )
    if labels.min() < OUTSIDE or labels.max() >= budget:
        raise PolicyBudgetError(
            f"assignment must have labels from 0 to {budget - 1}, or -1 for the outside option, got {labels.tolist()}"
        )
    if (lost := (labels == OUTSIDE) & ~np.isfinite(mdp.outside)).any():
        raise PolicyBudgetError(f"agent {lost.argmax()} has no outside option, got label -1; give it a policy")
    return labels.astype(int)
