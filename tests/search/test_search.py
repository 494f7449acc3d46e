"""The parts of a training, as each search has them, and what they take."""

from __future__ import annotations

from typing import Any

import pytest
from trainings import train
from worlds_with_known_answers import QUICK, wishes

from policybudget.assignment.em import EM
from policybudget.assignment.end_to_end import EndToEnd
from policybudget.assignment.fixed import RandomGroups
from policybudget.assignment.rule import AssignmentRule
from policybudget.errors import PolicyBudgetError
from policybudget.search.archive import Archive
from policybudget.search.phases import Phase, Plan
from policybudget.search.plain import Plain
from policybudget.search.pretrained import Pretrained
from policybudget.search.search import Search
from policybudget.search.splitting import Splitting
from policybudget.welfare import Egalitarian


def phases(search: Search, rule: AssignmentRule, budget: int, agents: int, transitions: int) -> tuple[Phase, ...]:
    return search.phases(Plan(rule, QUICK, budget, agents, transitions))


@pytest.mark.parametrize("search", [Plain(), Splitting()])
def test_one_phase(search: Search) -> None:
    (only,) = phases(search, EM(warm_start=3), 2, 8, 6400)
    assert (only.name, only.budget, only.transitions, only.hold) == ("em", 2, 6400, 3)
    assert (only.iterations, only.total) == (100, 2 * 6400)
    assert only.welfare is None and not only.shuffle


def test_a_universal_policy_takes_as_much_as_each_of_the_others() -> None:
    first, main = phases(Pretrained(), RandomGroups(), 3, 8, 6400)
    assert (first.name, first.budget, first.transitions) == ("universal policy", 1, 6400)
    assert (main.name, main.budget, main.transitions) == ("random", 3, 6400)
    first, main = phases(Pretrained(universal_share=0.25), RandomGroups(), 3, 8, 6400)
    assert (first.budget, first.transitions, main.budget, main.transitions) == (1, 4800, 3, 4800), "a quarter of all"
    assert (Pretrained(universal_steps=7).sees(0), Pretrained().sees(1), Plain().sees(0)) == (7, 0, 0)


def test_restarts() -> None:
    rule = EM(warm_start=50)
    parts = phases(Archive(restarts=4), rule, 8, 8, 64 * 130)
    fair = " (for the worst off)"
    assert [part.name for part in parts] == [f"restart {i} of 4{'' if i % 2 else fair}" for i in (1, 2, 3, 4)]
    assert [part.transitions // 64 for part in parts] == [32, 32, 32, 32]
    assert {part.rule for part in parts} == {rule} and {part.hold for part in parts} == {6}
    assert [part.welfare for part in parts] == [None, Egalitarian(), None, Egalitarian()]
    assert all(part.shuffle for part in parts)
    alike = phases(Archive(restarts=4, egalitarian_restarts=False), rule, 8, 8, 64 * 130)
    assert {part.welfare for part in alike} == {None}


@pytest.mark.parametrize(
    ("budget", "iterations", "restarts"),
    [(8, 74, 2), (8, 10, 1), (1, 479, 1), (1, 480, 2), (2, 480, 4), (2, 9999, 8)],
)
def test_as_many_restarts_as_are_long_enough(budget: int, iterations: int, restarts: int) -> None:
    assert len(phases(Archive(restarts=8), EM(), budget, 8, 64 * iterations)) == restarts


@pytest.mark.parametrize("search", [Plain(), Pretrained(), Splitting()])
def test_most_searches_work_everywhere_and_say_no_limits(search: Search) -> None:
    assert search.title == search.name and not search.keeps_episodes


def test_the_archive_says_where_alone_it_works() -> None:
    assert Archive().title == "archive (deterministic JAX worlds with discrete actions only)"


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"universal_steps": 0}, "universal_steps must be at least 1, got 0"),
        ({"universal_steps": -5}, "universal_steps must be at least 1, got -5"),
        ({"begin_with": "luck"}, "begin_with must be one of fresh, copies, got 'luck'"),
        ({"universal_share": 1.0}, "universal_share must be between 0 and 1, got 1.0"),
    ],
)
def test_out_of_range(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(PolicyBudgetError, match=message):
        Pretrained(**changes)


def test_copies_of_a_universal_policy_are_no_start_for_an_assignment_by_gradient() -> None:
    with pytest.raises(PolicyBudgetError, match="makes all policies alike") as error:
        train(wishes([0, 1], 2), EndToEnd(), search=Pretrained(begin_with="copies"), transitions=64)
    assert "\n" not in str(error.value)


def test_policies_begin_as_copies_of_the_universal_one() -> None:
    states: list[Any] = []
    train(
        wishes([0, 1, 0, 1], 2), EM(warm_start=2), search=Pretrained(begin_with="copies"),
        learner=QUICK, transitions=64 * 30, listeners=[lambda event: states.append(event.snapshot.state)],
    )  # fmt: skip
    assert [state.learned.actor.network.layers[-1].weight.shape[0] for state in states[29:31]] == [1, 2]
    import numpy as np

    universal, copies = (state.learned.actor.network.layers[-1].weight for state in states[29:31])
    moved = np.abs(np.asarray(copies) - np.asarray(universal)).max()
    assert 0 < moved < 0.3, "after one iteration they are still near it"
