"""Ground truth without training: finite r-MDPs solved exactly, and the best that budgets can do in known worlds."""

from __future__ import annotations

from policybudget.exact.brute_force import brute_force
from policybudget.exact.em import Solution, em_from_all_assignments, exact_em, restarts
from policybudget.exact.enumeration import all_policies, all_returns, best_for_group
from policybudget.exact.front import Front, read_front
from policybudget.exact.intervals import best_intervals, best_points
from policybudget.exact.optima import Optima, optimum
from policybudget.exact.planning import (
    backward_induction,
    best_policy,
    best_returns,
    linear_programme,
    policy_iteration,
)
from policybudget.exact.tabular import FiniteRMDP, Policy
from policybudget.exact.toy_text import from_toy_text
from policybudget.selection.subset import Selection, best_subset, best_subsets

__all__ = [
    "FiniteRMDP",
    "Front",
    "Optima",
    "Policy",
    "Selection",
    "Solution",
    "all_policies",
    "all_returns",
    "backward_induction",
    "best_for_group",
    "best_intervals",
    "best_points",
    "best_policy",
    "best_returns",
    "best_subset",
    "best_subsets",
    "brute_force",
    "em_from_all_assignments",
    "exact_em",
    "from_toy_text",
    "linear_programme",
    "optimum",
    "policy_iteration",
    "read_front",
    "restarts",
]
