from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from policybudget.assessment.best_arm import Choice
from policybudget.assessment.few_shot import METHODS, episodes_needed, oracle, select, split
from policybudget.errors import PolicyBudgetError

Play = Callable[[np.ndarray, int], np.ndarray]


def coins(means: list[float], seed: int = 0) -> Play:
    random, worth = np.random.default_rng(seed), np.array(means)
    return lambda chosen, number: (random.random((len(chosen), number)) < worth[chosen, None]).astype(float)


def betas(means: list[float], seed: int = 0) -> Play:
    random, worth = np.random.default_rng(seed), 20 * np.array(means)
    return lambda chosen, number: random.beta(worth[chosen, None], 20 - worth[chosen, None], (len(chosen), number))


def gaussians(means: list[float], seed: int = 0) -> Play:
    random, worth = np.random.default_rng(seed), np.array(means)
    return lambda chosen, number: np.clip(random.normal(worth[chosen, None], 0.05, (len(chosen), number)), 0, 1)


def constants(means: list[float], seed: int = 0) -> Play:
    return lambda chosen, number: np.repeat(np.array(means)[chosen, None], number, axis=1)


def test_episodes_needed_by_hand() -> None:
    assert episodes_needed(5, 1.0, 0.1, 0.05) == 1060  # 200 ln 200 = 1059.66
    assert episodes_needed(5, 10.0, 1.0, 0.05) == 1060
    with pytest.raises(PolicyBudgetError, match="beta > 0, got 5, 1.0 and 0.0"):
        episodes_needed(5, 1.0, 0.0, 0.05)


WORLDS = {
    "coins, large gap": (coins, [0.1, 0.8, 0.3]),
    "coins, small gap": (coins, [0.4, 0.5, 0.601]),
    "beta": (betas, [0.5, 0.61, 0.3]),
    "gaussian": (gaussians, [0.5, 0.5, 0.62, 0.4]),
    "deterministic": (constants, [0.2, 0.3, 0.25]),
}


@pytest.mark.parametrize("bounds", ["betting", "bernstein"])
@pytest.mark.parametrize("world", WORLDS)
def test_right_in_at_least_95_per_cent_with_fewer_episodes(world: str, bounds: str) -> None:
    make, means = WORLDS[world]
    worth, right, episodes, trials = np.array(means), 0, 0, 40
    for seed in range(trials):
        choice = select(make(means, seed), len(means), 0.0, 1.0, beta=0.1, bounds=bounds)
        assert choice.policy is not None and choice.reason in ("certain", "within beta")
        right += worth[choice.policy] >= worth.max() - 0.1
        episodes += choice.episodes
    assert right >= 0.95 * trials
    assert episodes / trials < len(means) * episodes_needed(len(means), 1.0, 0.1, 0.05)


@pytest.mark.parametrize("method", METHODS)
def test_all_bounds_hold_together(method: str) -> None:
    """At alpha = 0.3, whenever play stops; 100 trials, three standard errors."""
    means, failed = np.array([0.9, 0.5, 0.45, 0.02]), 0
    for seed in range(100):
        choice = select(coins(means.tolist(), seed), 4, 0.0, 1.0, alpha=0.3, episodes=400, method=method)
        failed += bool((choice.lower > means).any() or (choice.upper < means).any())
    assert failed / 100 <= 0.3 + 3 * np.sqrt(0.3 * 0.7 / 100)


def test_certain_and_who_was_spared() -> None:
    choice = select(constants([0.1, 0.9, 0.88]), 3, 0.0, 1.0, episodes=10_000)
    assert (choice.policy, choice.reason) == (1, "certain")
    assert choice.lower[1] >= max(choice.upper[0], choice.upper[2])
    assert choice.per_policy[0] < choice.per_policy[1] and choice.episodes == choice.per_policy.sum() < 10_000
    np.testing.assert_allclose(choice.estimates, [0.1, 0.9, 0.88])


def test_equal_policies_are_within_beta_and_never_certain() -> None:
    assert select(constants([0.5, 0.5]), 2, 0.0, 1.0, beta=0.1).reason == "within beta"
    spent = select(constants([0.5, 0.5]), 2, 0.0, 1.0, episodes=300)
    assert (spent.policy, spent.reason, spent.episodes) == (0, "episodes spent", 300)


def test_uniform_plays_the_published_number_and_keeps_its_guarantee() -> None:
    choice = select(coins([0.5] * 5), 5, 0.0, 1.0, beta=0.1, method="uniform")
    assert choice.per_policy.tolist() == [1060] * 5
    assert choice.reason == "within beta"  # by Hoeffding, whatever comes


def test_halving_by_hand() -> None:
    """Five policies, three rounds, 150 episodes: 10 each, then 150 / 9 = 16 for three, then 25 for two."""
    choice = select(constants([0.1, 0.2, 0.5, 0.4, 0.3]), 5, 0.0, 1.0, episodes=150, method="sequential-halving")
    assert choice.policy == 2
    assert choice.per_policy.tolist() == [10, 10, 51, 51, 26]


@pytest.mark.parametrize("method", METHODS)
def test_no_policy_is_good_enough(method: str) -> None:
    choice = select(betas([0.2, 0.3]), 2, 0.0, 1.0, episodes=2000, floor=0.8, method=method)
    assert (choice.policy, choice.reason, choice.reaches_floor) == (None, "no policy is good enough", False)
    assert choice.upper.max() < 0.8


def test_the_floor_may_be_reached_or_open() -> None:
    reached = select(betas([0.2, 0.7]), 2, 0.0, 1.0, episodes=2000, floor=0.6)
    assert (reached.policy, reached.reaches_floor) == (1, True) and reached.lower[1] >= 0.6
    unasked = select(betas([0.2, 0.7]), 2, 0.0, 1.0, episodes=2000)
    assert unasked.reaches_floor is None and unasked.episodes < reached.episodes  # the floor asked for more
    undecided = select(betas([0.2, 0.7]), 2, 0.0, 1.0, episodes=2000, floor=0.7)
    assert (undecided.policy, undecided.reason, undecided.reaches_floor) == (1, "certain", None)
    assert undecided.lower[1] < 0.7 < undecided.upper[1]


@given(st.sampled_from(METHODS), st.integers(1, 9), st.integers(40, 300), st.floats(-100.0, 100.0), st.floats(0.5, 1e3))
def test_budget_is_kept_and_units_do_not_matter(
    method: str, policies: int, episodes: int, low: float, span: float
) -> None:
    means = np.random.default_rng(policies).uniform(0.2, 0.8, policies).tolist()
    kept: dict[str, Any] = {"episodes": episodes, "method": method, "beta": 0.05}
    choice = select(betas(means), policies, 0.0, 1.0, **kept)
    assert choice.episodes <= episodes and (choice.lower <= choice.upper).all()
    play = betas(means)
    kept["beta"] *= span
    moved = select(lambda c, m: low + span * play(c, m), policies, low, low + span, **kept)
    assert moved.policy == choice.policy
    np.testing.assert_allclose((moved.lower - low) / span, choice.lower, atol=1e-4)


def test_one_policy() -> None:
    choice = select(coins([0.5]), 1, 0.0, 1.0, beta=0.1)
    assert (choice.policy, choice.reason) == (0, "certain")


def test_record_is_json() -> None:
    choice = select(coins([0.1, 0.9]), 2, 0.0, 1.0, episodes=200)
    record = json.loads(json.dumps(choice.as_record()))
    assert record["policy"] == 1 and record["per_policy"] == choice.per_policy.tolist()
    assert set(record) == set(Choice.__dataclass_fields__)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"method": "best"}, "method must be one of successive-elimination, sequential-halving, uniform, got 'best'"),
        ({"bounds": "normal"}, "bounds must be one of betting, bernstein, got 'normal'"),
        ({"beta": -1.0}, "beta >= 0"),
        ({}, "give episodes"),
        ({"method": "sequential-halving", "beta": 0.1}, "give episodes"),
        ({"episodes": 2}, "episodes must be at least 3 for 3 policies by successive-elimination, got 2"),
        ({"episodes": 5, "method": "sequential-halving"}, "episodes must be at least 6"),
        ({"episodes": 9, "alpha": 0.0}, "alpha must be between 0 and 1"),
    ],
)
def test_refused(arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(PolicyBudgetError, match=message):
        select(coins([0.1, 0.2, 0.3]), 3, 0.0, 1.0, **arguments)


def test_wrong_returns_are_refused() -> None:
    with pytest.raises(PolicyBudgetError, match=r"returns must lie in \[0, 0.5\], got 1"):
        select(constants([1.0, 0.2]), 2, 0.0, 0.5, episodes=100)
    with pytest.raises(PolicyBudgetError, match=r"must return an array of shape \(2, 7\), got \(2, 3\)"):
        select(lambda chosen, number: np.zeros((2, 3)), 2, 0.0, 1.0, episodes=15)


def test_the_oracle_counts_luck_as_skill_and_the_split_does_not() -> None:
    """Three policies alike, each a fair coin: worth 1/2; in hindsight 1 - 1/8."""
    returns = (np.random.default_rng(0).random((3, 4000, 4)) < 0.5).astype(float)
    assert oracle(returns).mean() == pytest.approx(0.875, abs=0.01)
    policies, judged = split(returns, 1)
    assert judged.shape == (4000, 3) and judged.mean() == pytest.approx(0.5, abs=0.015)
    assert returns[policies, np.arange(4000), 0].mean() == pytest.approx(0.875, abs=0.02)  # judged where it was chosen


def test_split_by_hand() -> None:
    returns = np.array([[[1.0, 0.0, 5.0], [0.0, 0.0, 6.0]], [[0.0, 0.0, 7.0], [0.0, 1.0, 8.0]]])
    policies, judged = split(returns, 2)
    assert policies.tolist() == [0, 1] and judged.tolist() == [[5.0], [8.0]]
    np.testing.assert_allclose(oracle(returns), [8 / 3, 3.0])
    for selection in (0, 3):
        with pytest.raises(PolicyBudgetError, match=r"selection must be from 1 to 2 \(all but one\)"):
            split(returns, selection)
