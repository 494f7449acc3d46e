"""Training that begins with the best constant actions."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from trainings import train
from worlds_with_known_answers import Aim, wishes

from policybudget.assignment.em import EM
from policybudget.assignment.fixed import RandomGroups
from policybudget.errors import PolicyBudgetError
from policybudget.learning.settings import PPO
from policybudget.policies.stacked import make_actor
from policybudget.population import Population
from policybudget.problem import RepresentedMDP
from policybudget.search.constants import EPISODES, Constants, spread
from policybudget.search.phases import Plan

QUICK = PPO(copies=4, steps=8, minibatch=32, epochs=1, hidden=(8,))
AIMS = Population.from_features(("left", "right"))


def test_the_best_two_of_many_shots() -> None:
    problem, plan = RepresentedMDP(Aim(), AIMS, 2), Plan(EM(), QUICK, 2, 2, 10_000, 1)
    actor = make_actor(jax.random.key(0), 2, 1, Aim().actions, (8,), "shared", -1.0)
    first = Constants(constants=64).first_policies(problem, plan, actor, jax.random.key(1))
    shots = np.asarray(first.actor(jnp.ones((2, 1, 1))).out)[:, 0, 0]
    np.testing.assert_allclose(np.sort(shots), [-1, 1], atol=0.1)
    np.testing.assert_array_equal(np.asarray(first.assignment).argmax(axis=0), [shots.argmin(), shots.argmax()])


def test_constants_lie_within_the_bounds_and_fill_them() -> None:
    points = spread(Aim(), 128, 5)
    assert points.shape == (128, 1) and points.min() >= -2 and points.max() <= 2
    np.testing.assert_allclose(np.histogram(points, 4, (-2, 2))[0], 32)
    np.testing.assert_array_equal(points, spread(Aim(), 128, 5))


def test_what_is_tried_counts_and_the_whole_stays_within_what_was_asked() -> None:
    problem = RepresentedMDP(Aim(), AIMS, 2)
    search = Constants(constants=64, constants_share=0.1)
    result = train(problem, search=search, learner=QUICK, transitions=1_000)
    plan = Plan(EM(), QUICK, 2, 2, 1_000, 1)
    assert search.tried(plan) == 64 and search.spends(plan) == 64 * EPISODES
    assert 128 < result.transitions <= 2_000
    dear = plan._replace(episode=100, own=True)  # 400 transitions each, and 200 may be used
    assert search.tried(dear) == 2 and search.spends(dear) == 2 * EPISODES * 100 * 2


def test_it_needs_real_actions_and_agents_who_move() -> None:
    with pytest.raises(PolicyBudgetError, match="search constants needs real-valued actions, which levers has not"):
        train(wishes([0, 1], 2), search=Constants(), learner=QUICK, transitions=100)
    with pytest.raises(PolicyBudgetError, match="moves agents between policies, which algorithm random reassigns"):
        train(RepresentedMDP(Aim(), AIMS, 2), RandomGroups(), search=Constants(), learner=QUICK, transitions=100)
    with pytest.raises(PolicyBudgetError, match="constants must be at least 1, got 0"):
        Constants(constants=0)
    with pytest.raises(PolicyBudgetError, match="constants_share must be between 0 and 1, got 1.0"):
        Constants(constants_share=1.0)
