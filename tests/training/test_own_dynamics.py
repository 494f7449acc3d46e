"""Trainings for agents with their own dynamics: looks at the table of returns, budgets, resuming, errors."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from trainings import bits, train
from worlds_with_known_answers import mine

from policybudget.assignment.em import EM
from policybudget.assignment.end_to_end import EndToEnd
from policybudget.assignment.rule import AssignmentRule, Known
from policybudget.assignment.trajectory_clusters import TrajectoryClusters
from policybudget.errors import PolicyBudgetError, WorldError
from policybudget.learning.settings import PPO
from policybudget.population import Population
from policybudget.problem import RepresentedMDP
from policybudget.runs.result import Result
from policybudget.search.phases import Phase
from policybudget.search.plain import Plain
from policybudget.search.pretrained import Pretrained
from policybudget.search.search import Search
from policybudget.training import checkpoint
from policybudget.training.events import Event
from policybudget.training.method import Method
from policybudget.training.state import TrainState, begin, make_task
from policybudget.training.step import Stepper
from policybudget.training.train import Training
from policybudget.worlds.finite.world import FiniteWorld

TINY = PPO(copies=4, steps=8, minibatch=16, epochs=2, hidden=(8,), normalise_observations=True)


def stepping(problem: RepresentedMDP) -> tuple[Stepper, TrainState]:
    """A phase at its start: agents 0, 2, .. with policy 0, the others with policy 1."""
    task = make_task(problem, Phase("em", EM(), TINY, 2, 10 * TINY.batch), 0.05, False)
    names, key = problem.population.names, jax.random.key(0)
    first = jax.nn.one_hot(jnp.arange(task.agents) % 2, 2, axis=0)
    assert Known(task.rewards, 2, task.agents).seen is None
    step = Stepper(task, names)
    return step, begin(task, first, step.start(key, first), 0, key)


def test_critics_are_told_what_agents_differ_in_if_they_do() -> None:
    told = Phase("em", EM(), replace(TINY, critic_sees_agent=True), 2, 10 * TINY.batch)
    differ, alike = mine(4), mine(4)
    alike = replace(alike, population=replace(alike.population, dynamics=np.ones((4, 1)), parameters=None))
    assert make_task(differ, told, 0.05, False).told is not None
    assert make_task(alike, told, 0.05, False).told is None


def test_training_fills_the_cells_of_a_policys_own_agents_and_a_look_the_others() -> None:
    step, state = stepping(mine(4))
    with step:
        state, report, _ = step(state)
        known = state.assignment.table.estimate(step.task.rewards).known
        np.testing.assert_array_equal(known, [[True, False, True, False], [False, True, False, True]])
        assert np.isfinite(report.welfare) and report.welfare == pytest.approx((0 + 2 + 6 + 12) / 4)
        state = step.look(state, 1)
    found = state.assignment.table.estimate(step.task.rewards)
    np.testing.assert_allclose(found.value, [[0.0, 2.0, 6.0, 12.0]] * 2, rtol=1e-5)
    half = np.asarray(found.episodes)[~np.asarray(known)]
    np.testing.assert_allclose(half, 0.5)
    assert (np.asarray(found.episodes)[np.asarray(known)] > 0.5).all()


@given(st.integers(1, 5000), st.integers(0, 7), st.integers(0, 300))
def test_a_phase_never_takes_more_transitions_than_it_may(transitions: int, every: int, cost: int) -> None:
    phase = Phase("em", EM(), TINY, 2, transitions, look_every=every, look_cost=cost)
    count = phase.iterations
    looks = count // every if every else 0
    assert phase.each == phase.after(count) == count * TINY.batch + looks * cost and phase.total == 2 * phase.each
    assert count == 1 or phase.each <= transitions
    assert phase.after(count + 1) > transitions


def test_looks_are_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    looks: list[int] = []

    def look(
        self: Stepper, state: TrainState, episodes: int, own: Callable[..., TrainState] = Stepper.look
    ) -> TrainState:
        looks.append(int(state.iteration))
        return own(self, state, episodes)

    monkeypatch.setattr(Stepper, "look", look)
    problem, events = mine(4), list[Event]()
    training = Training(problem, Method(EM(), Plain(), TINY), 20 * TINY.batch, 0)
    (phase,) = training.phases
    assert phase.look_cost == 4 * 4 and phase.look_every == np.ceil(16 * 0.9 / 0.1 / TINY.batch) == 5
    result = training.run([events.append])
    assert looks == [5, 10, 15] and len(events) == phase.iterations == 18
    assert result.transitions == events[-1].transitions == events[-1].of == 2 * (18 * TINY.batch + 3 * 16)
    assert events[-1].each <= 20 * TINY.batch
    assert [event.each for event in events[3:6]] == [4 * TINY.batch, 5 * TINY.batch + 16, 6 * TINY.batch + 16]
    np.testing.assert_allclose(result.returns, [[0.0, 2.0, 6.0, 12.0]] * 2, rtol=1e-5)


METHODS: dict[str, tuple[AssignmentRule, Search]] = {
    "em": (EM(warm_start=2), Plain()),
    "trajectory-clusters": (TrajectoryClusters(), Pretrained(universal_steps=20)),
}


@pytest.mark.parametrize("name", METHODS)
def test_resumed_it_ends_bit_for_bit_the_same(name: str, tmp_path: Path) -> None:
    (rule, search), problem = METHODS[name], mine(4)

    def run(**details: object) -> Result:
        return train(problem, rule, search=search, learner=TINY, transitions=8 * TINY.batch, **details)  # type: ignore[arg-type]

    def keep(event: Event) -> None:
        checkpoint.save(tmp_path / f"{event.phase}-{event.iteration}" / checkpoint.NAME, event.snapshot)

    whole = run(listeners=[keep])
    for place in ("0-3", "0-5", "0-7") if name == "em" else ("0-3", "1-1", "1-5"):
        assert bits(run(resume=checkpoint.reader(tmp_path / place))) == bits(whole), place


def test_agents_are_told_apart_by_what_a_universal_policy_is_paid_in_their_own_episodes() -> None:
    problem = mine(3, budget=1)
    task = make_task(problem, Phase("one", EM(), TINY, 1, TINY.batch), 0.05, False)
    first, key = jnp.ones((1, 3)), jax.random.key(0)
    with Stepper(task) as step:
        state = begin(task, first, step.start(key, first), 0, key)
        np.testing.assert_array_equal(step.sample_each(state, key, 5), [[0.0, 1.0, 2.0]] * 5)
    moves = np.zeros((4, 2, 2, 2))  # two agents are taken to state 1, which pays, two stay
    moves[[0, 2], 0, :, 1] = moves[[1, 3], 0, :, 0] = moves[:, 1, :, 1] = 1.0
    paid = np.array([1.0, 5.0])[:, None, None].repeat(2, axis=1)
    people = Population.from_weights([[1.0]] * 4, dynamics=np.arange(4)[:, None])
    finite = RepresentedMDP(FiniteWorld(moves, paid, np.array([1.0, 0.0]), 4), people, 2)
    rule, search = METHODS["trajectory-clusters"]
    result = train(finite, rule, search=search, learner=TINY, transitions=TINY.batch)
    groups = result.assignment.argmax(axis=0)
    assert groups[0] == groups[2] != groups[1] == groups[3]


def test_an_error_names_the_agent_whose_world_is_not_finite() -> None:
    step, state = stepping(mine(3, broken=1))
    with step:
        with pytest.raises(WorldError) as error:
            step(state)
        assert str(error.value).startswith(
            "world mine, iteration 1: what policy 1 learned from is not finite: a reward or an observation of agent b; "
        )
        with pytest.raises(WorldError, match="after iteration 0: the return of agent b is not finite"):
            step.look(state, 1)


@pytest.mark.parametrize(
    ("rule", "learner", "message"),
    [
        (EndToEnd(signal="literal"), TINY, "have dynamics of their own in mine; use --signal returns"),
        (EM(), PPO(critic="features"), "have dynamics of their own in mine; use --critic mixture"),
    ],
)
def test_what_does_not_fit_is_refused(rule: AssignmentRule, learner: PPO, message: str) -> None:
    with pytest.raises(PolicyBudgetError, match=message):
        Training(mine(3), Method(rule, Plain(), learner), 100, 0)
