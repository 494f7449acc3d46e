"""Train a budget of k policies to serve n users, each with a reward function of their own.

    problem = make_problem("resource-gathering", budget=3)
    result = train(problem, transitions=1_000_000)
    print(result.assignment, result.welfare)
    result.save("policies")
    result = load("policies")

Names are imported when they are first used, so that ``import policybudget`` is quick and starts no JAX.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from policybudget.assessment.assess import assess_run
    from policybudget.assessment.compare import compare_runs
    from policybudget.assessment.evaluate import evaluate
    from policybudget.assignment.committee import CoverCommittee
    from policybudget.assignment.conformance import check_rule
    from policybudget.assignment.em import EM
    from policybudget.assignment.end_to_end import EndToEnd
    from policybudget.assignment.fixed import RandomGroups
    from policybudget.assignment.rule import AssignmentRule
    from policybudget.assignment.trajectory_clusters import TrajectoryClusters
    from policybudget.errors import PolicyBudgetError
    from policybudget.learning.settings import PPO
    from policybudget.policies.elsewhere.sources import policies_from
    from policybudget.population import Population
    from policybudget.problem import RepresentedMDP, make_problem
    from policybudget.runs.result import Result, load
    from policybudget.search.archive import Archive
    from policybudget.search.growing import Growing
    from policybudget.search.plain import Plain
    from policybudget.search.pool import Pool
    from policybudget.search.pretrained import Pretrained
    from policybudget.search.representatives import Representatives
    from policybudget.search.search import Search
    from policybudget.search.splitting import Splitting
    from policybudget.settings import option
    from policybudget.studies.choose import choose_policies
    from policybudget.studies.curve import budget_curve
    from policybudget.studies.extend import extend_run
    from policybudget.studies.train import train
    from policybudget.training.method import Method, preset
    from policybudget.worlds.conformance import check_world
    from policybudget.worlds.gym.world import world_for_agents, world_from

    __version__: str

__all__ = [
    "EM",
    "PPO",
    "Archive",
    "AssignmentRule",
    "CoverCommittee",
    "EndToEnd",
    "Growing",
    "Method",
    "Plain",
    "PolicyBudgetError",
    "Pool",
    "Population",
    "Pretrained",
    "RandomGroups",
    "Representatives",
    "RepresentedMDP",
    "Result",
    "Search",
    "Splitting",
    "TrajectoryClusters",
    "__version__",
    "assess_run",
    "budget_curve",
    "check_rule",
    "check_world",
    "choose_policies",
    "compare_runs",
    "evaluate",
    "extend_run",
    "load",
    "make_problem",
    "option",
    "policies_from",
    "preset",
    "train",
    "world_for_agents",
    "world_from",
]

_HOMES = {
    "Archive": "search.archive",
    "AssignmentRule": "assignment.rule",
    "CoverCommittee": "assignment.committee",
    "EM": "assignment.em",
    "EndToEnd": "assignment.end_to_end",
    "Growing": "search.growing",
    "Method": "training.method",
    "PPO": "learning.settings",
    "Plain": "search.plain",
    "PolicyBudgetError": "errors",
    "Pool": "search.pool",
    "Population": "population",
    "Pretrained": "search.pretrained",
    "RandomGroups": "assignment.fixed",
    "Representatives": "search.representatives",
    "RepresentedMDP": "problem",
    "Result": "runs.result",
    "Search": "search.search",
    "Splitting": "search.splitting",
    "TrajectoryClusters": "assignment.trajectory_clusters",
    "assess_run": "assessment.assess",
    "budget_curve": "studies.curve",
    "check_rule": "assignment.conformance",
    "check_world": "worlds.conformance",
    "choose_policies": "studies.choose",
    "compare_runs": "assessment.compare",
    "evaluate": "assessment.evaluate",
    "extend_run": "studies.extend",
    "load": "runs.result",
    "make_problem": "problem",
    "option": "settings",
    "policies_from": "policies.elsewhere.sources",
    "preset": "training.method",
    "train": "studies.train",
    "world_for_agents": "worlds.gym.world",
    "world_from": "worlds.gym.world",
}


def __getattr__(name: str) -> Any:
    """Import a public name from its home (PEP 562)."""
    if name == "__version__":
        from importlib.metadata import version

        return version("policybudget")
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    try:
        value = getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
    except ModuleNotFoundError as lacking:
        if (lacking.name or "").startswith(__name__):
            raise
        raise ImportError(
            f'{__name__}.{name} needs {lacking.name}: pip install "{__name__}[train]"', name=lacking.name
        ) from lacking
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    """The public names."""
    return sorted(__all__)
