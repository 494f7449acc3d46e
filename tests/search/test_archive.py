"""Training that remembers what it saw."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from worlds_with_known_answers import QUICK, Aim, wishes

from policybudget.assignment.em import EM
from policybudget.errors import PolicyBudgetError
from policybudget.population import Population
from policybudget.problem import RepresentedMDP, make_problem
from policybudget.training import checkpoint
from policybudget.training.train import Event, train
from policybudget.worlds.finite.world import FiniteWorld
from policybudget.worlds.grid.resource_gathering import ResourceGathering

RULE = EM(warm_start=3, recall=True, restarts=2, fair_restarts=True)


def test_the_best_of_all_that_was_seen_is_deployed() -> None:
    # round-robin puts users 0 and 4 together, who want other levers; so few iterations teach nothing: one pull of each
    # lever is enough for what is remembered
    problem = wishes([0, 1, 2, 0, 1, 2, 3, 3], 4)
    slow = replace(QUICK, learning_rate=(1e-6, 1e-6))
    assert train(problem, RULE, ppo=slow, transitions=64 * 4).welfare == pytest.approx(10.0)
    assert train(problem, EM(warm_start=3), ppo=slow, transitions=64 * 4).welfare < 9.0


def test_resource_gathering_is_solved_with_a_tenth_of_the_transitions() -> None:
    settings = replace(make_ppo(), epochs=1)
    result = train(make_problem("resource-gathering", 10), RULE, ppo=settings, transitions=100_000, seed=3)
    assert result.welfare > 92.0  # 92.32 is the optimum
    assert result.transitions == 10 * 1024 * 96  # two beginnings of whole iterations


def make_ppo() -> object:
    from policybudget.training.configuration import preset

    return preset("default", "resource-gathering", "em").ppo


def test_beginnings_and_resuming_bit_for_bit(tmp_path: Path) -> None:
    problem, quick = make_problem("resource-gathering", 8), replace(QUICK, copies=8, steps=16, minibatch=64)
    heard: list[Event] = []

    class StoppedError(Exception):
        pass

    def stop(event: Event) -> None:
        if event.phase == 1 and event.iteration == 5:
            raise StoppedError

    whole = train(problem, RULE, ppo=quick, transitions=128 * 60, listeners=[heard.append])
    assert {event.phases for event in heard} == {("em 1", "em 2 (fair)")}
    sizes = [len(event.snapshot.memory.returns) for event in heard if event.snapshot.memory is not None]
    assert len(sizes) == 60 and sizes[-1] > 0
    with pytest.raises(StoppedError):
        train(problem, RULE, ppo=quick, transitions=128 * 60, listeners=[checkpoint.Checkpoints(tmp_path, 0.0), stop])
    rest = train(problem, RULE, ppo=quick, transitions=128 * 60, resume=checkpoint.reader(tmp_path))
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
    with pytest.raises(PolicyBudgetError, match="recall needs a world in JAX without chance .* which aim is not"):
        train(problem, EM(recall=True), ppo=QUICK, transitions=64)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"restarts": 2}, "needs recall"),
        ({"recall": True, "scouts": 2}, "exclude each other"),
        ({"restarts": 0}, "at least"),
    ],
)
def test_out_of_range(changes: dict[str, int], message: str) -> None:
    with pytest.raises(PolicyBudgetError, match=message):
        EM(**changes)  # type: ignore[arg-type]
