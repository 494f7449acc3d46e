from __future__ import annotations

import numpy as np
import pytest
from worlds_with_known_answers import Levers, Mine, wishes

from policybudget.errors import PolicyBudgetError
from policybudget.population import Population
from policybudget.problem import RepresentedMDP
from policybudget.worlds.interface import JaxWorld


@pytest.mark.parametrize("budget", [0, -1, 3, 1000])
def test_budget_out_of_range(budget: int) -> None:
    with pytest.raises(PolicyBudgetError, match=rf"budget must be between .* agents \(2\), got {budget}$"):
        wishes((0, 1), budget)


@pytest.mark.parametrize("budget", [1, 2])
def test_budget_in_range(budget: int) -> None:
    assert wishes((0, 1), budget).budget == budget


@pytest.mark.parametrize(
    ("world", "dynamics", "message"),
    [
        (Mine(2), None, r"world mine: Population\(dynamics=...\) must be a row for every agent, got none"),
        (Levers(2), np.zeros((2, 0)), r"world levers: Population\(dynamics=...\) must be None, got some"),
    ],
)
def test_dynamics_that_do_not_fit_the_world(world: JaxWorld, dynamics: np.ndarray | None, message: str) -> None:
    people = Population.from_weights(np.eye(2), dynamics=dynamics)
    with pytest.raises(PolicyBudgetError, match=message):
        RepresentedMDP(world, people, 1)
