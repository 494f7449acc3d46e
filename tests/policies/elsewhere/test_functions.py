"""Functions as policies: their actions are the environment's own, and what is wrong with them is one line."""

from __future__ import annotations

from typing import Any

import jax
import numpy as np
import pytest
from worlds_with_known_answers import Aim, Levers

import policybudget as pb
from policybudget.errors import PolicyBudgetError
from policybudget.policies.elsewhere.functions import FunctionPolicies
from policybudget.population import Population
from policybudget.rollouts.sampler import play
from policybudget.units import Units

LEVERS = Population.from_weights([[10.0, 0.0], [0.0, 20.0], [5.0, 5.0]])
ALPHA = np.array([[1.0, 0.0, 1.0], [0.0, 1.0, 0.0]], np.float32)


def always(choice: int) -> Any:
    return lambda observations: np.full(len(observations), choice)


def test_functions_are_judged_as_policies_are() -> None:
    world = Levers(2)
    policies = pb.policies_from([always(0), always(1)], world)
    assert policies.budget == 2
    found = pb.evaluate(world, LEVERS, policies, ALPHA, 5, 0, True)
    np.testing.assert_array_equal(found.matrix, [[10.0, 0.0, 5.0], [0.0, 20.0, 5.0]])
    np.testing.assert_array_equal(found.ci95, np.zeros((2, 3)))
    assert found.welfare["mean"] == pytest.approx(35 / 3)
    swapped = pb.evaluate(world, LEVERS, policies.of(np.array([1, 0])), ALPHA, 5, 0, True)
    np.testing.assert_array_equal(swapped.matrix, found.matrix[::-1])


def test_they_see_raw_observations_and_give_numbers() -> None:
    seen = []

    def zero(observations: np.ndarray) -> np.ndarray:
        seen.append(observations)
        return np.zeros((len(observations), 1), np.float32)

    world = Aim()
    users = Population.from_weights(np.eye(world.outcome_size))
    played = play(world, users.rewards, pb.policies_from([zero], world), jax.random.key(0), 3, True)
    assert played.lengths.shape == (1, 3) and np.isfinite(played.returns).all()
    assert seen[0].shape == (3, world.observation_size) and seen[0].dtype == np.float32


@pytest.mark.parametrize(
    ("function", "message"),
    [
        (always(2), "mine: expected whole numbers from 0 to 1, got 2"),
        (always(-1), "mine: expected whole numbers from 0 to 1, got -1"),
        (lambda seen: np.full(len(seen), 0.5), "mine: expected whole numbers from 0 to 1, got 0.5"),
        (lambda seen: np.full(len(seen), np.nan), "mine: expected actions that are finite numbers"),
        (lambda seen: ["a"] * len(seen), "mine: expected actions that are finite numbers"),
        (lambda seen: np.zeros((len(seen), 2)), r"expected actions of shape \(4,\) for 4 observations, got \(4, 2\)"),
        (lambda seen: None, r"mine: expected actions of shape \(4,\) for 4 observations, got \(\)"),
        (lambda seen: 1 / 0, r"mine raised ZeroDivisionError: division by zero for observations of shape \(4, 1\)"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_one_line(function: Any, message: str) -> None:
    policies = FunctionPolicies([function], Units("discrete", (2,)), ["mine"])
    with pytest.raises(PolicyBudgetError, match=message):
        policies.act(np.zeros((1, 4, 1), np.float32), None)


def test_a_budget_of_none() -> None:
    with pytest.raises(PolicyBudgetError, match="expected at least one policy, got none"):
        pb.policies_from([], Levers(2))


def test_a_column_of_choices_will_do() -> None:
    policies = FunctionPolicies([lambda seen: np.ones((len(seen), 1), np.int64)], Units("discrete", (4,), start=(1,)))
    np.testing.assert_array_equal(policies.act(np.zeros((1, 3, 1), np.float32), None), [[0, 0, 0]])
