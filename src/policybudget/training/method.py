"""A method is an assignment rule x a search x a learner; a preset is a method that suits a world."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from policybudget.assignment.committee import CoverCommittee
from policybudget.assignment.em import EM
from policybudget.assignment.end_to_end import EndToEnd
from policybudget.assignment.fixed import RandomGroups
from policybudget.assignment.rule import AssignmentRule
from policybudget.assignment.trajectory_clusters import TrajectoryClusters
from policybudget.errors import PolicyBudgetError, check_choice
from policybudget.from_file import class_in, named
from policybudget.learning.settings import PPO
from policybudget.problem import RepresentedMDP
from policybudget.search.archive import Archive
from policybudget.search.constants import Constants
from policybudget.search.growing import Growing
from policybudget.search.plain import Plain
from policybudget.search.pool import WITHIN, Pool
from policybudget.search.pretrained import Pretrained
from policybudget.search.representatives import Representatives
from policybudget.search.search import Search
from policybudget.search.splitting import Splitting
from policybudget.worlds import registry
from policybudget.worlds.entry import Entry

ALGORITHMS: Mapping[str, type[AssignmentRule]] = {
    rule.name: rule for rule in (EM, EndToEnd, TrajectoryClusters, RandomGroups, CoverCommittee)
}
SEARCHES: Mapping[str, type[Search]] = {
    search.name: search for search in (Plain, Pretrained, Archive, Splitting, Growing, Representatives, Constants, Pool)
}
PRESETS = ("default", "plain", "paper")
_PARTS: Mapping[str, tuple[Mapping[str, type[Any]], type[Any]]] = {
    "algorithm": (ALGORITHMS, AssignmentRule),
    "search": (SEARCHES, Search),
}


@dataclass(frozen=True)
class Method:
    """How a budget of policies is trained.

    Args:
        rule: who is with whom.
        search: how the loop is spent.
        learner: how the policies improve.
        mixing: λ of eq. 10, the weight of a finished episode in the table of returns, above 0 and at most 1.
        outside_episodes: greedy episodes of each policy at most, at the end, to settle who is better off with what they
            have without any policy (:mod:`policybudget.rollouts.settling`).
        evaluation_share: where agents have dynamics of their own, the share of the transitions that are evaluation
            episodes of every policy for every agent: training fills the cells of a policy's own agents alone.

    Raises:
        PolicyBudgetError: a number is out of range, or the rule needs a universal policy that the
            search does not train.
    """

    rule: AssignmentRule
    search: Search
    learner: PPO
    mixing: float = 0.05
    outside_episodes: int = 256
    evaluation_share: float = 0.1

    def __post_init__(self) -> None:
        if not 0 < self.mixing <= 1:
            raise PolicyBudgetError(f"mixing must be above 0 and at most 1, got {self.mixing}")
        if self.outside_episodes < 2:
            raise PolicyBudgetError(f"outside_episodes must be at least 2, got {self.outside_episodes}")
        if not 0 < self.evaluation_share < 1:
            raise PolicyBudgetError(f"evaluation_share must be between 0 and 1, got {self.evaluation_share}")
        if self.rule.needs_universal_policy and not self.search.sees(0):
            raise PolicyBudgetError(
                f"algorithm {self.rule.name} looks at a universal policy, which search {self.search.name} does not "
                "train; use --search pretrained"
            )

    def check(self, problem: RepresentedMDP) -> None:
        """Refuse what does not fit the problem.

        Args:
            problem: the r-MDP.

        Raises:
            PolicyBudgetError: the search does not fit the world or the rule; rewards are to be widened that have no
                targets; episodes are to be staggered whose clock is not told; or features are predicted, which agents
                with dynamics of their own do not share.
        """
        self.search.check(problem, self.rule)
        if self.learner.widen != 1:
            problem.population.rewards.widened()
        if self.learner.stagger and not problem.world.tells_clock:
            raise PolicyBudgetError(
                f"stagger needs a world that tells its clock, got {problem.world.name}; leave it out"
            )
        own = f"agents have dynamics of their own in {problem.world.name}"
        if problem.world.own_dynamics and self.rule.learns_from_features:
            raise PolicyBudgetError(
                f"algorithm {self.rule.name} learns from advantages that all agents share here, but {own}; "
                "use --signal returns"
            )
        if problem.world.own_dynamics and self.learner.critic == "features":
            raise PolicyBudgetError(f"critic features predicts what all agents share, but {own}; use --critic mixture")


def preset(
    name: str = "default",
    world: str = "",
    rule: AssignmentRule | str = "em",
    search: Search | str | None = None,
    learner: PPO | None = None,
) -> Method:
    """The method that options start from.

    Args:
        name: "default": what measured best (docs/findings.md); "plain": no search; "paper": Appendix B of Ivanov &
            Ben-Porat 2024, with the authors' code where the paper is silent. They sample 2048 transitions per policy
            and iteration from many parallel copies (1024 where the default keeps an archive).
        world: its name, as given to ``--world``; "" for any other.
        rule: a rule or the name of one (:func:`kind_of`), which then gets the settings of the preset.
        search: a search or the name of one; None for the one that the preset has for rule and world.
        learner: settings of the learner; None for those of the preset.

    Raises:
        PolicyBudgetError: there is no such preset, rule or search, or they do not go together.
    """
    check_choice("preset", name, PRESETS)
    if isinstance(rule, str):
        rule = _rule(name, kind_of("algorithm", rule)())
    entry = registry.entry(world)
    usual = _search(name, entry, rule)
    if isinstance(search, str):
        kind = kind_of("search", search)
        search = usual if type(usual) is kind else _besides(kind, rule, usual)
    search = search or usual
    if learner is None:
        trains, tuned = _trains(search), _trains(_of_world(name, entry))
        suits = name != "default" or isinstance(trains, type(tuned))
        settings = entry.learner[name] if suits else entry.with_search.get(trains.name, entry.learner["plain"])
        learner = replace(PPO(), **settings)
    return Method(rule, search, learner)


def kind_of(what: str, name: str) -> type[Any]:
    """The class of an assignment rule or of a search.

    Args:
        what: "algorithm" or "search".
        name: one of ours (``ALGORITHMS``, ``SEARCHES``), or ``python:FILE.py:NAME`` for a class of one's own.

    Raises:
        PolicyBudgetError: there is none of this name, or the file or the class is wrong.
    """
    ours, base = _PARTS[what]
    return class_in(name, base, "docs/extending.md") if named(name) else ours[check_choice(what, name, ours)]


def _rule(name: str, rule: AssignmentRule) -> AssignmentRule:
    """With what the preset changes of it."""
    if name != "default" and isinstance(rule, EM):
        return replace(rule, warm_start=50)
    if name == "paper" and isinstance(rule, EndToEnd):
        return replace(rule, assignment_rate=0.002)
    return rule


def _search(name: str, entry: Entry, rule: AssignmentRule) -> Search:
    """The search that the preset has for a rule: the world's own for those that move agents greedily."""
    if rule.needs_universal_policy:
        return Pretrained()
    return _of_world(name, entry) if rule.reassigns == "greedily" else Plain()


def _of_world(name: str, entry: Entry) -> Search:
    """The search that the preset has for a world."""
    usual = entry.search[name]
    return SEARCHES[usual.name](**usual.options)


def _trains(search: Search) -> Search:
    """The search that makes the policies: of a pool, the one within."""
    return search.inner if isinstance(search, Pool) else search


def _besides(kind: type[Search], rule: AssignmentRule, usual: Search) -> Search:
    """A search with the settings that suit a rule, and the search that is usual for it."""
    if kind is Pool and usual.name in WITHIN:
        return Pool(within=usual.name)
    if kind is Pretrained and not rule.needs_universal_policy:
        return Pretrained(begin_with="copies")
    return kind()
