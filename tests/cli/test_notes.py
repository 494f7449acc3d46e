"""What commands remark on standard error."""

from __future__ import annotations

import pytest
from worlds_with_known_answers import QUICK, Aim, wishes

from policybudget.cli.notes import FEW, few_transitions
from policybudget.population import Population
from policybudget.problem import RepresentedMDP
from policybudget.training.train import Training

LEVERS = wishes([0, 1], 2)


def shots(budget: int) -> RepresentedMDP:
    """Actions are real numbers."""
    return RepresentedMDP(Aim(), Population.from_weights([[1.0, 0.0], [0.0, 1.0], [0.5, 0.5]]), budget)


def training(problem: RepresentedMDP, search: str, transitions: int) -> Training:
    return Training.of(problem, search=search, learner=QUICK, transitions=transitions)


def test_few_transitions_where_policies_move(capsys: pytest.CaptureFixture[str]) -> None:
    few_transitions(training(shots(2), "splitting", FEW))
    assert capsys.readouterr().err == (
        "policybudget: 100,000 transitions for each of 2 policies are few; where users want much the same, robots "
        "learned more from one policy for all: --search growing --whole 0.2 (docs/choosing.md)\n"
    )


@pytest.mark.parametrize(
    ("problem", "search", "transitions"),
    [
        (shots(2), "splitting", FEW + 1),
        (shots(2), "growing", 64),
        (shots(2), "plain", 64),  # who says plain wants no search
        (shots(1), "splitting", 64),
        (LEVERS, "splitting", 64),
    ],
)
def test_nothing_is_said_elsewhere(
    problem: RepresentedMDP, search: str, transitions: int, capsys: pytest.CaptureFixture[str]
) -> None:
    few_transitions(training(problem, search, transitions))
    assert not capsys.readouterr().err
