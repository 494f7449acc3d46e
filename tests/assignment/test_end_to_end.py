from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from trainings import train
from worlds_with_known_answers import QUICK, wishes

from policybudget import welfare
from policybudget.assignment.end_to_end import EndToEnd
from policybudget.assignment.returns import Returns
from policybudget.assignment.rule import Known
from policybudget.errors import PolicyBudgetError
from policybudget.learning.losses import Rows
from policybudget.objective import Objective
from policybudget.population import Population
from policybudget.welfare import parse

K, N = 3, 4
RNG = np.random.default_rng(0)
RETURNS = jnp.asarray(RNG.normal(size=(K, N)), jnp.float32)
EVEN = jnp.full((K, N), 1 / K)
REWARDS = Population.from_features("abcd").rewards


def known(returns: Any) -> Returns:
    """All of it."""
    returns = jnp.asarray(returns, jnp.float32)
    return Returns(returns, jnp.ones_like(returns))


CLIP = 0.2
NO_ROWS = Rows(jnp.zeros((2, 1, 1)), None, None, None, None, jnp.ones((2, 1)), None)


def test_gradient_is_that_of_the_objective() -> None:
    logits = RNG.normal(size=(K, N))
    loss = EndToEnd().loss(REWARDS, Objective(), known(RETURNS), EVEN).loss
    rows, ratio = on_policy_rows(np.zeros((K, 1, N))), jnp.ones((K, 1))
    gradient = jax.grad(loss)(jnp.asarray(logits, jnp.float32), rows, ratio, CLIP)

    def objective(psi: np.ndarray) -> float:
        alpha = np.exp(psi) / np.exp(psi).sum(axis=0)
        return float((alpha * np.asarray(RETURNS, np.float64)).sum(axis=0).mean())

    numeric = np.zeros((K, N))
    for where in np.ndindex(K, N):
        step = np.zeros((K, N))
        step[where] = 1e-5
        numeric[where] = (objective(logits + step) - objective(logits - step)) / 2e-5
    np.testing.assert_allclose(gradient, -numeric, rtol=1e-3, atol=1e-6)
    value = loss(jnp.asarray(logits, jnp.float32), rows, ratio, CLIP)
    alpha = jax.nn.softmax(jnp.asarray(logits, jnp.float32), axis=0)
    np.testing.assert_allclose(-value, welfare.Utilitarian()(welfare.utilities(alpha, RETURNS)), rtol=1e-5)


def on_policy_rows(advantage: np.ndarray) -> Rows:
    """Transitions with this advantage per feature (k, B, m), weights one."""
    number = advantage.shape[1]
    blank = jnp.zeros((K, number))
    return Rows(
        jnp.zeros((K, number, 1)), jnp.zeros((K, number), int), blank, blank, jnp.zeros((K, number, N)),
        jnp.ones((K, number)), jnp.asarray(advantage, jnp.float32),
    )  # fmt: skip


def test_the_literal_gradient_vanishes_on_policy_though_one_policy_is_better() -> None:
    # Exactly on policy E[A] = sum_a pi(a) A(a) = 0 for every policy: enumerate the actions of a bandit in which
    # policy 0 earns 10 for everybody, the others nothing.
    values = np.array([10.0, 0.0, 0.0])
    spread = np.array([1.0, -1.0, 2.0, -2.0])
    advantage = np.broadcast_to(spread[None, :, None], (K, 4, N))
    returns = known(np.broadcast_to(values[:, None], (K, N)))
    slopes = {}
    for signal in ("literal", "returns"):
        loss = EndToEnd(signal=signal).loss(REWARDS, Objective(), returns, EVEN).loss
        slopes[signal] = np.asarray(
            jax.grad(loss)(jnp.zeros((K, N)), on_policy_rows(advantage), jnp.ones((K, 4)), CLIP)
        )
    np.testing.assert_allclose(slopes["literal"], 0.0, atol=1e-6)
    # d/dpsi_j of mean_i sum_j alpha V: (1/n) alpha_j (V_j - mean V)
    expected = -np.broadcast_to((1 / 4 / 3) * (values - values.mean())[:, None], (K, N))
    np.testing.assert_allclose(slopes["returns"], expected, rtol=1e-5)


def test_the_literal_loss_by_hand() -> None:
    # eq. 12 with two transitions: only clip(ratio) A of each agent, weighted by alpha, summed over policies
    advantage = np.zeros((K, 2, N))
    advantage[0, 0, 1], advantage[2, 1, 3] = 6.0, -3.0
    ratio = jnp.ones((K, 2)).at[0, 0].set(1.5).at[2, 1].set(1.1)
    loss = EndToEnd(signal="literal").loss(REWARDS, Objective(), known(RETURNS), EVEN).loss
    value = loss(jnp.zeros((K, N)), on_policy_rows(advantage), ratio, CLIP)
    np.testing.assert_allclose(value, -(1.2 * 2.0 + 1.1 * -1.0) / 2, rtol=1e-5)
    wider = loss(jnp.zeros((K, N)), on_policy_rows(advantage), ratio, 0.4)  # the learner's clipping is the loss's
    np.testing.assert_allclose(wider, -(1.4 * 2.0 + 1.1 * -1.0) / 2, rtol=1e-5)


def test_assignment_is_the_softmax_of_the_logits_and_starts_even() -> None:
    rule = EndToEnd()
    np.testing.assert_allclose(rule.start(Known(REWARDS, K, N), jax.random.key(0)), np.full((K, N), 1 / 3), rtol=1e-6)
    np.testing.assert_array_equal(rule.logits(K, N), np.zeros((K, N)))
    logits = jnp.broadcast_to(jnp.log(jnp.array([[0.5], [0.3], [0.2]])) + 7.0, (K, N))
    alpha = rule.update(Objective(), known(RETURNS), EVEN, logits, jax.random.key(0))
    np.testing.assert_allclose(alpha[:, 0], [0.5, 0.3, 0.2], rtol=1e-5)


@pytest.mark.parametrize("changes", [{"signal": "x"}, {"assignment_rate": -1.0}])
def test_out_of_range(changes: dict[str, Any]) -> None:
    with pytest.raises(PolicyBudgetError, match=next(iter(changes))):
        EndToEnd(**changes)


def test_learns_two_opposed_users() -> None:
    softs: list[np.ndarray] = []
    rule = EndToEnd(assignment_rate=0.05)
    result = train(
        wishes((0, 1), 2), rule, search="plain", learner=QUICK, transitions=60 * QUICK.batch, seed=0,
        listeners=[lambda event: softs.append(np.asarray(event.snapshot.state.assignment.assignment))],
    )  # fmt: skip
    np.testing.assert_allclose(softs[0].sum(axis=0), 1.0, rtol=1e-5)
    assert softs[-1].max(axis=0).min() > 0.9, "the soft assignment itself must have made up its mind"
    np.testing.assert_array_equal(softs[-1].argmax(0), result.assignment.argmax(0))
    assert result.welfare == 10.0
    assert set(result.assignment.argmax(0)) == {0, 1}


def test_an_option_outside_is_a_choice_like_any_other() -> None:
    objective = Objective(outside=jnp.array([7.0, -jnp.inf]))
    rewards = Population.from_features(["a", "b"]).rewards
    returns, even = known([[1.0, 2.0], [3.0, 5.0]]), jnp.full((2, 2), 0.5)
    logits = EndToEnd().logits(3, 2)
    alpha = EndToEnd().update(objective, returns, even, logits, jax.random.key(0))
    np.testing.assert_allclose(alpha, [[1 / 3, 1 / 2], [1 / 3, 1 / 2]], rtol=1e-6)
    loss = EndToEnd().loss(rewards, objective, returns, even).loss
    value, gradient = jax.value_and_grad(loss)(logits, NO_ROWS, jnp.ones((2, 1)), CLIP)
    assert float(value) == pytest.approx(-((1 + 3 + 7) / 3 + (2 + 5) / 2) / 2, rel=1e-6)
    assert gradient[2, 0] < 0 < gradient[0, 0], "its likelihood rises"
    np.testing.assert_array_equal(gradient[2, 1], 0.0)


def test_another_welfare_is_what_the_logits_learn() -> None:
    rewards = Population.from_features(["a", "b"]).rewards
    returns = known([[1.0, 4.0], [9.0, 4.0]])
    loss = EndToEnd().loss(rewards, Objective(parse("nash")), returns, jnp.full((2, 2), 0.5)).loss
    assert float(loss(jnp.zeros((2, 2)), NO_ROWS, jnp.ones((2, 1)), CLIP)) == pytest.approx(-((5 * 4) ** 0.5), rel=1e-5)


def test_what_is_unknown_pulls_nobody_anywhere() -> None:
    # nothing is known of policy 2, whose row reads 0 where all returns are negative
    value = jnp.array([[-6.0] * N, [-2.0] * N, [0.0] * N])
    returns = Returns(value, jnp.array([[1.0] * N, [1.0] * N, [0.0] * N]))
    learns = EndToEnd().loss(REWARDS, Objective(), returns, EVEN)
    slope = np.asarray(
        jax.grad(learns.loss)(jnp.zeros((K, N)), on_policy_rows(np.zeros((K, 1, N))), jnp.ones((K, 1)), CLIP)
    )
    np.testing.assert_allclose(slope[2], 0.0, atol=1e-7)
    assert (slope[0] > 0).all() and (slope[1] < 0).all(), "the worse one loses, the better one gains"
