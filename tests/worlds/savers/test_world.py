from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from policybudget.errors import PolicyBudgetError
from policybudget.worlds.savers.planning import GRID, at, utility, worth
from policybudget.worlds.savers.saver import Saver
from policybudget.worlds.savers.world import Account, SaversWorld

GROSS = np.array([[9.0, 9.0], [1.01, 0.8], [1.0, 1.3], [1.02, 1.1], [9.0, 9.0]])
"""Only the three in the middle may be drawn."""
WORLD, SEEN = (SaversWorld(jnp.asarray(GROSS, jnp.float32), wealth_seen=seen) for seen in (False, True))
SAVER = Saver(4.0, 0.25, 3.0, 1.4, 1.0, 3.0)  # type: ignore[arg-type] # plain numbers
TASK = jnp.array(SAVER, jnp.float32)


@jax.jit
def lives(keys: jax.Array, action: jax.Array) -> tuple[jax.Array, jax.Array]:
    """Outcomes (lives, T, 4) and whether each year was the last, always with one action."""

    def life(key: jax.Array) -> tuple[jax.Array, jax.Array]:
        def year(state: Account, key: jax.Array) -> tuple[Account, tuple[jax.Array, jax.Array]]:
            after = WORLD.step(state, action, key, TASK)
            return after.state, (after.outcome, after.terminated)

        return jax.lax.scan(year, WORLD.reset(key, TASK)[0], jax.random.split(key, 4))[1]

    return jax.vmap(life)(keys)


def test_an_episode_pays_the_utility_of_final_wealth() -> None:
    outcome, ended = map(np.asarray, lives(jax.random.split(jax.random.key(0), 500), jnp.array([0.2])))
    assert (ended == [False, False, False, True]).all()
    wealth, paid = outcome[:, -1, 2], 0.75 / 4
    assert (outcome[:, :-1, 2] == 0).all() and np.allclose(outcome[..., 3], 0.6)
    np.testing.assert_allclose(outcome[..., 1].sum(axis=1), 100 * (1 + utility(wealth / 1.4, 3.0)), atol=1e-3)
    grown = GROSS[1:4, 0] + 0.6 * (GROSS[1:4, 1] - GROSS[1:4, 0])
    possible = np.array([0.25])
    for _ in range(4):
        possible = np.multiply.outer(possible + paid, grown).ravel()
    assert np.abs(wealth[:, None] - possible).min(axis=1).max() < 1e-5
    assert len(np.unique(wealth.round(4))) > 60  # of 81


def test_means_of_episodes_are_those_of_the_recursion() -> None:
    outcome, _ = lives(jax.random.split(jax.random.key(1), 100_000), jnp.array([1.0]))
    certain = at(worth(np.ones((1, 4, len(GRID))), 3.0, GROSS[1:4])[0], 4, 0.25)
    expected = 100 * (1 + utility(np.array(certain / 1.4), 3.0))
    paid, plain = np.asarray(outcome)[..., :2].sum(axis=1).T
    assert paid.mean() == pytest.approx(expected, abs=0.3)
    assert plain.mean() == pytest.approx(expected, abs=0.5)


def test_a_year_pays_what_it_changes_on_average() -> None:
    state = Account(jnp.float32(0.4), jnp.float32(2.0))
    keys = jax.random.split(jax.random.key(2), 2000)
    paid, part, *_ = np.asarray(jax.vmap(lambda key: WORLD.step(state, jnp.array([0.4]), key, TASK).outcome)(keys)).T
    grown = GROSS[1:4, 0] + 0.7 * (GROSS[1:4, 1] - GROSS[1:4, 0])
    wealth = (0.4 + 0.75 / 4) * grown + 0.75 / 4
    change = utility(wealth * 1.4**-0.75, 3.0) - utility(np.array(0.4 + 0.75 / 2) * 1.4**-0.5, 3.0)
    np.testing.assert_allclose(np.unique(part.round(2)), np.sort(25 + 100 * change).round(2), atol=0.02)
    np.testing.assert_allclose(paid, 25 + 100 * change.mean(), atol=1e-3)


def test_what_is_paid_varies_little() -> None:
    outcome, _ = lives(jax.random.split(jax.random.key(2), 20_000), jnp.array([0.0]))
    paid, plain = np.asarray(outcome)[..., :2].sum(axis=1).T
    assert paid.std() < plain.std() / 5 and paid.mean() == pytest.approx(plain.mean(), abs=1.0)


def test_what_is_seen() -> None:
    state, seen = WORLD.reset(jax.random.key(0), TASK)
    np.testing.assert_allclose(seen, [0.4])
    paid = 0.75 / 4
    np.testing.assert_allclose(SEEN.reset(jax.random.key(0), TASK)[1], [0.4, 0.25 + paid], rtol=1e-6)
    after = SEEN.step(state, jnp.array([-5.0]), jax.random.key(3), TASK)
    wealth = float(after.state.wealth)
    assert wealth / (0.25 + paid) in [pytest.approx(x) for x in GROSS[1:4, 0]]  # all in bills
    np.testing.assert_allclose(after.observation, [0.3, (wealth + paid) / (wealth + 3 * paid)], rtol=1e-6)
    last = SEEN.step(Account(jnp.float32(0.0), jnp.float32(1.0)), jnp.array([0.0]), jax.random.key(0), TASK)
    assert bool(last.terminated) and np.isfinite(np.asarray(last.observation)).all()


def test_policies_at_work_give_the_share_itself() -> None:
    np.testing.assert_allclose(WORLD.units(np.array([[-1.0], [0.0], [3.0]])), [[0.0], [0.5], [1.0]])


def test_the_world_must_be_told() -> None:
    with pytest.raises(PolicyBudgetError, match="which saver it plays"):
        WORLD.reset(jax.random.key(0))
