from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from policybudget.assignment.fixed import RandomGroups
from policybudget.assignment.returns import Returns
from policybudget.assignment.rule import Known
from policybudget.objective import Objective
from policybudget.population import Population

REWARDS = Population.from_features([str(i) for i in range(25)]).rewards


@pytest.mark.parametrize("budget", [1, 2, 3, 7, 10, 24, 25])
def test_random_groups_are_even_for_any_budget(budget: int) -> None:
    alpha = np.asarray(RandomGroups().start(Known(REWARDS, budget, 25), jax.random.key(0)))
    assert alpha.shape == (budget, 25)
    np.testing.assert_array_equal(alpha.sum(axis=0), 1.0)
    sizes = alpha.sum(axis=1)
    assert sizes.max() - sizes.min() <= 1


def test_random_groups_are_random_and_stay() -> None:
    rule = RandomGroups()
    one, other = (rule.start(Known(REWARDS, 5, 25), jax.random.key(seed)) for seed in (0, 1))
    assert not np.array_equal(one, other)
    returns = Returns(jnp.ones((5, 25)), jnp.ones((5, 25)))
    np.testing.assert_array_equal(rule.update(Objective(), returns, one, None, jax.random.key(0)), one)
    assert rule.logits(5, 25) is None and rule.loss(REWARDS, Objective(), returns, one) is None


def test_in_the_end_who_is_in_no_group_is_served_by_the_best() -> None:
    alpha, returns = jnp.array([[1.0, 0.0, 0.0], [0.0, 1.0, 0.0]]), jnp.array([[1.0, 5.0, 2.0], [3.0, 1.0, 7.0]])
    np.testing.assert_array_equal(RandomGroups().finalise(Objective(), alpha, returns), [[1, 0, 0], [0, 1, 1]])
