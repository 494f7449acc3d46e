"""The parts of a training, and what they take."""

from __future__ import annotations

from dataclasses import replace

import pytest
from worlds_with_known_answers import QUICK

from policybudget.assignment.em import EM
from policybudget.assignment.fixed import RandomGroups
from policybudget.training.phases import phases, total_transitions

RULE = EM(warm_start=3, scouts=3, scout_share=0.5)


def test_phases() -> None:
    first, main = phases(RULE, QUICK, 2, 8, 6400)
    assert (first.name, first.budget, first.transitions) == ("scouts", 6, 6400 // 6)
    assert (main.name, main.budget, main.transitions) == ("em", 2, 3200)
    assert main.rule == replace(RULE, warm_start=0)
    assert total_transitions((first, main), QUICK) == 64 * (16 * 6 + 50 * 2) <= 2 * 6400


@pytest.mark.parametrize(
    ("rule", "budget", "agents", "transitions"),
    [
        (RULE, 1, 8, 6400),  # one policy for everybody is no choice among specialists
        (RULE, 8, 8, 6400),  # nobody to add
        (RULE, 2, 8, 6 * 64),  # no time
        (replace(RULE, scouts=1), 2, 8, 6400),
        (RandomGroups(), 2, 8, 6400),
    ],
)
def test_no_scouts(rule: EM, budget: int, agents: int, transitions: int) -> None:
    assert [phase.name for phase in phases(rule, QUICK, budget, agents, transitions)] == [rule.name]


def test_beginnings() -> None:
    rule = EM(warm_start=50, recall=True, restarts=4, fair_restarts=True)
    parts = phases(rule, QUICK, 8, 8, 64 * 130)
    assert [part.name for part in parts] == ["em 1", "em 2 (fair)", "em 3", "em 4 (fair)"]
    assert [part.transitions // 64 for part in parts] == [32, 32, 32, 32]
    assert {part.rule for part in parts} == {replace(rule, warm_start=6)}
    assert [part.fair for part in parts] == [False, True, False, True]


@pytest.mark.parametrize(
    ("budget", "iterations", "beginnings"),
    [(8, 74, 2), (8, 10, 1), (1, 479, 1), (1, 480, 2), (2, 480, 4), (2, 9999, 8)],
)
def test_as_many_beginnings_as_are_long_enough(budget: int, iterations: int, beginnings: int) -> None:
    rule = EM(recall=True, restarts=8)
    assert len(phases(rule, QUICK, budget, 8, 64 * iterations)) == beginnings


def test_scouts_share_the_worlds() -> None:
    first, main = phases(replace(RULE, scouts=2), QUICK, 2, 8, 6400)
    learner = first.learner(QUICK)
    assert (learner.copies, learner.steps) == (QUICK.copies // 2, QUICK.steps * 2)
    assert learner.batch == QUICK.batch and main.learner(QUICK) == QUICK
    assert replace(first, crowding=7).learner(QUICK) == QUICK  # does not divide
