from __future__ import annotations

from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from worlds_with_known_answers import QUICK, wishes

from policybudget.assignment.em import EM, greedy, refill
from policybudget.assignment.end_to_end import EndToEnd
from policybudget.assignment.fixed import RandomGroups
from policybudget.assignment.rule import AssignmentState, one_hot
from policybudget.errors import PolicyBudgetError
from policybudget.learning.ppo import Rows
from policybudget.objective import Objective
from policybudget.population import Population
from policybudget.training.train import train

K, N = 4, 7
_compiled = eqx.filter_jit(refill)


def _refill(labels: Any, offers: Any, key: Any, whom: str, budget: int | None = None) -> Any:
    """All rows policies, unless a budget says that the last one is the option outside."""
    return _compiled(jnp.asarray(labels), jnp.asarray(offers), budget or len(offers), key, whom)


def test_argmax_and_the_first_of_equals() -> None:
    returns = jnp.array([[1.0, 5.0, 2.0, 0.0], [3.0, 5.0, 2.0, 0.0], [2.0, 4.0, 9.0, 0.0]])
    np.testing.assert_array_equal(greedy(returns), [1, 0, 2, 0])


tables = st.integers(0, 2**31).map(lambda seed: np.random.default_rng(seed).normal(size=(K, N)).astype(np.float32))


@given(
    st.lists(st.integers(0, K - 1), min_size=N, max_size=N),
    tables,
    st.integers(0, 2**31),
    st.sampled_from(("random", "closest")),
)
def test_refill_fills_only_empty_policies(labels: list[int], returns: np.ndarray, seed: int, whom: str) -> None:
    before = np.array(labels)
    after = np.asarray(_refill(before, returns, jax.random.key(seed), whom))
    old, new = (np.bincount(x, minlength=K) for x in (before, after))
    moved = np.flatnonzero(before != after)
    assert new.min() >= 1, "seven agents can fill four policies"
    assert len(moved) == (old == 0).sum(), "one agent per empty policy, nobody else"
    assert sorted(after[moved]) == sorted(np.flatnonzero(old == 0))
    assert (old[before[moved]] >= 2).all(), "never out of a group of one"
    np.testing.assert_array_equal(new[old == 1], 1)


def test_closest_moves_the_agent_who_loses_least() -> None:
    returns = jnp.array([[9.0, 9.0, 9.0, 0.0], [1.0, 8.0, 5.0, 0.0], [0.0, 0.0, 0.0, 4.0]])
    labels = jnp.array([0, 0, 0, 2])
    np.testing.assert_array_equal(_refill(labels, returns, jax.random.key(0), "closest"), [0, 1, 0, 2])


def test_random_moves_anybody() -> None:
    labels, returns = jnp.zeros(4, jnp.int32), jnp.zeros((2, 4))
    moved = {int(np.argmax(_refill(labels, returns, jax.random.key(seed), "random"))) for seed in range(40)}
    assert moved == {0, 1, 2, 3}


def test_nobody_to_spare() -> None:
    labels = jnp.array([0, 2])
    np.testing.assert_array_equal(_refill(labels, jnp.zeros((3, 2)), jax.random.key(0), "random"), labels)


@settings(max_examples=10)
@given(tables, st.permutations(range(N)), st.integers(0, 3))
def test_relabelling_users_permutes_the_assignment(table: np.ndarray, order: list[int], empty: int) -> None:
    order = np.array(order)
    labels = np.where(table.argmax(0) == empty, (empty + 1) % K, table.argmax(0))
    for name in ("e-step", "refill", "settle", "end-to-end"):
        one, other = (_assign(name, t, jnp.asarray(x)) for t, x in ((table, labels), (table[:, order], labels[order])))
        np.testing.assert_allclose(other, np.asarray(one)[..., order], rtol=1e-5, atol=1e-7, err_msg=name)


def _assign(name: str, table: np.ndarray, labels: Any) -> Any:
    returns = jnp.asarray(table)
    if name == "e-step":
        return greedy(returns)
    if name == "refill":
        return _refill(labels, returns, jax.random.key(0), "closest")
    if name == "settle":
        return EM().settle(Objective(), one_hot(labels, K), returns)
    state = AssignmentState(jnp.full((K, N), 1 / K), returns * 0.5, jnp.full(K, 0.5))
    return _slope(state)


@eqx.filter_jit
def _slope(state: AssignmentState) -> jax.Array:
    return jax.grad(EndToEnd().loss(IDENTITY, Objective(), state, 0.2))(jnp.zeros((K, N)), NO_ROWS, jnp.ones((K, 1)))


IDENTITY = Population.from_features([str(i) for i in range(N)]).rewards
_BLANK = jnp.zeros((K, 1))
NO_ROWS = Rows(_BLANK[..., None], _BLANK, _BLANK, _BLANK, jnp.zeros((K, 1, N)), _BLANK, None)


def state_with(returns: Any, labels: Any) -> AssignmentState:
    returns = jnp.asarray(returns, jnp.float32)
    return AssignmentState(
        one_hot(jnp.asarray(labels), returns.shape[0]), returns * 0.5, jnp.full(returns.shape[0], 0.5)
    )


def test_no_e_step_before_the_warm_start_is_over() -> None:
    rewards = Population.from_features(["a", "b"]).rewards
    state = state_with([[0.0, 9.0], [9.0, 0.0]], [0, 1])
    rule = EM(warm_start=3)
    for iteration, expected in ((0, [[1, 0], [0, 1]]), (1, [[1, 0], [0, 1]]), (2, [[0, 1], [1, 0]])):
        after = rule.update(rewards, Objective(), state, None, jnp.asarray(iteration), jax.random.key(0))
        np.testing.assert_array_equal(after, expected)


def test_settle() -> None:
    returns, assignment = jnp.array([[1.0, 2.0], [3.0, 1.0]]), jnp.eye(2)
    np.testing.assert_array_equal(EM().settle(Objective(), assignment, returns), [[0, 1], [1, 0]])
    np.testing.assert_array_equal(EM(last_e_step=False).settle(Objective(), assignment, returns), assignment)
    np.testing.assert_array_equal(RandomGroups().settle(Objective(), assignment, returns), assignment)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"mixing": 0.0}, "mixing must be above 0"),
        ({"mixing": 1.5}, "mixing"),
        ({"mixing": float("nan")}, "mixing"),
        ({"warm_start": -1}, "warm_start must be 0 or more"),
        ({"refill": "x"}, "refill must be one of random, closest, got x"),
    ],
)
def test_out_of_range(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(PolicyBudgetError, match=message):
        EM(**changes)


SHORT = 40 * QUICK.batch


@pytest.mark.parametrize(("budget", "welfare"), [(1, 20.0 / 3.0), (2, 10.0)])
def test_opposed_users(budget: int, welfare: float) -> None:
    # two users want lever 0, one wants lever 1
    result = train(wishes((0, 1, 0), budget), EM(warm_start=5), ppo=QUICK, transitions=SHORT, seed=1)
    np.testing.assert_allclose(result.welfare, welfare, rtol=1e-5)
    labels = result.assignment.argmax(0)
    assert labels[0] == labels[2]
    if budget == 2:
        assert labels[1] != labels[0]
        np.testing.assert_array_equal(np.sort(result.returns, axis=0), [[0.0] * 3, [10.0] * 3])


def test_with_a_policy_each_everybody_reaches_their_optimum() -> None:
    result = train(wishes((3, 0, 2, 1), 4), EM(warm_start=5), ppo=QUICK, transitions=SHORT, seed=0)
    assert result.welfare == 10.0
    np.testing.assert_array_equal(np.sort(result.assignment.argmax(0)), range(4))


def test_who_has_more_outside_is_served_by_none() -> None:
    objective = Objective(outside=jnp.array([5.0, -jnp.inf, 2.0]))
    returns = jnp.array([[4.0, 0.0, 1.0], [1.0, -7.0, 3.0]])
    alpha = EM().settle(objective, jnp.zeros((2, 3)), returns)
    np.testing.assert_array_equal(alpha, [[0, 1, 0], [0, 0, 1]])
    state = AssignmentState(jnp.zeros((2, 3)), returns, jnp.zeros(2))
    rewards = Population.from_features(["a", "b", "c"]).rewards
    after = EM(warm_start=0).update(rewards, objective, state, None, jnp.asarray(0), jax.random.key(0))
    np.testing.assert_array_equal(after, [[0, 1, 0], [0, 0, 1]])


def test_an_empty_policy_goes_on_for_the_agent_closest_to_its_option() -> None:
    offers = jnp.array([[4.0, 9.0, 1.0], [1.0, 0.0, 0.0], [5.0, 8.0, 2.5]])  # the last row is outside
    labels = jnp.array([2, 0, 2])
    np.testing.assert_array_equal(_refill(labels, offers, jax.random.key(0), "closest", budget=2), [2, 0, 1])
