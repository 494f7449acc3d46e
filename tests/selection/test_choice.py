"""The k of many behaviours that serve everybody best."""

from __future__ import annotations

import itertools

import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from policybudget.objective import Objective
from policybudget.selection.choice import choose, quick_worth
from policybudget.welfare import Egalitarian, Nash


@given(st.integers(0, 2**31), st.integers(1, 4))
def test_the_chosen_are_the_best_of_all_subsets(seed: int, budget: int) -> None:
    draw = np.random.default_rng(seed)
    returns, agent_weights = draw.normal(size=(6, 5)), draw.uniform(0.5, 3, 5)
    chosen = choose(Objective(agent_weights=jnp.asarray(agent_weights, jnp.float32)), returns, budget)
    assert len(set(chosen.tolist())) == budget
    best = max(agent_weights @ returns[list(some)].max(axis=0) for some in itertools.combinations(range(6), budget))
    assert agent_weights @ returns[chosen].max(axis=0) == pytest.approx(best, abs=1e-5)


def test_rows_that_nobody_needs_fill_up_the_budget() -> None:
    returns = np.array([[0.0, 0.0], [9.0, 9.0], [1.0, 1.0]])
    np.testing.assert_array_equal(choose(Objective(), returns, 2), [0, 1])


def test_a_fair_welfare_chooses_what_is_best_for_the_worst_off() -> None:
    returns = np.array([[9.0, 9.0, 9.0, 0.0], [4.0, 4.0, 4.0, 4.0], [0.0, 0.0, 0.0, 5.0]])
    np.testing.assert_array_equal(choose(Objective(), returns, 1), [0])
    np.testing.assert_array_equal(choose(Objective(Egalitarian()), returns, 1), [1])
    np.testing.assert_array_equal(choose(Objective(Nash()), returns, 1), [1])
    np.testing.assert_array_equal(choose(Objective(Egalitarian()), returns, 2), [0, 2])


def test_options_outside_count_in_a_fair_choice() -> None:
    returns = np.array([[9.0, 0.0], [5.0, 5.0]])
    outside = jnp.array([-jnp.inf, 6.0])
    np.testing.assert_array_equal(choose(Objective(Egalitarian(), outside=outside), returns, 1), [0])


def test_the_quick_worth_is_that_of_some_rows() -> None:
    returns = np.array([[9.0, 9.0, 9.0, 0.0], [4.0, 4.0, 4.0, 4.0], [0.0, 0.0, 0.0, 5.0]])
    assert quick_worth(Objective(), returns, 2) == pytest.approx((9 + 9 + 9 + 5) / 4)
    assert quick_worth(Objective(), returns, 5) == pytest.approx((9 + 9 + 9 + 5) / 4), "more than there are"
    assert quick_worth(Objective(Egalitarian()), returns, 2) == pytest.approx(5)
    outside = jnp.array([-jnp.inf, -jnp.inf, -jnp.inf, 7.0])
    assert quick_worth(Objective(Egalitarian(), outside=outside), returns, 1) == pytest.approx(7)
    assert np.isnan(quick_worth(Objective(), returns[:0], 2))
