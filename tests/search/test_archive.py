"""Training with an archive of episodes."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from trainings import train
from worlds_with_known_answers import QUICK, Aim, mine, wishes

from policybudget.assignment.em import EM
from policybudget.errors import PolicyBudgetError
from policybudget.population import Population
from policybudget.problem import RepresentedMDP, make_problem
from policybudget.search.archive import Archive
from policybudget.search.plain import Plain
from policybudget.training import checkpoint
from policybudget.training.events import Event
from policybudget.training.method import preset
from policybudget.worlds.finite.world import FiniteWorld
from policybudget.worlds.grid.resource_gathering import ResourceGathering

RULE, SEARCH = EM(warm_start=3), Archive(restarts=2)


def test_the_best_of_all_that_was_seen_is_deployed() -> None:
    # round-robin puts users 0 and 4 together, who want other levers; so few iterations teach nothing: one pull of each
    # lever is enough for the archive
    problem = wishes([0, 1, 2, 0, 1, 2, 3, 3], 4)
    slow = replace(QUICK, learning_rate=(1e-6, 1e-6))
    assert train(problem, RULE, search=SEARCH, learner=slow, transitions=64 * 4).welfare == pytest.approx(10.0)
    assert train(problem, RULE, search=Plain(), learner=slow, transitions=64 * 4).welfare < 9.0


def test_resource_gathering_is_solved_with_a_twentieth_of_the_transitions() -> None:
    settings = replace(preset("default", "resource-gathering").learner, epochs=1)
    result = train(
        make_problem("resource-gathering", 5), RULE, search=SEARCH, learner=settings, transitions=50_000, seed=3
    )
    assert result.welfare > 90.5  # 91.04 is the optimum
    assert result.transitions == 5 * 1024 * 48  # two restarts of whole iterations


def test_restarts_and_resuming_bit_for_bit(tmp_path: Path) -> None:
    problem, quick = make_problem("resource-gathering", 8), replace(QUICK, copies=8, steps=16, minibatch=64)
    how: Any = {"search": SEARCH, "learner": quick, "transitions": 128 * 60}
    heard: list[Event] = []
    later: list[Event] = []

    class StoppedError(Exception):
        pass

    def stop(event: Event) -> None:
        if event.phase == 1 and event.iteration == 5:
            raise StoppedError

    whole = train(problem, RULE, **how, listeners=[heard.append])
    assert {event.phases for event in heard} == {("restart 1 of 2", "restart 2 of 2 (for the worst off)")}
    sizes = [len(event.snapshot.memory.returns) for event in heard]
    assert len(sizes) == 60 and sizes[-1] > 0
    best = [event.best for event in heard]
    assert best == sorted(best) and best[-1] >= max(float(event.report.welfare) for event in heard)
    with pytest.raises(StoppedError):
        train(
            problem,
            RULE,
            search=SEARCH,
            learner=quick,
            transitions=128 * 60,
            listeners=[checkpoint.Checkpoints(tmp_path, 0.0), stop],
        )
    rest = train(problem, RULE, **how, resume=checkpoint.reader(tmp_path), listeners=[later.append])
    assert [event.best for event in later] == [event.best for event in heard][-len(later) :]
    np.testing.assert_array_equal(rest.assignment, whole.assignment)
    np.testing.assert_array_equal(rest.returns, whole.returns)


def test_worlds_that_can_be_had_again() -> None:
    assert ResourceGathering().without_chance
    stay = np.eye(2)[:, None, :].repeat(2, axis=1)
    paid = np.ones((2, 2, 1))
    assert FiniteWorld(stay, paid, [1.0, 0.0], 5).without_chance
    assert not FiniteWorld(stay, paid, [0.5, 0.5], 5).without_chance
    assert not FiniteWorld(stay, paid, [1.0, 0.0], 5, survival=0.9).without_chance
    slippery = stay * 0.8 + 0.1
    assert not FiniteWorld(slippery, paid, [1.0, 0.0], 5).without_chance


def test_other_worlds_are_refused() -> None:
    problem = RepresentedMDP(Aim(), Population.from_weights(np.eye(2)), 1)
    with pytest.raises(PolicyBudgetError, match="needs a deterministic world in JAX .* which aim is not; use"):
        train(problem, EM(), search="archive", learner=QUICK, transitions=64)


def test_worlds_with_chance_are_refused() -> None:
    world = FiniteWorld(np.eye(2)[:, None, :].repeat(2, axis=1), np.ones((2, 2, 1)), [0.5, 0.5], 5)
    problem = RepresentedMDP(world, Population.from_weights([[1.0], [2.0]]), 1)
    with pytest.raises(PolicyBudgetError, match="search archive needs a deterministic world") as error:
        train(problem, EM(), search=Archive(), learner=QUICK, transitions=64)
    assert "\n" not in str(error.value)


def test_rules_that_keep_their_groups_are_refused() -> None:
    with pytest.raises(PolicyBudgetError, match="chooses policies and groups anew, which algorithm random keeps"):
        train(wishes([0, 1], 2), "random", search="archive", learner=QUICK, transitions=64)


def test_out_of_range() -> None:
    with pytest.raises(PolicyBudgetError, match="restarts must be at least 1, got 0"):
        Archive(restarts=0)


def test_agents_with_their_own_dynamics_are_refused() -> None:
    with pytest.raises(PolicyBudgetError, match="whose dynamics differ in mine; use --search splitting or plain"):
        Archive().check(mine(3), EM())
