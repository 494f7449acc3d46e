from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from policybudget.assessment.yardsticks import best_rules, personalised
from policybudget.errors import PolicyBudgetError
from policybudget.worlds.glucose import rules
from policybudget.worlds.glucose.patients import all_patients
from policybudget.worlds.glucose.population import served
from policybudget.worlds.glucose.world import GlucoseWorld

WORLD = GlucoseWorld()
FEW = all_patients().rows(["adult#001", "child#003", "adolescent#005"])
POPULATION = served(WORLD, FEW, np.ones((3, 2)))
FIRST, SECOND = jax.random.split(jax.random.key(4), (2, 3, 2))
GRID = rules.grid(WORLD, (0.3, 0.6, 1.0), (0.04, 0.1), (0.0,))


def test_more_rules_serve_better_and_all_are_within_the_best_of_each() -> None:
    found = list(best_rules(WORLD, POPULATION, (1, 2, 3), FIRST, SECOND, GRID))
    assert [yardstick.budget for yardstick in found] == [1, 2, 3]
    actions, tasks = jnp.asarray(GRID[0]), jnp.asarray(POPULATION.dynamics)
    chosen, judged = (
        rules.returns(WORLD, np.asarray(rules.totals_of_grid(WORLD, actions, tasks, days))) for days in (FIRST, SECOND)
    )
    one, _, three = found
    np.testing.assert_allclose(one.returns, judged[chosen.mean(axis=1).argmax()], rtol=1e-4)
    np.testing.assert_allclose(three.returns, judged[chosen.argmax(axis=0), range(3)], rtol=1e-4)
    assert three.labels is not None and three.settings is not None
    np.testing.assert_allclose(three.settings[three.labels], GRID[1][chosen.argmax(axis=0)])


def test_the_personalised_rule_is_judged_on_the_same_days() -> None:
    found = personalised(WORLD, POPULATION, FEW, SECOND)
    assert found.totals.shape == (3, 9) and found.budget is None
    np.testing.assert_allclose(found.returns, 100 - found.totals[:, :2].sum(axis=1) / 288, rtol=1e-6)
    assert found.returns.min() > 80


def test_the_days_of_the_choice_do_not_judge() -> None:
    with pytest.raises(PolicyBudgetError, match="judged on other days"):
        next(best_rules(WORLD, POPULATION, (1,), FIRST, FIRST, GRID))
