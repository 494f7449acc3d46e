"""Finite r-MDPs solved exactly."""

from __future__ import annotations

from policybudget.exact.brute_force import brute_force
from policybudget.exact.em import Solution, em_from_all_assignments, exact_em, restarts
from policybudget.exact.planning import backward_induction, best_policy, linear_programme, policy_iteration
from policybudget.exact.tabular import FiniteRMDP, Policy
from policybudget.exact.toy_text import from_toy_text

__all__ = [
    "FiniteRMDP",
    "Policy",
    "Solution",
    "backward_induction",
    "best_policy",
    "brute_force",
    "em_from_all_assignments",
    "exact_em",
    "from_toy_text",
    "linear_programme",
    "policy_iteration",
    "restarts",
]
