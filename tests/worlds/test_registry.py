from __future__ import annotations

import pytest

from policybudget.errors import PolicyBudgetError
from policybudget.worlds import registry


def test_resource_gathering() -> None:
    world, population = registry.make("resource-gathering")
    assert world.name == "resource-gathering" and population.size == world.outcome_size == 25
    assert registry.make("resource-gathering", agents=25)[1].size == 25


def test_every_name_makes_the_world_of_that_name() -> None:
    assert "resource-gathering" in registry.WORLDS


@pytest.mark.parametrize(
    ("name", "agents", "message"),
    [
        ("nowhere", None, "world must be one of .*resource-gathering.*, got 'nowhere'"),
        ("resource-gathering", 24, r"an agent per tile \(25\), got --agents 24"),
        ("resource-gathering", 0, "agents must be at least 1, got 0"),
    ],
)
def test_bad_worlds(name: str, agents: int | None, message: str) -> None:
    with pytest.raises(PolicyBudgetError, match=message):
        registry.make(name, agents)
