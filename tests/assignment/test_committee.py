"""Groups from a cover of task parameters."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from trainings import train
from worlds_with_known_answers import QUICK, wishes

from policybudget.assignment.committee import CoverCommittee, Covered
from policybudget.assignment.rule import Known
from policybudget.covers import cover
from policybudget.errors import PolicyBudgetError
from policybudget.objective import Objective
from policybudget.population import Population
from policybudget.training.checkpoint import Checkpoints, reader

KEY = jax.random.key(0)
TASKS = np.array([[0.0], [0.1], [0.2], [1.0], [1.1], [5.0]])
REWARDS = wishes([0, 0, 0, 1, 1, 2], 2).population.rewards


def start(rule: CoverCommittee, budget: int = 2, tasks: np.ndarray | None = TASKS) -> np.ndarray:
    users = Population.from_weights(np.eye(2)[[0] * len(TASKS)], parameters=tasks)
    return np.asarray(rule.start(Known(REWARDS, budget, len(TASKS), rule.prepare(users, budget, 0)), KEY))


def test_policies_learn_from_their_cluster_and_nobody_from_an_outlier() -> None:
    np.testing.assert_array_equal(start(CoverCommittee(radius=0.1)), [[1, 1, 1, 0, 0, 0], [0, 0, 0, 1, 1, 0]])


def test_a_shared_task_counts_in_equal_parts() -> None:
    found = cover(TASKS, 2, 0.1, "greedy-intersection", 0, False)
    within = found.within.copy()
    within[1, 2] = True  # both policies cover task 2
    known = Known(REWARDS, 2, len(TASKS), Covered(replace(found, within=within), TASKS))
    np.testing.assert_array_equal(CoverCommittee(radius=0.1).start(known, KEY)[:, 2], [0.5, 0.5])


def test_or_from_the_one_task_nearest_to_the_prototype() -> None:
    np.testing.assert_array_equal(start(CoverCommittee(radius=0.1, learn_from="prototype")).argmax(axis=1), [1, 3])
    np.testing.assert_array_equal(start(CoverCommittee(radius=0.1, learn_from="prototype")).sum(axis=1), [1, 1])


def test_or_from_all_tasks_that_have_no_nearer_prototype() -> None:
    taught = start(CoverCommittee(radius=0.1, learn_from="nearest"))
    np.testing.assert_array_equal(taught, [[1, 1, 1, 0, 0, 0], [0, 0, 0, 1, 1, 1]])


def test_fewer_prototypes_than_the_budget_leave_policies_without_tasks() -> None:
    assert start(CoverCommittee(radius=10.0), 3).sum(axis=1).tolist().count(0.0) == 2


def test_in_the_end_everybody_is_served() -> None:
    alpha, returns = jnp.asarray(start(CoverCommittee(radius=0.1))), jnp.array([[1.0] * 6, [2.0] * 6])
    labels = [int(j) for j in jnp.argmax(CoverCommittee().finalise(Objective(), alpha, returns), axis=0)]
    assert labels == [1] * 6
    kept = CoverCommittee(last_e_step=False).finalise(Objective(), alpha, returns)
    assert jnp.argmax(kept, axis=0).tolist() == [0, 0, 0, 1, 1, 1] and kept.sum() == 6


def test_training() -> None:
    problem = wishes([0, 0, 0, 1, 1, 1], 2)
    users = Population.from_weights(
        10.0 * np.eye(2)[[0, 0, 0, 1, 1, 1]],
        parameters=TASKS.astype(np.float32),
        parameter_names=("speed",),
        return_scale=10.0,
    )
    result = train(replace(problem, population=users), CoverCommittee(radius=0.15), learner=QUICK, transitions=64 * 40)
    assert result.welfare == pytest.approx(10.0) and result.algorithm == "committee"
    assert result.prototypes is not None
    np.testing.assert_allclose(result.prototypes.places, [[0.1], [1.05]], atol=1e-6)
    np.testing.assert_array_equal(result.prototypes.scale, [1.0])
    assert result.prototypes.names == ("speed",)


def test_the_prototypes_that_are_kept_are_those_that_taught(monkeypatch: pytest.MonkeyPatch) -> None:
    """Three places for two prototypes."""
    made, taught, problem = [], [], wishes([0, 0, 0, 1, 1, 1], 3)
    users = Population.from_weights(
        np.eye(2)[[0, 0, 0, 1, 1, 1]], parameters=np.array([[0.0], [0], [0], [4], [4], [4]], np.float32)
    )
    prepare, start = CoverCommittee.prepare, CoverCommittee.start
    monkeypatch.setattr(CoverCommittee, "prepare", lambda *a: made.append(prepare(*a)) or made[-1])  # type: ignore[func-returns-value]
    monkeypatch.setattr(CoverCommittee, "start", lambda *a: taught.append(a[1].prepared) or start(*a))  # type: ignore[func-returns-value]
    rule = CoverCommittee(radius=0.5, cover_method="exact", standardise=True)
    result = train(replace(problem, population=users), rule, learner=QUICK, transitions=64, seed=11)
    assert len(made) == len(taught) == 1 and taught[0] is made[0]
    assert result.prototypes is not None
    np.testing.assert_array_equal(result.prototypes.scale, [2.0])
    assert sorted(result.prototypes.places[:, 0].tolist()) == [0.0, 4.0, np.inf]


@pytest.mark.parametrize("method", ["random", "kmeans", "local-search"])
def test_the_seed_of_the_training_is_that_of_the_cover(method: str) -> None:
    tasks = np.random.default_rng(0).uniform(size=(30, 2)).astype(np.float32)
    problem = wishes([0] * 30, 4)
    users = Population.from_weights(np.eye(2)[[0] * 30], parameters=tasks)
    rule = CoverCommittee(radius=0.1, cover_method=method)
    result = train(replace(problem, population=users), rule, learner=QUICK, transitions=64, seed=11)
    assert result.prototypes is not None
    np.testing.assert_array_equal(result.prototypes.places, cover(tasks, 4, 0.1, method, seed=11).prototypes)


def test_a_resumed_training_keeps_the_same_prototypes(tmp_path: Path) -> None:
    tasks = np.random.default_rng(0).uniform(size=(30, 2)).astype(np.float32)
    users = Population.from_weights(np.eye(2)[[0] * 30], parameters=tasks)
    problem, rule = replace(wishes([0] * 30, 4), population=users), CoverCommittee(radius=0.1, cover_method="random")
    how = {"learner": QUICK, "seed": 3, "listeners": [Checkpoints(tmp_path, 0.0)]}
    half = train(problem, rule, transitions=64, **how)  # type: ignore[arg-type]
    whole = train(problem, rule, transitions=128, resume=reader(tmp_path), **how)  # type: ignore[arg-type]
    assert half.prototypes is not None and whole.prototypes is not None
    np.testing.assert_array_equal(half.prototypes.places, whole.prototypes.places)


def test_rules_without_a_cover_leave_no_prototypes() -> None:
    assert train(wishes([0, 1], 2), search="plain", learner=QUICK, transitions=64).prototypes is None


def test_agents_without_task_parameters_are_refused() -> None:
    with pytest.raises(PolicyBudgetError, match="covers task parameters, and these agents have no task parameters"):
        start(CoverCommittee(), tasks=None)


@pytest.mark.parametrize(
    "changes", [{"radius": 0.0}, {"radius": float("inf")}, {"cover_method": "magic"}, {"learn_from": "luck"}]
)
def test_out_of_range(changes: dict[str, object]) -> None:
    with pytest.raises(PolicyBudgetError, match=next(iter(changes))):
        CoverCommittee(**changes)  # type: ignore[arg-type]
