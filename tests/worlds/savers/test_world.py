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
    """Outcomes (lives, T, 3) and whether each year was the last, always with one action."""

    def life(key: jax.Array) -> tuple[jax.Array, jax.Array]:
        def year(state: Account, key: jax.Array) -> tuple[Account, tuple[jax.Array, jax.Array]]:
            after = WORLD.step(state, action, key, TASK)
            return after.state, (after.outcome, after.terminated)

        return jax.lax.scan(year, WORLD.reset(key, TASK)[0], jax.random.split(key, 4))[1]

    return jax.vmap(life)(keys)


def test_an_episode_pays_the_utility_of_final_wealth() -> None:
    outcome, ended = map(np.asarray, lives(jax.random.split(jax.random.key(0), 500), jnp.array([0.2])))
    assert (ended == [False, False, False, True]).all()
    wealth = outcome[:, -1, 1]
    assert (outcome[:, :-1, 1] == 0).all() and np.allclose(outcome[..., 2], 0.6)
    np.testing.assert_allclose(outcome[..., 0].sum(axis=1), 100 * (1 + utility(wealth / 1.4, 3.0)), atol=1e-3)
    grown = 1.6 * 0.25 * 4 * 0 + (GROSS[1:4, 0] + 0.6 * (GROSS[1:4, 1] - GROSS[1:4, 0]))
    paid = 0.75 / 4
    all_ways = {
        round(float(((((0.25 + paid) * a + paid) * b + paid) * c + paid) * d), 4)
        for a in grown for b in grown for c in grown for d in grown
    }  # fmt: skip
    assert {round(float(x), 4) for x in wealth} <= {x + e for x in all_ways for e in (0, 1e-4, -1e-4)} | all_ways


def test_means_of_episodes_are_those_of_the_recursion() -> None:
    outcome, _ = lives(jax.random.split(jax.random.key(1), 100_000), jnp.array([1.0]))
    certain = at(worth(np.ones((1, 4, len(GRID))), 3.0, GROSS[1:4])[0], 4, 0.25)
    expected = 100 * (1 + utility(np.array(certain / 1.4), 3.0))
    assert np.asarray(outcome)[..., 0].sum(axis=1).mean() == pytest.approx(expected, abs=0.5)


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
