"""Growing: one policy for all, then policies that split in two until there are k."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from safetensors.numpy import load
from trainings import bits, stopped_and_not, train
from worlds_with_known_answers import QUICK, wishes

import policybudget as pb
from policybudget.assignment.em import EM
from policybudget.assignment.end_to_end import EndToEnd
from policybudget.errors import PolicyBudgetError
from policybudget.objective import Objective
from policybudget.policies.architecture import Architecture
from policybudget.policies.joining import rows
from policybudget.policies.normaliser import Normaliser
from policybudget.policies.stacked import Policies
from policybudget.problem import RepresentedMDP
from policybudget.search.growing import Growing, grow
from policybudget.search.phases import Plan
from policybudget.training.events import Event
from policybudget.training.train import Training
from policybudget.welfare import Egalitarian


@pytest.mark.parametrize(
    ("budget", "sizes"),
    [(1, [1]), (2, [1, 2]), (3, [1, 2, 3]), (4, [1, 2, 4]), (5, [1, 2, 4, 5]), (9, [1, 2, 4, 8, 9])],
)
def test_policies_double_until_there_are_k(budget: int, sizes: list[int]) -> None:
    phases = Growing(keep_times=0).phases(Plan(EM(), QUICK, budget, 20, 10_000 * QUICK.batch))
    assert [phase.budget for phase in phases] == sizes
    assert phases[0].name == "1 policy" and (len(sizes) == 1 or phases[-1].name == f"{budget} policies")
    spent = [phase.total for phase in phases]
    everything = budget * 10_000 * QUICK.batch
    assert 0.999 * everything < sum(spent) <= everything
    if len(sizes) > 1:
        np.testing.assert_allclose(spent[-1], everything / 2, rtol=0.001)
        np.testing.assert_allclose(spent[:-1], everything / 2 / (len(sizes) - 1), rtol=0.001)


def test_whose_agents_are_worst_off_becomes_two() -> None:
    # 0 serves users 0 and 1 well; 1 serves users 2 and 3 well, and has 4 and 5 whom nobody serves
    returns = np.array([[9.0, 8, 0, 0, 0, 0], [0, 0, 9, 8, 0, 0]])
    source, labels = grow(Objective(), returns, np.array([0, 0, 1, 1, 1, 1]), 3)
    assert source.tolist() == [0, 1, 1]
    assert labels.tolist() == [0, 0, 2, 2, 1, 1], "the copy goes on with those who are served, the original searches"


def test_one_becomes_two_and_each_splits_once_before_any_splits_twice() -> None:
    returns = np.array([[9.0, 8, 7, 6, 0, 0, 0, 0]])
    assert grow(Objective(), returns, np.zeros(8, int), 2)[1].tolist() == [1, 1, 1, 1, 0, 0, 0, 0]
    source, labels = grow(Objective(), np.repeat(returns, 2, 0), np.array([0, 0, 0, 0, 1, 1, 1, 1]), 4)
    assert source.tolist() == [0, 1, 1, 0], "those of 1 are worst off, and it splits first"
    assert labels.tolist() == [3, 3, 0, 0, 2, 1, 1, 1], "nobody is served by 1: its copy begins with one of them"


def test_agents_who_have_more_outside_stay_there() -> None:
    _, labels = grow(Objective(), np.array([[9.0, 8, 0]]), np.array([0, 0, 1]), 3)
    assert labels[2] == 3


@given(st.integers(1, 6), st.integers(0, 6), st.integers(6, 12), st.integers(0, 2**31))
def test_all_that_were_there_stay_and_every_copy_has_a_source(there: int, more: int, agents: int, seed: int) -> None:
    random = np.random.default_rng(seed)
    returns, before = random.uniform(0, 10, (there, agents)), random.integers(0, there, agents)
    source, labels = grow(Objective(), returns, before, there + more)
    assert source[:there].tolist() == list(range(there)) and len(source) == there + more
    assert set(source) <= set(range(there)) and set(labels) <= set(range(there + more))
    np.testing.assert_array_equal(source[labels], before)  # everybody stays with a policy that acts as before


def test_all_levers_are_found() -> None:
    problem = wishes([0, 1, 2, 3, 0, 1, 2, 3], 4)
    options = {"search": Growing(split_every=5), "learner": QUICK, "transitions": 200 * QUICK.batch}
    first, again = (train(problem, EM(warm_start=2), **options) for _ in range(2))  # type: ignore[arg-type]
    assert first.welfare == pytest.approx(10.0) and first.search == "growing"
    assert bits(first) == bits(again)


def test_refused() -> None:
    with pytest.raises(PolicyBudgetError, match="end-to-end reassigns by gradient; use --search plain"):
        train(wishes([0, 1], 2), EndToEnd(), search="growing", transitions=64)
    with pytest.raises(PolicyBudgetError, match="split_every must be at least 1, got 0"):
        Growing(split_every=0)
    with pytest.raises(PolicyBudgetError, match="keep_times must be at least 0, got -1"):
        Growing(keep_times=-1)
    for whole in (0.0, 1.5):
        with pytest.raises(PolicyBudgetError, match="whole must be above 0 and at most 1, got"):
            Growing(whole=whole)


def pulls(problem: RepresentedMDP, *levers: int) -> Policies:
    """A policy for each lever, which pulls it whatever it sees."""
    world = problem.world
    shapes = Architecture(1, world.units, QUICK.hidden, "shared").shapes(len(levers))
    arrays = {name: np.zeros(shape, np.float32) for name, shape in shapes.items()}
    arrays["actor.network.layers.0.weight"][:] = 1.0
    arrays["actor.network.layers.1.weight"] -= 9 * np.eye(shapes["actor.network.layers.1.bias"][-1])[list(levers), None]
    arrays["normaliser.count"] += 1
    arrays["normaliser.mean"] += 2
    arrays["normaliser.squares"] += 1  # so that they see -1, and without these statistics another number
    return Policies.from_arrays(arrays)


def acts(policies: Policies) -> list[int]:
    """The lever that each policy pulls."""
    levers: list[int] = np.asarray(policies(jnp.ones((policies.budget, 1, 1))).out[:, 0].argmax(axis=-1)).tolist()
    return levers


def proposed(problem: RepresentedMDP, *times: Policies) -> list[Policies]:
    """What growing proposes at the end of a training that went through these."""
    search, memory = Growing(), Growing().memory(problem)
    for policies in times:
        memory = search.keep(memory, policies)
    found = search.proposals(problem, QUICK, Normaliser.start(1), memory, jax.random.key(0))
    assert all(proposal.normaliser is not None for proposal in found)
    return [Policies(proposal.actor, proposal.normaliser or Normaliser.start(1)) for proposal in found]


def test_the_best_of_all_that_was_kept_are_proposed() -> None:
    problem = wishes([0, 0, 0, 1, 1, 2], 2)
    (best,) = proposed(problem, pulls(problem, 0), pulls(problem, 2, 1), pulls(problem, 2, 1))
    assert sorted(acts(best)) == [0, 1], "what the first policy did is lost to the trained ones"
    assert proposed(problem, pulls(problem, 2), pulls(problem, 0, 1)) == [], "nothing is better than the trained ones"
    assert proposed(problem) == []


def test_of_equals_the_newest_are_deployed() -> None:
    problem = wishes([0, 0, 0, 1, 1, 2], 2)
    assert proposed(problem, pulls(problem, 0), pulls(problem, 0, 1), pulls(problem, 0, 1)) == [], "worth the same"
    better = replace(wishes([0, 0, 0, 1, 1, 2], 3), budget=3)
    (best,) = proposed(better, pulls(better, 0), pulls(better, 2, 2, 2), pulls(better, 1, 1, 1))
    assert sorted(acts(best)) == [0, 1, 2]
    (best,) = proposed(problem, pulls(problem, 0), pulls(problem, 2, 2), pulls(problem, 1, 2))
    assert sorted(acts(best)) == [0, 1]


def test_who_has_more_outside_makes_no_policy_better() -> None:
    wanted = wishes([0, 0, 0, 1, 1, 2], 1)
    for outside, expected in ((20.0, []), (5.0, [0])):
        problem = replace(wanted, population=replace(wanted.population, outside=np.full(6, outside)))
        found = proposed(problem, pulls(problem, 0), pulls(problem, 2))
        assert [lever for policies in found for lever in acts(policies)] == expected


def test_agents_count_for_the_people_they_stand_for_and_by_the_welfare_function() -> None:
    wanted = wishes([0, 0, 0, 1, 1, 2], 1)
    many = replace(wanted, population=replace(wanted.population, agent_weights=np.array([1.0, 1, 1, 1, 1, 9])))
    (best,) = proposed(many, pulls(many, 0), pulls(many, 2), pulls(many, 1))
    assert acts(best) == [2]
    worst = replace(wishes([0, 1, 0], 2), welfare=Egalitarian())
    (best,) = proposed(worst, pulls(worst, 1), pulls(worst, 0, 0))
    assert sorted(acts(best)) == [0, 1]


def test_more_policies_than_play_at_a_time() -> None:
    problem = wishes([0, 0, 0, 1, 1, 2], 2)
    (best,) = proposed(problem, *[pulls(problem, 2, 2)] * 7, pulls(problem, 0), *[pulls(problem, 2, 1)] * 12)
    assert sorted(acts(best)) == [0, 1]


@dataclass(frozen=True)
class Went(Growing):
    """Growing that went through policies 5 and 4 before it began, and learns nothing."""

    def memory(self, problem: RepresentedMDP) -> np.ndarray:
        return rows(pulls(problem, 5, 4).arrays(), 2)


def test_they_are_deployed_if_they_are_worth_more(tmp_path: Path) -> None:
    problem = wishes([5, 5, 5, 4, 4, 2], 2)
    learner = replace(QUICK, learning_rate=(1e-9, 1e-9))
    result = train(problem, search=Went(), learner=learner, transitions=2 * QUICK.batch)
    assert result.welfare == pytest.approx(10 * 5 / 6) and sorted(acts(result.policies)) == [4, 5]
    assert result.architecture.normaliser == result.architecture.trunk == "separate"
    result.save(tmp_path)
    again = pb.load(tmp_path)
    assert [again.act(np.ones(1), user=problem.population.names[agent]) for agent in (0, 3)] == [5, 4]


def test_keeping_is_paid_for_by_shorter_phases() -> None:
    def plan(transitions: int, own: bool = False) -> Plan:
        return Plan(EM(), QUICK, 5, 20, transitions, 1000, own)

    long, short, own = plan(2_000_000), plan(300_000), plan(2_000_000, True)
    each = 12 * 3 * 1000  # 1 + 2 + 4 + 5 policies, three episodes of each
    assert Growing().times(long) == 10 and Growing().spends_after(long) == 10 * each
    assert Growing().times(short) == 2 and Growing().spends_after(short) == 2 * each <= 0.05 * 5 * 300_000
    assert Growing().times(own) == Growing(keep_times=0).times(long) == 0
    for one in (long, short, own):
        spent = sum(phase.total for phase in Growing().phases(one)) + Growing().spends_after(one)
        assert 0.999 * 5 * one.transitions < spent <= 5 * one.transitions
    problem = wishes([0, 1, 2, 0, 1, 2], 3)
    training = Training.of(problem, search=Growing(), learner=QUICK, transitions=6400)
    assert training.total == sum(phase.total for phase in training.phases) + 10 * (1 + 2 + 3) * 3


def test_policies_are_kept_at_ten_times_of_every_phase() -> None:
    problem, kept = wishes([0, 1, 2, 0, 1, 2], 3), dict[tuple[int, int], np.ndarray]()
    settings = {"search": Growing(), "learner": QUICK, "transitions": 40 * QUICK.batch}

    def listen(event: Event) -> None:
        kept[event.phase, event.iteration] = event.snapshot.memory
        if event.iteration == event.iterations:
            now = rows(event.snapshot.state.policies.arrays(), event.snapshot.state.policies.budget)
            np.testing.assert_array_equal(event.snapshot.memory[-len(now) :], now)

    train(problem, listeners=[listen], **settings)  # type: ignore[arg-type]
    ends = [len(kept[phase, max(i for p, i in kept if p == phase)]) for phase in range(3)]
    assert ends == [10 * 1, 10 * (1 + 2), 10 * (1 + 2 + 3)]
    assert len(kept[0, 1]) == 0 and len(kept[0, 15]) in (5, 6), "evenly"


def test_a_training_that_was_stopped_keeps_the_same(tmp_path: Path) -> None:
    problem = wishes([0, 1, 2, 0, 1, 2], 3)
    training = Training.of(problem, search=Growing(), learner=QUICK, transitions=40 * QUICK.batch)
    stopped, whole = stopped_and_not(tmp_path, training, [(0, 7), (1, 3), (2, 5)])
    assert bits(stopped) == bits(whole)
    ends = [(tmp_path / name / "checkpoint/state.safetensors").read_bytes() for name in ("stopped", "whole")]
    kept = [[array for array in load(end).values() if array.shape == (60, rows_of(problem))] for end in ends]
    assert len(kept[0]) == len(kept[1]) == 1, "ten times one, two and three policies"
    np.testing.assert_array_equal(kept[0][0], kept[1][0])


def rows_of(problem: RepresentedMDP) -> int:
    """The numbers that a policy acts by."""
    return int(rows(pulls(problem, 0).arrays(), 1).shape[1])
