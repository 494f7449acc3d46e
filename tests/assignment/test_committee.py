"""Groups from a cover of task parameters."""

from __future__ import annotations

from dataclasses import replace

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from worlds_with_known_answers import QUICK, wishes

from policybudget.assignment.committee import CoverCommittee
from policybudget.errors import PolicyBudgetError
from policybudget.objective import Objective
from policybudget.training.train import train

KEY = jax.random.key(0)
TASKS = np.array([[0.0], [0.1], [0.2], [1.0], [1.1], [5.0]])
REWARDS = wishes([0, 0, 0, 1, 1, 2], 2).population.rewards


def start(rule: CoverCommittee, budget: int = 2, tasks: np.ndarray | None = TASKS) -> np.ndarray:
    return np.asarray(rule.start(REWARDS, budget, len(TASKS), KEY, None, tasks))


def test_members_learn_from_their_cluster_and_nobody_from_an_outlier() -> None:
    np.testing.assert_array_equal(start(CoverCommittee(radius=0.1)), [[1, 1, 1, 0, 0, 0], [0, 0, 0, 1, 1, 0]])


def test_a_shared_task_counts_in_equal_parts() -> None:
    class Overlapping(CoverCommittee):
        """Both members cover task 2."""

        def cover(self, parameters: np.ndarray | None, budget: int, seed: int = 0) -> object:  # type: ignore[override]
            found = CoverCommittee.cover(self, parameters, budget, seed)
            within = found.within.copy()
            within[1, 2] = True
            return replace(found, within=within)

    np.testing.assert_array_equal(start(Overlapping(radius=0.1))[:, 2], [0.5, 0.5])


def test_or_from_the_one_task_nearest_to_the_prototype() -> None:
    np.testing.assert_array_equal(start(CoverCommittee(radius=0.1, learn_from="prototype")).argmax(axis=1), [1, 3])
    np.testing.assert_array_equal(start(CoverCommittee(radius=0.1, learn_from="prototype")).sum(axis=1), [1, 1])


def test_fewer_prototypes_than_the_budget_leave_members_without_tasks() -> None:
    assert start(CoverCommittee(radius=10.0), 3).sum(axis=1).tolist().count(0.0) == 2


def test_in_the_end_everybody_is_served() -> None:
    alpha, returns = jnp.asarray(start(CoverCommittee(radius=0.1))), jnp.array([[1.0] * 6, [2.0] * 6])
    labels = [int(j) for j in jnp.argmax(CoverCommittee().settle(Objective(), alpha, returns), axis=0)]
    assert labels == [1] * 6
    kept = CoverCommittee(last_e_step=False).settle(Objective(), alpha, returns)
    assert jnp.argmax(kept, axis=0).tolist() == [0, 0, 0, 1, 1, 1] and kept.sum() == 6


def test_training() -> None:
    problem = wishes([0, 0, 0, 1, 1, 1], 2)
    users = problem.population.__class__.from_weights(
        10.0 * np.eye(2)[[0, 0, 0, 1, 1, 1]], parameters=TASKS.astype(np.float32), return_scale=10.0
    )
    result = train(replace(problem, population=users), CoverCommittee(radius=0.1), ppo=QUICK, transitions=64 * 40)
    assert result.welfare == pytest.approx(10.0) and result.algorithm == "committee"


def test_agents_without_task_parameters_are_refused() -> None:
    with pytest.raises(PolicyBudgetError, match="covers task parameters, and these agents have no task parameters"):
        start(CoverCommittee(), tasks=None)


@pytest.mark.parametrize(
    "changes", [{"radius": 0.0}, {"radius": float("inf")}, {"cover_method": "magic"}, {"learn_from": "luck"}]
)
def test_out_of_range(changes: dict[str, object]) -> None:
    with pytest.raises(PolicyBudgetError, match=next(iter(changes))):
        CoverCommittee(**changes)  # type: ignore[arg-type]
