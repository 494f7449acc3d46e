from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from policybudget.errors import PolicyBudgetError
from policybudget.selection import cutting_planes
from policybudget.selection.subset import AUTO_LIMIT, EXACT_LIMIT, best_subset, best_subsets


def welfare(values: np.ndarray, chosen: Any, weights: np.ndarray | None, outside: np.ndarray | None) -> float:
    served = values[list(chosen)].max(axis=0)
    return float(np.average(served if outside is None else np.maximum(served, outside), weights=weights))


def brute_force(
    values: np.ndarray, budget: int, weights: np.ndarray | None = None, outside: np.ndarray | None = None
) -> float:
    sets = itertools.combinations(range(len(values)), budget)
    return max(welfare(values, chosen, weights, outside) for chosen in sets)


@st.composite
def problems(draw: st.DrawFn) -> tuple[np.ndarray, int, np.ndarray | None, np.ndarray | None]:
    policies, agents = draw(st.integers(1, 8)), draw(st.integers(1, 9))
    random = np.random.default_rng(draw(st.integers(0, 10_000)))
    whole = draw(st.booleans())  # ties
    values = (
        random.integers(-3, 4, (policies, agents)).astype(float) if whole else random.normal(size=(policies, agents))
    )
    weights = random.integers(0, 3, agents) + 0.5 if draw(st.booleans()) else None
    outside = (
        np.where(random.random(agents) < 0.3, -np.inf, random.normal(size=agents)) if draw(st.booleans()) else None
    )
    return values, draw(st.integers(1, policies)), weights, outside


@given(problems())
def test_exact_equals_brute_force(problem: tuple[Any, ...]) -> None:
    values, budget, weights, outside = problem
    best = best_subset(values, budget, weights, outside, "exact")
    assert best.welfare == best.bound == pytest.approx(brute_force(values, budget, weights, outside), abs=1e-9)
    assert len(best.chosen) <= budget and (np.diff(best.chosen) > 0).all()


@given(problems())
def test_labels_say_who_gets_what(problem: tuple[Any, ...]) -> None:
    values, budget, weights, outside = problem
    for method in ("exact", "greedy"):
        best = best_subset(values, budget, weights, outside, method)
        agents = np.arange(values.shape[1])
        nothing = np.full(len(agents), -np.inf) if outside is None else outside
        served = nothing.copy()
        mine = best.labels >= 0
        served[mine] = values[best.chosen[best.labels[mine]], agents[mine]]
        assert (served >= nothing).all()
        assert np.average(served, weights=weights) == pytest.approx(best.welfare)
        assert set(best.labels[mine]) == set(range(len(best.chosen)))  # those that serve nobody are left out


@given(problems())
def test_greedy_keeps_its_promise_and_its_bound_holds(problem: tuple[Any, ...]) -> None:
    values, budget, weights, outside = problem
    found, best = best_subset(values, budget, weights, outside, "greedy"), brute_force(values, budget, weights, outside)
    baseline = values.min(axis=0) if outside is None else np.maximum(outside, values.min(axis=0))
    least = float(np.average(baseline, weights=weights))
    assert found.welfare - least >= (1 - 1 / np.e) * (best - least) - 1e-12
    assert found.welfare - 1e-12 <= best <= found.bound + 1e-12


@pytest.mark.parametrize("budget", [2, 3, 4])
@pytest.mark.parametrize("whole", [False, True])
def test_where_greedy_fails_and_the_relaxation_has_a_gap(
    budget: int, whole: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked, finish = [], {2: "_best_pair"}.get(budget, "_branch_and_bound")
    original = getattr(cutting_planes, finish)
    monkeypatch.setattr(cutting_planes, finish, lambda *all: asked.append(1) or original(*all))
    better = 0
    for seed in range(6):
        random = np.random.default_rng(seed)
        values = random.uniform(size=(16, 14))
        values = (values > 0.75).astype(float) if whole else values  # covering: many ties, wide gaps
        best = best_subset(values, budget, method="exact")
        assert best.welfare == best.bound == pytest.approx(brute_force(values, budget), abs=1e-12)
        better += best_subset(values, budget, method="greedy").welfare < best.welfare
    assert asked and (better or whole)


def test_several_budgets_and_units() -> None:
    values = np.random.default_rng(3).normal(size=(12, 20))
    several = list(best_subsets(values, range(1, 13), method="exact"))
    welfares = [one.welfare for one in several]
    assert (np.diff(welfares) >= -1e-12).all() and welfares[-1] == pytest.approx(values.max(axis=0).mean())
    for unit, zero in ((1e-7, 0.0), (1e7, 0.0), (1.0, 1e4)):
        scaled = best_subset(values * unit + zero, 4, method="exact")
        np.testing.assert_array_equal(scaled.chosen, several[3].chosen)
        assert scaled.welfare == scaled.bound == pytest.approx(welfares[3] * unit + zero)


def test_a_front_with_linear_users() -> None:
    """Two kinds of agents and a compromise that is nobody's best with a budget of two."""
    front = np.array([[4.0, 0.0], [3.0, 3.0], [0.0, 4.0], [1.0, 1.0]])
    agents = np.array([[1.0, 0.0], [0.9, 0.1], [0.1, 0.9], [0.0, 1.0]])
    values = front @ agents.T
    one, two, three = (best_subset(values, k) for k in (1, 2, 3))
    assert one.chosen.tolist() == [1] and one.welfare == pytest.approx(3.0)
    assert two.chosen.tolist() == [0, 2] and two.labels.tolist() == [0, 0, 1, 1]
    assert two.welfare == pytest.approx((4 + 3.6 + 3.6 + 4) / 4)
    assert three.chosen.tolist() == [0, 2]  # a third policy helps nobody, and none is named
    weighed = best_subset(values, 1, weights=np.array([10.0, 1, 1, 1]))
    assert weighed.chosen.tolist() == [0] and weighed.welfare == pytest.approx((40 + 3.6 + 0.4 + 0) / 13)
    content = best_subset(values, 2, outside=np.array([9.0, -np.inf, 0.0, 3.7]))
    assert content.labels.tolist() == [-1, 0, 1, 1]


def test_policies_that_are_all_alike() -> None:
    alike = best_subset(np.ones((3, 4)), 2, method="exact")
    assert alike.welfare == alike.bound == 1.0 and alike.chosen.tolist() == [0]
    none = best_subset(np.zeros((3, 2)), 1, outside=np.ones(2))
    assert none.chosen.size == 0 and none.labels.tolist() == [-1, -1] and none.welfare == none.bound == 1.0


def test_auto_is_exact_until_it_would_take_long() -> None:
    random = np.random.default_rng(0)
    assert best_subset(random.uniform(size=(5, 8)), 2).method == "exact"
    large = best_subset(random.uniform(size=(20, AUTO_LIMIT // 20 + 1)), 2)
    assert large.method == "greedy" and large.bound >= large.welfare


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"budget": 0}, r"budget must be between 1 and the number of policies \(3\), got 0"),
        ({"budget": 4}, r"budget must be between 1 and the number of policies \(3\), got 4"),
        ({"method": "best"}, "method must be one of auto, exact, greedy, got 'best'"),
        ({"values": np.ones(3)}, r"values must be a table \(policies, agents\) of finite numbers, got shape \(3,\)"),
        ({"values": np.ones((0, 3))}, "values must be a table"),
        ({"values": np.array([[1.0, np.nan]])}, "of finite numbers"),
        ({"weights": np.ones(3)}, "weights must be 2 numbers"),
        ({"weights": np.array([1.0, -1.0])}, r"none negative and not all zero, got \[1.0, -1.0\]"),
        ({"weights": np.zeros(2)}, "not all zero"),
        ({"outside": np.ones(3)}, "outside must be 2 numbers"),
        ({"outside": np.array([0.0, np.nan])}, "outside must be 2 numbers"),
        ({"values": np.ones((2, EXACT_LIMIT)), "method": "exact"}, "method exact takes at most"),
    ],
)
def test_arguments_that_do_not_fit(arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(PolicyBudgetError, match=message):
        best_subset(**({"values": np.eye(3)[:, :2], "budget": 1} | arguments))
