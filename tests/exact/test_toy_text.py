from __future__ import annotations

import sys
from typing import Any

import gymnasium
import numpy as np
import pytest

from policybudget.errors import PolicyBudgetError
from policybudget.exact.brute_force import brute_force
from policybudget.exact.planning import best_policy, linear_programme
from policybudget.exact.tabular import FiniteRMDP
from policybudget.exact.toy_text import from_toy_text

GOAL, HOLES = 15, (5, 7, 11, 12)


def optimum(mdp: FiniteRMDP) -> float:
    return float(mdp.returns(best_policy(mdp, mdp.mixture([0])))[0])


def value_iteration(environment: Any, discount: float, sweeps: int) -> float:
    """Straight from the environment's own table."""
    inside = environment.unwrapped
    values = dict.fromkeys(inside.P, 0.0)
    for _ in range(sweeps):
        values = {
            state: max(
                sum(chance * (reward + discount * values[after] * (not end)) for chance, after, reward, end in outcomes)
                for outcomes in by_action.values()
            )
            for state, by_action in inside.P.items()
        }
    return float(np.dot(inside.initial_state_distrib, [values[state] for state in sorted(values)]))


def test_a_frozen_lake_that_is_not_slippery() -> None:
    mdp = from_toy_text(gymnasium.make("FrozenLake-v1", is_slippery=False))
    assert (mdp.states, mdp.actions, mdp.agents) == (17, 4, 1)
    assert optimum(mdp) == pytest.approx(0.99**5, abs=1e-12)
    assert optimum(from_toy_text(gymnasium.make("FrozenLake-v1", is_slippery=False), horizon=5)) == 0.0


def test_a_slippery_frozen_lake() -> None:
    mdp = from_toy_text("FrozenLake-v1")
    expected = value_iteration(gymnasium.make("FrozenLake-v1"), 0.99, 3_000)
    assert optimum(mdp) == pytest.approx(expected, abs=1e-10)
    assert optimum(mdp) == pytest.approx(0.5420, abs=5e-5)
    assert linear_programme(mdp, mdp.weights)[0] == pytest.approx(expected, abs=1e-7)


def test_cliff_walking() -> None:
    assert optimum(from_toy_text("CliffWalking-v1", discount=1.0, horizon=100)) == -13.0
    discounted = from_toy_text("CliffWalking-v1", discount=0.9)
    assert discounted.states == 49
    assert optimum(discounted) == pytest.approx(-(1 - 0.9**13) / (1 - 0.9), abs=1e-12)


def test_taxi() -> None:
    mdp = from_toy_text("Taxi-v4")
    assert (mdp.states, mdp.actions) == (501, 6)
    assert optimum(mdp) == pytest.approx(value_iteration(gymnasium.make("Taxi-v4"), 0.99, 60), abs=1e-10)
    assert optimum(from_toy_text("Taxi-v4", discount=1.0, horizon=30)) == pytest.approx(7.93, abs=1e-9)


def test_features_of_ones_own_make_users_of_a_lake() -> None:
    def entered(state: int, action: int, after: int) -> list[float]:
        return [float(after == GOAL), float(after in HOLES)]

    lake = gymnasium.make("FrozenLake-v1", is_slippery=False)
    mdp = from_toy_text(lake, features=entered, names=("walker", "diver"))
    assert mdp.names == ("walker", "diver")
    own = brute_force(mdp, 2)
    np.testing.assert_allclose(own.utilities, [0.99**5, 0.99**1])
    one = brute_force(mdp, 1)
    np.testing.assert_allclose(one.utilities, [0.0, 0.99], atol=1e-12)
    slippery = from_toy_text("FrozenLake-v1", [[1.0], [0.0]], entered)
    np.testing.assert_allclose(slippery.features[14, 2], [1 / 3, 0.0])
    np.testing.assert_array_equal(slippery.features[16], np.zeros((4, 2)))
    assert optimum(slippery) == pytest.approx(0.5420, abs=5e-5)


def test_the_end_pays_nothing_though_the_table_goes_on() -> None:
    def always(state: int, action: int, after: int) -> list[float]:
        return [1.0]

    mdp = from_toy_text(gymnasium.make("FrozenLake-v1", is_slippery=False), features=always, weights=[[-1.0]])
    assert optimum(mdp) == pytest.approx(-(1 + 0.99))  # two steps to the nearest hole


@pytest.mark.parametrize(
    ("environment", "message"),
    [
        ("CartPole-v1", "environment must have a table of transitions (P) and initial_state_distrib, as FrozenLake"),
        (gymnasium.make("Blackjack-v1"), "environment must have a table of transitions (P)"),
        (3, "environment must have a table of transitions (P)"),
        ("Nowhere-v0", "environment must be an id that Gymnasium knows, got 'Nowhere-v0' ("),
    ],
)
def test_environments_without_a_table(environment: Any, message: str) -> None:
    with pytest.raises(PolicyBudgetError) as error:
        from_toy_text(environment)
    assert str(error.value).startswith(message) and "\n" not in str(error.value)


def test_features_that_are_no_list() -> None:
    with pytest.raises(PolicyBudgetError, match=r"features must give a list of m numbers, got .* \(\) for state 0"):
        from_toy_text("FrozenLake-v1", features=lambda state, action, after: 1.0)  # type: ignore[arg-type,return-value]


def test_without_gymnasium(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "gymnasium", None)
    with pytest.raises(
        PolicyBudgetError, match=r'environments need gymnasium: pip install "policybudget\[gymnasium\]"'
    ):
        from_toy_text("FrozenLake-v1")
