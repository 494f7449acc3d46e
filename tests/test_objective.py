"""What a budget is spent for."""

from __future__ import annotations

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from policybudget.objective import Objective
from policybudget.welfare import Welfare, parse

RETURNS = jnp.array([[10.0, 20.0, 30.0], [40.0, 5.0, 0.0]])
ALPHA = jnp.array([[0.0, 1.0, 1.0], [1.0, 0.0, 0.0]])


def test_utilitarian_agents_pull_as_they_are_assigned() -> None:
    np.testing.assert_array_equal(Objective().pull(ALPHA, RETURNS), ALPHA)


def test_agents_pull_in_proportion_to_their_weights() -> None:
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
    summary = objective.summary(jnp.array([[0.0, 1.0, 1.0], [0.0, 0.0, 0.0]]), RETURNS)
    assert summary == {
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


class Case(NamedTuple):
    """An objective, an assignment and returns of k = 3 policies to n = 6 agents."""

    objective: Objective
    assignment: jax.Array
    returns: jax.Array

    def relabelled(self, policies: np.ndarray, agents: np.ndarray) -> Case:
        weights, outside = (
            x if x is None else x[agents] for x in (self.objective.agent_weights, self.objective.outside)
        )
        objective = Objective(self.objective.welfare, weights, outside, self.objective.scale)
        return Case(objective, *(x[policies][:, agents] for x in (self.assignment, self.returns)))


FUNCTIONS = tuple(
    map(parse, ("utilitarian", "egalitarian", "egalitarian:5", "nash", "p-mean:-2", "p-mean:0.5", "gini"))
)
K, N = 3, 6


@st.composite
def cases(draw: st.DrawFn, options: bool | None = None) -> Case:
    """Columns of α are hard, soft, short of one or zero; without options, none is short or zero."""
    rng = np.random.default_rng(draw(st.integers(0, 2**31)))
    options = draw(st.booleans()) if options is None else options
    soft = rng.dirichlet(np.ones(K), N).T
    alpha = np.where(rng.random(N) < 0.5, np.eye(K)[:, rng.integers(0, K, N)], soft)
    outside = np.where(rng.random(N) < 0.7, rng.uniform(-20.0, 120.0, N), -np.inf)
    alpha *= np.where(np.isfinite(outside), rng.choice([0.0, 0.5, 1.0], N), 1.0) if options else 1.0
    weights = jnp.asarray(rng.uniform(0.1, 9.0, N), jnp.float32) if draw(st.booleans()) else None
    welfare: Welfare = draw(st.sampled_from(FUNCTIONS))
    scale = draw(st.sampled_from([None, 100.0]))
    objective = Objective(welfare, weights, jnp.asarray(outside, jnp.float32) if options else None, scale)
    returns = rng.uniform(-20.0, 100.0, (K, N))
    return Case(objective, jnp.asarray(alpha, jnp.float32), jnp.asarray(returns, jnp.float32))


@given(cases(), st.permutations(range(K)), st.permutations(range(N)))
def test_relabelling_policies_and_agents_relabels_all_that_follows(
    case: Case, rows: list[int], columns: list[int]
) -> None:
    policies, agents = np.array(rows), np.array(columns)
    (objective, alpha, returns), (renamed, other_alpha, other_returns) = case, case.relabelled(policies, agents)
    close: Any = lambda a, b: np.testing.assert_allclose(a, b, rtol=2e-4, atol=1e-4)  # noqa: E731
    utilities = objective.utilities(alpha, returns)
    close(renamed.utilities(other_alpha, other_returns), utilities[agents])
    close(renamed.worth(utilities[agents]), objective.worth(utilities)[agents])
    close(renamed.value(other_alpha, other_returns), objective.value(alpha, returns))
    close(renamed.pull(other_alpha, other_returns), objective.pull(alpha, returns)[policies][:, agents])
    kept = objective.protect(alpha, returns)[policies][:, agents]
    np.testing.assert_array_equal(renamed.protect(other_alpha, other_returns), kept)
    with_option = np.append(policies, K) if objective.outside is not None else policies  # the option stays the last row
    np.testing.assert_array_equal(renamed.offers(other_returns), objective.offers(returns)[with_option][:, agents])
    summary, other = objective.summary(alpha, returns), renamed.summary(other_alpha, other_returns)
    assert {name: other[name] for name in ("function", "unserved", "below_outside")} == {
        name: summary[name] for name in ("function", "unserved", "below_outside")
    }
    assert all(other[name] == pytest.approx(summary[name], rel=2e-4, abs=1e-4) for name in ("welfare", "mean", "worst"))


@given(cases(options=True))
def test_protection_clears_columns_and_never_lowers_a_utility(case: Case) -> None:
    """An agent keeps its column if that is worth its option, for each unit of α; protecting twice changes nothing."""
    (objective, alpha, returns) = case
    kept = objective.protect(alpha, returns)
    for before, after, gains, option in zip(alpha.T, kept.T, returns.T, objective.outside, strict=True):
        worth = float(before @ gains) / max(float(before.sum()), 1e-30)
        if abs(worth - float(option)) > 1e-3:
            np.testing.assert_array_equal(after, before if worth > float(option) else np.zeros(K))
    assert bool((objective.utilities(kept, returns) >= objective.utilities(alpha, returns) - 1e-3).all())
    np.testing.assert_array_equal(objective.protect(kept, returns), kept)


@given(cases())
def test_only_assigned_agents_pull_and_unassigned_returns_do_not_matter(case: Case) -> None:
    objective, alpha, returns = case
    pull = objective.pull(alpha, returns)
    assert bool(jnp.isfinite(pull).all() and (pull >= 0).all())
    np.testing.assert_array_equal(pull == 0, alpha == 0)
    other = jnp.where(alpha == 0, -12345.0, returns)
    np.testing.assert_array_equal(objective.pull(alpha, other), pull)
    np.testing.assert_array_equal(objective.value(alpha, other), objective.value(alpha, returns))


@given(cases(options=True), st.floats(0.0, 1.0), st.floats(0.0, 1.0))
def test_options_only_rise_with_progress(case: Case, one: float, other: float) -> None:
    objective, early, late = case.objective, *(jnp.float32(x) for x in sorted((one, other)))
    first, second = (np.asarray(objective.eased(progress).outside) for progress in (early, late))
    assert objective.outside is not None
    assert (first <= second).all() and (second <= np.asarray(objective.outside)).all()
    np.testing.assert_array_equal(np.isfinite(first), np.isfinite(objective.outside))
