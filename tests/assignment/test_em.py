from __future__ import annotations

from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from trainings import train
from worlds_with_known_answers import QUICK, wishes

from policybudget.assignment.em import EM, greedy, refill
from policybudget.assignment.end_to_end import EndToEnd
from policybudget.assignment.fixed import RandomGroups
from policybudget.assignment.returns import Returns
from policybudget.assignment.rule import one_hot
from policybudget.errors import PolicyBudgetError
from policybudget.learning.losses import Rows
from policybudget.objective import Objective
from policybudget.population import Population

K, N = 4, 7
_compiled = eqx.filter_jit(refill)


def _refill(labels: Any, offers: Any, key: Any, whom: str, budget: int | None = None) -> Any:
    """All rows policies, unless a budget says that the last one is the option outside."""
    offers = jnp.asarray(offers)
    return _compiled(jnp.asarray(labels), offers, jnp.isfinite(offers), budget or len(offers), key, whom)


def _known(returns: Any) -> Returns:
    """All of it."""
    returns = jnp.asarray(returns, jnp.float32)
    return Returns(returns, jnp.ones_like(returns))


def _greedy(returns: Any) -> Any:
    returns = jnp.asarray(returns)
    return greedy(returns, jnp.ones_like(returns, bool), jnp.zeros(returns.shape[1], jnp.int32))


def test_argmax_and_the_first_of_equals() -> None:
    returns = jnp.array([[1.0, 5.0, 2.0, 0.0], [3.0, 5.0, 2.0, 0.0], [2.0, 4.0, 9.0, 0.0]])
    np.testing.assert_array_equal(_greedy(returns), [1, 0, 2, 0])


def test_agents_do_not_flee_to_a_policy_of_which_nothing_is_known() -> None:
    # pendulum-like: all returns are negative; policy 2 has not finished an episode, and its row reads 0
    value = jnp.array([[-5.0, -9.0, -7.0, -9.0, -6.0], [-8.0, -4.0, -9.0, -3.0, -9.0], [0.0, 0.0, 0.0, 0.0, 0.0]])
    returns = Returns(value, jnp.array([[1.0], [0.4], [0.0]]) * jnp.ones((1, 5)))
    alpha = one_hot(jnp.array([1, 0, 0, 0, 2]), 3)
    after = EM().update(Objective(), returns, alpha, None, jax.random.key(0))
    # those of policies 0 and 1 go where they have more; the one of policy 2 waits until something is known of it
    np.testing.assert_array_equal(after.argmax(axis=0), [0, 1, 0, 1, 2])


@pytest.mark.parametrize("junk", [0.0, 1e6, -1e6])
def test_while_nothing_is_known_nobody_moves(junk: float) -> None:
    alpha = one_hot(jnp.array([0, 1, 2, 0, 1]), 3)
    blank = Returns(jnp.full((3, 5), junk), jnp.zeros((3, 5)))
    np.testing.assert_array_equal(EM().update(Objective(), blank, alpha, None, jax.random.key(0)), alpha)


def test_an_option_outside_is_known_from_the_start() -> None:
    # nothing is known of policy 1: agent 1 stays with it; agent 0 is worse off with policy 0 than outside
    objective = Objective(outside=jnp.array([-2.0, -2.0, -jnp.inf]))
    returns = Returns(jnp.array([[-5.0, -9.0, -7.0], [0.0, 0.0, 0.0]]), jnp.array([[1.0] * 3, [0.0] * 3]))
    after = EM().update(objective, returns, one_hot(jnp.array([0, 1, 0]), 2), None, jax.random.key(0))
    np.testing.assert_array_equal(after, [[0, 0, 1], [0, 1, 0]])


def test_to_an_unknown_empty_policy_goes_the_agent_who_has_least() -> None:
    offers, labels = jnp.array([[-5.0, -9.0, -7.0], [0.0, 0.0, 0.0]]), jnp.zeros(3, jnp.int32)
    known = jnp.array([[True] * 3, [False] * 3])
    np.testing.assert_array_equal(_compiled(labels, offers, known, 2, jax.random.key(0), "closest"), [0, 1, 0])


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
    for name in ("e-step", "refill", "finalise", "end-to-end"):
        one, other = (_assign(name, t, jnp.asarray(x)) for t, x in ((table, labels), (table[:, order], labels[order])))
        np.testing.assert_allclose(other, np.asarray(one)[..., order], rtol=1e-5, atol=1e-7, err_msg=name)


def _assign(name: str, table: np.ndarray, labels: Any) -> Any:
    returns = jnp.asarray(table)
    if name == "e-step":
        return _greedy(returns)
    if name == "refill":
        return _refill(labels, returns, jax.random.key(0), "closest")
    if name == "finalise":
        return EM().finalise(Objective(), one_hot(labels, K), returns)
    return _slope(returns)


@eqx.filter_jit
def _slope(returns: jax.Array) -> jax.Array:
    learns = EndToEnd().loss(IDENTITY, Objective(), _known(returns), jnp.full((K, N), 1 / K))
    return jax.grad(learns.loss)(jnp.zeros((K, N)), NO_ROWS, jnp.ones((K, 1)), 0.2)


IDENTITY = Population.from_features([str(i) for i in range(N)]).rewards
_BLANK = jnp.zeros((K, 1))
NO_ROWS = Rows(_BLANK[..., None], _BLANK, _BLANK, _BLANK, jnp.zeros((K, 1, N)), _BLANK, None)


def test_the_e_step() -> None:
    after = EM().update(Objective(), _known([[0.0, 9.0], [9.0, 0.0]]), jnp.eye(2), None, jax.random.key(0))
    np.testing.assert_array_equal(after, [[0, 1], [1, 0]])


def test_no_e_step_before_the_warm_start_is_over() -> None:
    # agents begin with the policy of the other's wish; levers pay 10 or 0, so that one episode tells who goes where
    assert (EM(warm_start=3).hold(), EM(warm_start=0).hold()) == (3, 0)
    moved: list[float] = []
    train(
        wishes((0, 1, 0, 1), 2), EM(warm_start=3), search="plain", learner=QUICK, transitions=5 * QUICK.batch,
        listeners=[lambda event: moved.append(float(event.report.reassigned))],
    )  # fmt: skip
    assert moved[:2] == [0.0, 0.0] and sum(moved) == sum(moved[2:])


def test_finalise() -> None:
    returns, assignment = jnp.array([[1.0, 2.0], [3.0, 1.0]]), jnp.eye(2)
    np.testing.assert_array_equal(EM().finalise(Objective(), assignment, returns), [[0, 1], [1, 0]])
    np.testing.assert_array_equal(EM(last_e_step=False).finalise(Objective(), assignment, returns), assignment)
    np.testing.assert_array_equal(RandomGroups().finalise(Objective(), assignment, returns), assignment)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"warm_start": -1}, "warm_start must be 0 or more"),
        ({"refill": "x"}, "refill must be one of random, closest, got 'x'"),
    ],
)
def test_out_of_range(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(PolicyBudgetError, match=message):
        EM(**changes)


SHORT = 40 * QUICK.batch


@pytest.mark.parametrize(("budget", "welfare"), [(1, 20.0 / 3.0), (2, 10.0)])
def test_opposed_users(budget: int, welfare: float) -> None:
    # two users want lever 0, one wants lever 1
    result = train(
        wishes((0, 1, 0), budget), EM(warm_start=5), search="plain", learner=QUICK, transitions=SHORT, seed=1
    )
    np.testing.assert_allclose(result.welfare, welfare, rtol=1e-5)
    labels = result.assignment.argmax(0)
    assert labels[0] == labels[2]
    if budget == 2:
        assert labels[1] != labels[0]
        np.testing.assert_array_equal(np.sort(result.returns, axis=0), [[0.0] * 3, [10.0] * 3])


def test_with_a_policy_each_everybody_reaches_their_optimum() -> None:
    result = train(wishes((3, 0, 2, 1), 4), EM(warm_start=5), search="plain", learner=QUICK, transitions=SHORT, seed=0)
    assert result.welfare == 10.0
    np.testing.assert_array_equal(np.sort(result.assignment.argmax(0)), range(4))


def test_who_has_more_outside_is_served_by_none() -> None:
    objective = Objective(outside=jnp.array([5.0, -jnp.inf, 2.0]))
    returns = jnp.array([[4.0, 0.0, 1.0], [1.0, -7.0, 3.0]])
    alpha = EM().finalise(objective, jnp.zeros((2, 3)), returns)
    np.testing.assert_array_equal(alpha, [[0, 1, 0], [0, 0, 1]])
    after = EM().update(objective, _known(returns), jnp.zeros((2, 3)), None, jax.random.key(0))
    np.testing.assert_array_equal(after, [[0, 1, 0], [0, 0, 1]])


def test_an_empty_policy_goes_on_for_the_agent_closest_to_its_option() -> None:
    offers = jnp.array([[4.0, 9.0, 1.0], [1.0, 0.0, 0.0], [5.0, 8.0, 2.5]])  # the last row is outside
    labels = jnp.array([2, 0, 2])
    np.testing.assert_array_equal(_refill(labels, offers, jax.random.key(0), "closest", budget=2), [2, 0, 1])
