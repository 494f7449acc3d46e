"""Who is served is settled on as many episodes as it takes, and no more than allowed."""

from __future__ import annotations

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array

from policybudget.population import Population
from policybudget.rollouts.settling import settle, standard_error
from policybudget.welfare import Utilitarian

USERS = Population.from_weights([[1.0], [1.0], [1.0]], outside=np.array([5.0, 9.0, -np.inf]))


class Coins:
    """Episodes of one policy whose returns are normal around 8."""

    def __init__(self, spread: float) -> None:
        self.spread, self.looks = spread, list[int]()

    def __call__(self, look: int, episodes: int) -> Array:
        self.looks.append(episodes)
        draws = np.random.default_rng((7, look)).normal(8.0, self.spread, (1, episodes, 1))
        return jnp.asarray(draws, jnp.float32)


def run(coins: Coins, users: Population = USERS, most: int = 256) -> tuple[list[float], int]:
    objective = users.objective(Utilitarian())
    found = settle(coins, users.rewards, objective, lambda returns: jnp.ones_like(returns), 8, most)
    return found.assignment[0].tolist(), found.episodes


def test_what_is_clear_at_once_takes_one_look() -> None:
    coins = Coins(0.0)
    assert run(coins) == ([1.0, 0.0, 1.0], 8) and coins.looks == [8]


def test_what_is_not_takes_more_and_is_then_right() -> None:
    """8 +- 2.5 against 5 and 9: eight episodes do not tell."""
    coins = Coins(2.5)
    assignment, episodes = run(coins)
    assert assignment == [1.0, 0.0, 1.0]
    assert coins.looks == [8, 8, 16, 32, 64][: len(coins.looks)] and sum(coins.looks) == episodes > 8


def test_what_stays_open_is_left_outside() -> None:
    """An option of exactly what the policy is worth is never beaten surely."""
    users = Population.from_weights([[1.0]], outside=np.array([8.0]))
    coins = Coins(3.0)
    assert run(coins, users, 100) == ([0.0], 100) and coins.looks == [8, 8, 16, 32, 36]


def test_without_options_there_is_one_look() -> None:
    coins = Coins(5.0)
    assert run(coins, Population.from_weights([[1.0], [2.0]])) == ([1.0, 1.0], 8) and coins.looks == [8]


def test_users_are_rarely_settled_wrongly() -> None:
    """Of 60 users who have 8.0 against a true 7.5, few are served: at most the 2.5 % of one side, and luck."""
    users = Population.from_weights(np.ones((1, 1)), outside=np.array([8.0]))
    objective, wrong = users.objective(Utilitarian()), 0
    for seed in range(60):
        rng = np.random.default_rng((11, seed))
        found = settle(
            lambda look, episodes, rng=rng: jnp.asarray(rng.normal(7.5, 3.0, (1, episodes, 1)), jnp.float32),
            users.rewards, objective, lambda returns: jnp.ones_like(returns), 8, 256,
        )  # fmt: skip
        wrong += int(found.assignment.sum() > 0)
    assert wrong <= 4


def test_standard_error_by_hand() -> None:
    returns = jnp.asarray([[[1.0], [3.0], [5.0]]])
    users = Population.from_weights([[1.0], [-2.0]])
    np.testing.assert_allclose(standard_error(users.rewards, returns), [[2 / np.sqrt(3), 4 / np.sqrt(3)]], rtol=1e-6)
    assert standard_error(users.rewards, returns[:, :1]).tolist() == [[0.0, 0.0]]
