"""The pool: more policies than the budget, and the best of them refined."""

from __future__ import annotations

from pathlib import Path

import jax
import numpy as np
import pytest
from trainings import bits, stopped_and_not, train
from worlds_with_known_answers import QUICK, wishes

from policybudget.assignment.em import EM
from policybudget.assignment.end_to_end import EndToEnd
from policybudget.errors import PolicyBudgetError, RunFolderError
from policybudget.policies.stacked import Policies
from policybudget.rollouts.sampler import play
from policybudget.runs.kept import keep, kept
from policybudget.search.phases import Plan
from policybudget.search.pool import Pool
from policybudget.studies.train import train as train_in
from policybudget.training.train import Training

PLAN = Plan(EM(), QUICK, budget=2, agents=40, transitions=100_000, episode=10)


def test_phases_take_what_the_largest_budget_would() -> None:
    phases = Pool(within="plain", pool_budgets="2,5,10").phases(PLAN)
    assert [phase.budget for phase in phases] == [15, 10, 5, 2]
    assert [phase.chosen for phase in phases] == [False, True, True, True]
    assert [phase.name for phase in phases[1:]] == ["best 10", "best 5", "best 2"]
    spent = [phase.transitions * phase.budget for phase in phases]
    np.testing.assert_allclose(spent, [500_000, 500_000 / 3, 500_000 / 3, 500_000 / 3], rtol=1e-3)
    alone = Pool(within="plain", pool_size=4, refine=0.25).phases(PLAN)
    assert [(phase.budget, phase.transitions) for phase in alone] == [(4, 37_500), (2, 25_000)]


def test_a_pool_has_no_more_policies_than_agents() -> None:
    assert Pool(pool_budgets="2-9").sizes(2, 10) == (10, 9, 8, 7, 6, 5, 4, 3, 2)


@pytest.mark.parametrize(
    ("pool", "line"),
    [
        (
            lambda: Pool(within="pretrained"),
            "within must be one of plain, splitting, growing, representatives, archive, constants",
        ),
        (lambda: Pool(refine=1.0), "refine must be between 0 and 1"),
        (lambda: Pool(pool_size=1), "pool-size must be at least 2"),
        (lambda: Pool(pool_budgets="0-3"), "pool-budgets must be at least 1"),
        (lambda: Pool(pool_budgets="three"), "budget must be a number"),
    ],
)
def test_settings_that_are_none(pool: object, line: str) -> None:
    with pytest.raises(PolicyBudgetError, match=line):
        pool()  # type: ignore[operator]


def test_what_does_not_go_together() -> None:
    problem = wishes(range(4), 2)
    with pytest.raises(PolicyBudgetError, match="go down to the budget of the training"):
        Training.of(problem, EM(), search=Pool(within="plain", pool_budgets="1-3"), learner=QUICK)
    with pytest.raises(PolicyBudgetError, match="at most one per agent"):
        Training.of(problem, EM(), search=Pool(within="plain", pool_budgets="2-5"), learner=QUICK)
    with pytest.raises(PolicyBudgetError, match="chooses policies by their returns"):
        Training.of(problem, EndToEnd(), search=Pool(within="plain"), learner=QUICK)
    with pytest.raises(PolicyBudgetError, match="search constants needs real-valued actions"):
        Training.of(problem, EM(), search=Pool(within="constants"), learner=QUICK)


def test_a_pool_may_grow() -> None:
    # one policy for four users, then two, then the pool of four; of those, the best two
    search = Pool(within="growing", pool_size=4)
    training = Training.of(wishes(range(4), 2), EM(), search=search, learner=QUICK, transitions=16_000)
    assert [phase.budget for phase in training.phases] == [1, 2, 4, 2]
    assert [phase.chosen for phase in training.phases] == [False, False, False, True]
    result = training.run()
    assert result.returns.shape == (2, 4)
    assert result.search == "pool of growing"


def test_one_training_serves_every_budget(tmp_path: Path) -> None:
    # four levers, four users who each want one: k policies serve k of them
    problem = wishes(range(4), 1)
    search = Pool(within="plain", pool_size=4, pool_budgets="1-3")
    result = train_in(problem, EM(), search=search, learner=QUICK, transitions=16_000, out=tmp_path / "run", quiet=True)
    assert result.budget == 1 and result.search == "pool of plain"
    parts = kept(tmp_path / "run", result.architecture)
    assert list(parts) == ["phase-000", "phase-001", "phase-002", "phase-003"]
    rewards = problem.population.rewards
    for arrays, served in zip(parts.values(), (4, 3, 2, 1), strict=True):
        played = play(problem.world, rewards, Policies.from_arrays(arrays), jax.random.key(0), 4, True)
        table = np.asarray(rewards.agents(played.returns.mean(axis=1)))
        assert table.shape == (served, 4) and table.max(axis=0).sum() == pytest.approx(10 * served)


def test_policies_of_a_pool_of_representatives_have_an_agent_each_until_the_best_are_chosen() -> None:
    problem = wishes([0, 1, 2, 2, 2, 3], 2)
    search = Pool(within="representatives", pool_size=6)
    first, second = search.phases(PLAN)
    assert first.budget == 6 and first.hold == first.iterations and second.hold == 0
    found = train(problem, EM(), search=search, learner=QUICK, transitions=16_000)
    labels = found.assignment.argmax(axis=0)
    assert labels[2] == labels[3] == labels[4] and found.welfare == pytest.approx(10 * 4 / 6)


def test_the_same_seed_gives_the_same_policies() -> None:
    problem, search = wishes(range(3), 1), Pool(within="splitting", pool_budgets="1-2")
    runs = [train(problem, EM(), search=search, learner=QUICK, transitions=4_000, seed=5) for _ in range(2)]
    for name, array in runs[0].arrays.items():
        np.testing.assert_array_equal(array, runs[1].arrays[name])


def test_a_stopped_pool_ends_as_it_would_have_ended(tmp_path: Path) -> None:
    problem, search = wishes(range(3), 1), Pool(within="splitting", pool_budgets="1-2")
    training = Training.of(problem, EM(), search=search, learner=QUICK, transitions=4_000, seed=5)
    at_the_end_of_a_phase_and_in_one = [(0, training.phases[0].iterations), (1, 2)]
    stopped, whole = stopped_and_not(tmp_path, training, at_the_end_of_a_phase_and_in_one)
    assert bits(whole) == bits(stopped)
    files = [sorted((tmp_path / name / "kept").iterdir()) for name in ("whole", "stopped")]
    assert [path.name for path in files[0]] == [path.name for path in files[1]] and len(files[0]) == 3
    assert all(one.read_bytes() == other.read_bytes() for one, other in zip(*files, strict=True))


def test_what_is_kept_can_be_damaged(tmp_path: Path) -> None:
    result = train(wishes(range(2), 2), EM(), learner=QUICK, transitions=512)
    with pytest.raises(RunFolderError, match="keeps no policies besides its result; train with --search pool"):
        kept(tmp_path, result.architecture)
    keep(tmp_path, "phase-000", result.arrays)
    assert list(kept(tmp_path, result.architecture)) == ["phase-000"]
    (tmp_path / "kept" / "phase-000.safetensors").write_bytes(b"no tensors")
    with pytest.raises(RunFolderError):
        kept(tmp_path, result.architecture)
