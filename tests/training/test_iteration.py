"""What a batch teaches, and that learning side by side changes nothing."""

from __future__ import annotations

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from worlds_with_known_answers import Levers

import policybudget as pb
from policybudget import runtime
from policybudget.assignment.em import EM
from policybudget.assignment.rule import Known
from policybudget.learning.settings import PPO
from policybudget.population import Population
from policybudget.rollouts.batch import Batch, account
from policybudget.search.phases import Plan
from policybudget.search.plain import Plain
from policybudget.training import iteration
from policybudget.training.state import Task, TrainState, begin, make_task
from policybudget.training.step import Stepper


def started(critic: str, population: Population, budget: int = 2) -> tuple[Task, TrainState]:
    problem = pb.RepresentedMDP(Levers(3), population, budget)
    ppo = PPO(copies=4, steps=8, minibatch=8, epochs=2, critic=critic)
    (phase,) = Plain().phases(Plan(EM(), ppo, budget, population.size, 10 * ppo.batch))
    task = make_task(problem, phase, 0.05, False)
    key = jax.random.key(0)
    with Stepper(task) as step:
        assignment = task.rule.start(Known(task.rewards, budget, population.size), key)
        ongoing = step.start(key, assignment)
    return task, begin(task, assignment, ongoing, 40, key)


def sampled(task: Task, state: TrainState) -> tuple[Batch, iteration.Lesson]:
    """A batch and what it teaches."""
    with Stepper(task) as step:
        batch = step.sample(state, jax.random.key(1), task.settings.steps)
    return batch, eqx.filter_jit(iteration.study)(task, state, state.ongoing.bare, batch)


def three_users(scale: float | None = 1.0) -> Population:
    return Population.from_weights([[1.0, 0, 0], [0, 2.0, 0], [0, 0.5, 4.0]], return_scale=scale)


def paying(outcome: jax.Array) -> Batch:
    """A step that pays this, as the learner looks at one."""
    blank, no = jnp.zeros((1, 2, 1, 1)), jnp.zeros((1, 2, 1), bool)
    batch = Batch(blank, jnp.zeros((1, 2, 1), int), blank[..., 0], outcome[None], no, no, blank, ~no)
    step: Batch = jax.tree.map(lambda x: x[0], batch)
    return step


def test_a_mixture_is_the_mean_over_the_agents_of_a_policy() -> None:
    rewards = three_users().rewards
    assignment = jnp.array([[1.0, 1.0, 0.0], [0.0, 0.0, 1.0]])
    outcome = jnp.broadcast_to(jnp.array([1.0, 10.0, 100.0]), (2, 1, 3))
    paid, share = iteration._signal("mixture", rewards, assignment)
    batch = paying(outcome)
    np.testing.assert_allclose(paid(batch), [[[(1 + 20) / 2]], [[5.0 + 400.0]]])
    np.testing.assert_allclose(share, [[2.0], [1.0]])
    features, mixture = iteration._signal("features", rewards, assignment)
    np.testing.assert_allclose(features(batch), outcome)
    np.testing.assert_allclose(mixture, [[1.0, 2.0, 0.0], [0.0, 0.5, 4.0]])


def test_a_policy_without_agents_is_paid_nothing() -> None:
    paid, _ = iteration._signal("mixture", three_users().rewards, jnp.array([[1.0, 1.0, 1.0], [0.0, 0.0, 0.0]]))
    given = paid(paying(jnp.ones((2, 1, 3))))
    assert float(given[1, 0, 0]) == 0.0


def silenced(state: TrainState) -> TrainState:
    """Critics that predict zero."""
    zeros = jax.tree.map(jnp.zeros_like, state.learned.critic)
    quiet: TrainState = eqx.tree_at(lambda s: s.learned.critic, state, zeros)
    return quiet


def test_both_critics_teach_the_same_where_they_know_nothing() -> None:
    lessons = []
    for critic in ("features", "mixture"):
        task, state = started(critic, three_users())
        lessons.append(sampled(task, silenced(state))[1])
    by_features, by_mixture = lessons
    assert by_features.rows.target.shape[-1] == 3
    assert by_mixture.rows.target.shape[-1] == 1
    np.testing.assert_allclose(by_features.rows.advantage, by_mixture.rows.advantage, atol=1e-5)
    assert float(jnp.abs(by_features.rows.advantage).max()) > 0.1


@pytest.mark.parametrize("scale", [1.0, None])
def test_learning_side_by_side_gives_the_same_bits(scale: float | None, monkeypatch: pytest.MonkeyPatch) -> None:
    task, state = started("mixture", three_users(scale))
    found = []
    for cores in ((0,), (0, 1)):
        monkeypatch.setattr(runtime, "available", lambda cores=cores: list(cores))
        with Stepper(task) as step:
            assert (step._beside is None) is (len(cores) == 1)
            found.append(step(state))
    for one, other in zip(*(jax.tree.leaves(part) for part in found), strict=True):
        if not jnp.issubdtype(one.dtype, jax.dtypes.prng_key):
            np.testing.assert_array_equal(one, other)
    first, after = jax.tree.leaves(state.learned), jax.tree.leaves(found[0][0].learned)
    assert all(bool(jnp.any(old != new)) for old, new in zip(first, after, strict=True))


def test_the_unit_of_a_mixture_grows_with_returns_and_predictions_stay() -> None:
    task, state = started("mixture", three_users(None))
    _, lesson = sampled(task, state)
    assert float(lesson.grown[0]) > 1.0
    actors, critics = (learn(task, state, lesson) for learn in (iteration.improve_actors, iteration.improve_critics))
    after, _ = iteration.conclude(task, state, lesson, actors, critics)
    seen = jnp.ones((2, 5, task.world.observation_size))
    before = critics.network(seen) * state.scale
    np.testing.assert_allclose(after.learned.critic(seen) * after.scale, before, rtol=2e-3)


def concluded(task: Task, state: TrainState, batch: Batch) -> iteration.Report:
    """The report of an iteration that learns from a batch."""
    lesson = eqx.filter_jit(iteration.study)(task, state, state.ongoing.bare, batch)
    actors, critics = (
        eqx.filter_jit(learn)(task, state, lesson) for learn in (iteration.improve_actors, iteration.improve_critics)
    )
    report: iteration.Report = iteration.conclude(task, state, lesson, actors, critics)[1]
    return report


def test_welfare_is_not_a_number_before_something_is_known_of_all_who_serve() -> None:
    task, state = started("mixture", three_users())
    batch, _ = sampled(task, state)
    never = eqx.tree_at(lambda b: b.terminated, batch, jnp.zeros_like(batch.terminated))
    nothing = concluded(task, state, never)
    assert np.isnan(nothing.welfare) and np.isnan(nothing.group_welfare).all()
    only_first = eqx.tree_at(lambda b: b.terminated, batch, batch.terminated.at[:, 1].set(False))
    half = concluded(task, state, only_first)
    assert np.isnan(half.welfare), "policy 1 serves an agent, and nothing is known of it"
    np.testing.assert_array_equal(np.isnan(half.group_welfare), [False, True])
    known = concluded(task, state, batch)
    running = jnp.zeros((2, 4, 3))
    _, episodes = account(task.rewards.features, batch, running, 0.05)
    value = np.asarray(task.rewards.agents(episodes.recent / (1 - episodes.kept)))
    np.testing.assert_allclose(known.welfare, (value[0, 0] + value[1, 1] + value[0, 2]) / 3, rtol=1e-5)
