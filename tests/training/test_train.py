from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import jax.numpy as jnp
import numpy as np
import pytest
from trainings import bits, train
from worlds_with_known_answers import QUICK, Aim, Clock, Levers, wishes

from policybudget.assignment.em import EM
from policybudget.assignment.end_to_end import EndToEnd
from policybudget.assignment.fixed import RandomGroups
from policybudget.assignment.rule import AssignmentRule
from policybudget.assignment.trajectory_clusters import TrajectoryClusters
from policybudget.errors import PolicyBudgetError, RunFolderError
from policybudget.learning.settings import PPO
from policybudget.population import Population
from policybudget.problem import RepresentedMDP
from policybudget.runs.result import Result
from policybudget.search.archive import Archive
from policybudget.search.growing import Growing
from policybudget.search.plain import Plain
from policybudget.search.pretrained import Pretrained
from policybudget.search.search import Search
from policybudget.search.splitting import Splitting
from policybudget.training import checkpoint
from policybudget.training.events import Event
from policybudget.training.method import Method
from policybudget.training.train import Training
from policybudget.welfare import parse
from policybudget.worlds.grid.resource_gathering import ResourceGathering

GRID = RepresentedMDP(ResourceGathering(), ResourceGathering().population(), 3)
TINY = PPO(copies=4, steps=8, minibatch=16, epochs=2, hidden=(8,), normalise_observations=True)
ITERATIONS = 5


METHODS: dict[str, tuple[AssignmentRule, Search]] = {
    "em": (EM(warm_start=2), Plain()),
    "em, splitting": (EM(warm_start=1), Splitting(split_every=2)),
    "em, archive": (EM(warm_start=2), Archive(restarts=2)),
    "end-to-end": (EndToEnd(), Plain()),
    "trajectory-clusters": (TrajectoryClusters(), Pretrained(universal_steps=50)),
}


def run(name: str, seed: int = 0, **details: Any) -> Result:
    rule, search = METHODS[name]
    return train(GRID, rule, search=search, learner=TINY, transitions=ITERATIONS * TINY.batch, seed=seed, **details)


def number(name: str) -> int:
    """Of the phases of :func:`run`."""
    rule, search = METHODS[name]
    return len(Training(GRID, Method(rule, search, TINY), ITERATIONS * TINY.batch, 0).phases)


@pytest.fixture(scope="module", params=METHODS)
def uninterrupted(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> tuple[str, Result, Path]:
    """A method, its result, and a folder with a checkpoint after every iteration."""
    folder = tmp_path_factory.mktemp("run")

    def keep(event: Event) -> None:
        checkpoint.save(folder / f"{event.phase}-{event.iteration}" / checkpoint.NAME, event.snapshot)

    return request.param, run(request.param, listeners=[keep]), folder


def test_same_seed_same_bits_and_other_seeds_differ(uninterrupted: tuple[str, Result, Path]) -> None:
    name, first, _ = uninterrupted
    assert bits(run(name)) == bits(first)
    other = bits(run(name, seed=1))
    assert other["actor.network.layers.1.weight"] != bits(first)["actor.network.layers.1.weight"]


def test_resumed_from_any_iteration_ends_bit_for_bit_the_same(uninterrupted: tuple[str, Result, Path]) -> None:
    name, whole, folder = uninterrupted
    places = [(phase, i) for phase in range(number(name)) for i in range(1, ITERATIONS + 1)]
    assert sorted(p.name for p in folder.iterdir()) == sorted(f"{phase}-{i}" for phase, i in places)
    for phase, iteration in places[::2] + places[-1:]:
        heard: list[tuple[int, int]] = []
        result = run(
            name,
            listeners=[lambda event, heard=heard: heard.append((event.phase, event.iteration))],
            resume=checkpoint.reader(folder / f"{phase}-{iteration}"),
        )
        assert bits(result) == bits(whole), (phase, iteration)
        assert heard == places[places.index((phase, iteration)) + 1 :], "it must go on, not begin again"


def test_a_snapshot_that_does_not_fit_is_refused(uninterrupted: tuple[str, Result, Path]) -> None:
    name, _, folder = uninterrupted
    with pytest.raises(RunFolderError, match="does not fit its configuration"):
        train(
            GRID, METHODS[name][0], search=METHODS[name][1], learner=replace(TINY, hidden=(9,)),
            transitions=ITERATIONS * TINY.batch,
            resume=checkpoint.reader(folder / f"{number(name) - 1}-3"),
        )  # fmt: skip


def test_events(uninterrupted: tuple[str, Result, Path]) -> None:
    name, _, _ = uninterrupted
    events: list[Event] = []
    result = run(name, listeners=[events.append])
    universal = ITERATIONS * TINY.batch if name == "trajectory-clusters" else 0
    assert result.transitions == events[-1].transitions == events[-1].of == universal + 3 * ITERATIONS * TINY.batch
    assert [event.seconds for event in events] == sorted(event.seconds for event in events)
    for event in events:
        np.testing.assert_allclose(event.report.group_size.sum(), 25.0, rtol=1e-5)
        assert isinstance(event.report.welfare, np.ndarray)


def test_welfare_is_that_of_returns_and_assignment(uninterrupted: tuple[str, Result, Path]) -> None:
    _, result, _ = uninterrupted
    np.testing.assert_allclose(result.welfare, (result.assignment * result.returns).sum(axis=0).mean(), rtol=1e-5)
    assert result.budget == 3 and result.agents[0] == "tile 0,0"


@pytest.mark.parametrize(("transitions", "iterations"), [(1, 1), (64, 1), (127, 1), (128, 2), (200, 3)])
def test_whole_iterations_that_fit(transitions: int, iterations: int) -> None:
    learner = replace(QUICK, copies=16, steps=4)
    plain = Training(GRID, Method(EM(), Plain(), learner), transitions, 0)
    assert (plain.total, plain.most_policies) == (3 * iterations * 64, 3)
    pretrained = Training(GRID, Method(TrajectoryClusters(), Pretrained(), learner), transitions, 0)
    assert (pretrained.total, pretrained.most_policies) == (4 * iterations * 64, 3)


@pytest.mark.parametrize("transitions", [0, -5])
def test_no_transitions(transitions: int) -> None:
    with pytest.raises(PolicyBudgetError, match=f"transitions must be at least 1, got {transitions}"):
        train(wishes((0, 1), 1), transitions=transitions)


@pytest.mark.parametrize("bootstrap", [True, False])
def test_a_clock_is_no_end(bootstrap: bool) -> None:
    # Steps 0 and 1 pay 1 and 2, discount 1/2. With the limit taken for an end V(1) = 2 and V(0) = 1 + 2/2 = 2. Without,
    # V(1) = 2 + V(2)/2, V(2) being what the critic makes of an observation that no step begins with.
    problem = RepresentedMDP(Clock(2), Population.from_weights([[1.0, 0.0]]), 1)
    settings = replace(
        QUICK, discount=0.5, gae_lambda=0.0, bootstrap_truncated=bootstrap, learning_rate=(3e-2, 1e-3), kl_limit=0.0
    )
    states: list[Any] = []
    train(
        problem, RandomGroups(), learner=settings, transitions=100 * settings.batch,
        listeners=[lambda event: states.append(event.snapshot.state)],
    )  # fmt: skip
    values = states[-1].learned.critic(jnp.array([[[0.0], [1.0], [2.0]]])) * states[-1].scale
    first, second, end = np.asarray(values)[0, :, 0]
    if bootstrap:
        assert second > 2.5
        np.testing.assert_allclose([first, second], [1.0 + second / 2, 2.0 + end / 2], atol=0.15)
    else:
        np.testing.assert_allclose([first, second], [2.0, 2.0], atol=0.1)


def chosen(result: Result) -> list[int]:
    """Whether each agent is served."""
    return result.assignment.sum(axis=0).astype(int).tolist()


@pytest.mark.parametrize("rule", [EM(warm_start=5), EndToEnd(assignment_rate=0.1), RandomGroups()])
def test_nobody_ends_below_their_option_outside(rule: AssignmentRule) -> None:
    problem = wishes([0, 0, 1, 2], 1)
    outside = np.array([4.0, -np.inf, -np.inf, 5.0])
    problem = replace(problem, population=replace(problem.population, outside=outside))
    result = train(problem, rule, search="plain", learner=QUICK, transitions=64 * 40)
    utilities = np.asarray(problem.objective.utilities(jnp.asarray(result.assignment), jnp.asarray(result.returns)))
    np.testing.assert_allclose(utilities, [10, 10, 0, 5], atol=1e-5)
    assert chosen(result) == [1, 1, 1, 0]
    assert result.social == {
        "function": "utilitarian",
        "welfare": pytest.approx(6.25),
        "mean": pytest.approx(6.25),
        "worst": 0.0,
        "unserved": 1,
        "below_outside": 0,
    }


def test_an_agent_counts_for_the_people_it_stands_for() -> None:
    problem = wishes([0, 1], 1)
    problem = replace(problem, population=replace(problem.population, agent_weights=np.array([1.0, 3.0])))
    result = train(problem, search="plain", learner=QUICK, transitions=64 * 40)
    np.testing.assert_allclose(result.returns, [[0.0, 10.0]], atol=1e-5)
    assert result.welfare == pytest.approx(7.5)


@pytest.mark.parametrize(("welfare", "returns"), [("utilitarian", [20, 0]), ("egalitarian", [4, 4]), ("nash", [4, 4])])
def test_a_fair_welfare_prefers_the_compromise(welfare: str, returns: list[float]) -> None:
    users = Population.from_weights([[20.0, 0.0, 4.0], [0.0, 4.0, 4.0]], return_scale=20.0)
    problem = RepresentedMDP(Levers(3), users, 1, parse(welfare))
    result = train(problem, search="plain", learner=replace(QUICK, discount=1.0), transitions=64 * 150)
    np.testing.assert_allclose(result.returns, [returns], atol=1e-4)
    assert result.social["function"] == welfare
    assert result.social["worst"] == pytest.approx(min(returns))


def test_targets_that_are_not_met_are_found_by_widened_rewards() -> None:
    people = Population.from_targets([-0.01, -0.02], half_width=0.05, scale=10.0, return_scale=10.0)
    problem = RepresentedMDP(Aim(), people, 1)  # shots begin around 0, which is -1; these users want shots at -0.9
    own = replace(QUICK, log_std=-3.0)
    narrow = train(problem, search=Growing(), learner=own, transitions=3200)
    wide = train(problem, search=Growing(), learner=replace(own, widen=40.0), transitions=3200)
    assert narrow.welfare == 0.0, "nothing was learned"
    assert wide.welfare > 7.0, "and welfare is by the rewards of the agents, of which the best is 9"


def test_welfare_is_not_known_before_an_episode_has_ended() -> None:
    problem = RepresentedMDP(Clock(20), Population.from_weights([[1.0, 0.0], [2.0, 0.0]]), 2)
    learner = replace(QUICK, copies=2, steps=8, minibatch=16)
    welfare: list[float] = []
    train(
        problem, EM(warm_start=0), search="plain", learner=learner, transitions=16 * 4,
        listeners=[lambda event: welfare.append(float(event.report.welfare))],
    )  # fmt: skip
    assert np.isnan(welfare[:2]).all(), "16 steps of episodes of 20"
    np.testing.assert_allclose(welfare[2:], (210 + 420) / 2, rtol=1e-5)
