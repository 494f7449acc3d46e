"""What a budget is spent for."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from policybudget.objective import Objective
from policybudget.welfare import parse

RETURNS = jnp.array([[10.0, 20.0, 30.0], [40.0, 5.0, 0.0]])
ALPHA = jnp.array([[0.0, 1.0, 1.0], [1.0, 0.0, 0.0]])


def test_utilitarian_agents_pull_as_they_are_assigned() -> None:
    np.testing.assert_array_equal(Objective().pull(ALPHA, RETURNS), ALPHA)


def test_agents_pull_for_as_many_people_as_they_stand_for() -> None:
    pull = Objective(agent_weights=jnp.array([5.0, 1.0, 3.0])).pull(ALPHA, RETURNS)
    np.testing.assert_allclose(pull, [[0.0, 0.5, 1.5], [1.0, 0.0, 0.0]], rtol=1e-6)


def test_nash_agents_pull_inversely_to_what_they_have() -> None:
    pull = Objective(parse("nash")).pull(ALPHA, RETURNS)
    np.testing.assert_allclose(pull[0], [0.0, 2 * 3 / 5, 2 * 2 / 5], rtol=1e-5)
    np.testing.assert_allclose(pull[1], [1.0, 0.0, 0.0], rtol=1e-5)


@given(st.sampled_from(("egalitarian", "nash", "p-mean:-20", "gini", "utilitarian")), st.integers(0, 2**31))
def test_every_group_pulls_as_much_as_it_is_large(name: str, seed: int) -> None:
    draw = np.random.default_rng(seed)
    returns = jnp.asarray(draw.uniform(-10, 100, (3, 8)), jnp.float32)
    labels = draw.integers(0, 3, 8)
    alpha = jax.nn.one_hot(labels, 3, axis=0)
    pull = Objective(parse(name), agent_weights=jnp.asarray(draw.uniform(0.1, 9, 8), jnp.float32)).pull(alpha, returns)
    assert bool(jnp.isfinite(pull).all() and (pull >= 0).all())
    np.testing.assert_allclose(pull.sum(axis=1), alpha.sum(axis=1), rtol=1e-4)


def test_the_option_is_one_more_offer() -> None:
    outside = jnp.array([1.0, -jnp.inf, 31.0])
    np.testing.assert_array_equal(Objective().offers(RETURNS), RETURNS)
    np.testing.assert_array_equal(Objective(outside=outside).offers(RETURNS)[2], outside)


def test_protected_agents_keep_their_option() -> None:
    objective = Objective(outside=jnp.array([41.0, 20.0, -jnp.inf]))
    alpha = objective.protect(ALPHA, RETURNS)
    np.testing.assert_array_equal(alpha, [[0, 1, 1], [0, 0, 0]])
    np.testing.assert_allclose(objective.utilities(alpha, RETURNS), [41.0, 20.0, 30.0])
    np.testing.assert_array_equal(Objective().protect(ALPHA, RETURNS), ALPHA)


def test_a_soft_share_of_the_option_counts() -> None:
    objective = Objective(outside=jnp.array([100.0]))
    assert float(objective.utilities(jnp.array([[0.75]]), jnp.array([[20.0]]))[0]) == pytest.approx(40.0)


def test_summary() -> None:
    objective = Objective(parse("egalitarian"), jnp.array([1.0, 1.0, 2.0]), jnp.array([50.0, -jnp.inf, 31.0]))
    told = objective.summary(jnp.array([[0.0, 1.0, 1.0], [0.0, 0.0, 0.0]]), RETURNS)
    assert told == {
        "function": "egalitarian",
        "welfare": 20.0,
        "mean": pytest.approx((50 + 20 + 2 * 30) / 4),
        "worst": 20.0,
        "unserved": 1,
        "below_outside": 1,
    }


def test_options_are_lowered_until_half_way() -> None:
    objective = Objective(outside=jnp.array([40.0, -jnp.inf]), scale=100.0)
    for progress, option in ((0.0, -60.0), (0.25, -10.0), (0.5, 40.0), (0.9, 40.0)):
        np.testing.assert_allclose(objective.eased(jnp.asarray(progress)).outside, [option, -np.inf])
    unknown = Objective(outside=jnp.array([40.0, -60.0]))
    np.testing.assert_allclose(unknown.eased(jnp.asarray(0.25)).outside, [10.0, -90.0])
    assert Objective().eased(jnp.asarray(0.0)) == Objective()
