from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from policybudget.covers import METHODS, Cover, cover
from policybudget.covers.cover import CELLS
from policybudget.errors import PolicyBudgetError

TASKS = np.array([[0.0, 0.0], [1.0, 10.0], [0.5, 20.0], [9.0, 0.0], [9.5, 5.0], [30.0, 100.0]])


@st.composite
def tables(draw: st.DrawFn) -> tuple[np.ndarray, int, float]:
    random = np.random.default_rng(draw(st.integers(0, 10_000)))
    tasks = random.normal(size=(draw(st.integers(1, 12)), draw(st.integers(1, 3))))
    return tasks, draw(st.integers(1, len(tasks))), draw(st.floats(0.05, 1.5))


def counted(found: Cover, tasks: np.ndarray) -> int:
    """Tasks within the radius of a prototype, one by one."""
    near = [min(np.abs(task - one).max() for one in found.prototypes) for task in tasks]
    return sum(distance <= found.radius * (1 + 1e-8) for distance in near)


@pytest.mark.parametrize("method", METHODS)
def test_coverage_is_what_the_prototypes_cover(method: str) -> None:
    tasks = np.random.default_rng(0).normal(size=(40, 2))
    found = cover(tasks, 4, 0.6, method)
    assert len(found.prototypes) <= 4 and found.method == method and found.budget == 4
    assert round(found.coverage * 40) == counted(found, tasks)
    assert sorted({row for cluster in found.clusters for row in cluster} | set(found.uncovered)) == list(range(40))
    assert (found.bound is None) == (method not in ("greedy-intersection", "exact"))
    assert found.bound is None or found.bound >= found.coverage


@given(tables())
def test_greedy_keeps_its_promise_and_its_bound_holds(table: tuple[np.ndarray, int, float]) -> None:
    tasks, budget, radius = table
    found, best = (cover(tasks, budget, radius, method) for method in ("greedy-intersection", "exact"))
    assert best.coverage * (1 - 1 / np.e) - 1e-12 <= found.coverage <= best.coverage <= found.bound + 1e-12
    assert found.bound <= min(1.0, found.coverage / (1 - (1 - 1 / budget) ** budget)) + 1e-12


@given(tables())
def test_more_prototypes_and_wider_boxes_never_cover_less(table: tuple[np.ndarray, int, float]) -> None:
    tasks, budget, radius = table
    for method in ("greedy-intersection", "exact"):
        by_budget = [cover(tasks, k, radius, method).coverage for k in range(1, len(tasks) + 1)]
        assert (np.diff(by_budget) >= 0).all() and by_budget[-1] == 1.0
    by_radius = [cover(tasks, budget, radius * wider, "exact").coverage for wider in (1.0, 1.3, 2.0, 5.0)]
    assert (np.diff(by_radius) >= 0).all()


@given(tables(), st.integers(0, 100))
def test_units_zero_and_order_do_not_matter(table: tuple[np.ndarray, int, float], seed: int) -> None:
    tasks, budget, radius = table
    random = np.random.default_rng(seed)
    order, move = random.permutation(len(tasks)), random.normal(size=tasks.shape[1])
    for method in ("greedy-intersection", "exact"):
        found = cover(tasks, budget, radius, method)
        again = cover(tasks[order], budget, radius, method)
        np.testing.assert_array_equal(again.prototypes, found.prototypes)
        np.testing.assert_array_equal(again.within, found.within[:, order])
        for unit in (1e-6, 1000.0):
            moved = cover((tasks + move) * unit, budget, radius * unit, method)
            assert moved.coverage == found.coverage
            if method == "greedy-intersection":
                np.testing.assert_allclose(moved.prototypes, (found.prototypes + move) * unit, atol=1e-9 * unit)


@pytest.mark.parametrize("method", METHODS)
def test_the_order_of_rows_does_not_matter(method: str) -> None:
    tasks = np.round(np.random.default_rng(3).normal(size=(30, 2)), 1)  # some twice
    order = np.random.default_rng(4).permutation(30)
    found, again = cover(tasks, 3, 0.5, method, seed=5), cover(tasks[order], 3, 0.5, method, seed=5)
    np.testing.assert_array_equal(again.prototypes, found.prototypes)
    np.testing.assert_array_equal(again.within, found.within[:, order])


def test_standardised() -> None:
    scale = TASKS.std(axis=0)
    found = cover(TASKS, 2, 0.4, standardise=True)
    np.testing.assert_allclose(found.scale, scale)
    apart = cover(TASKS / scale, 2, 0.4)
    np.testing.assert_array_equal(found.within, apart.within)
    np.testing.assert_allclose(found.prototypes, apart.prototypes * scale)
    units = cover(TASKS * [1e-3, 1e5] + 7.0, 2, 0.4, standardise=True)
    np.testing.assert_array_equal(units.within, found.within)


def test_a_constant_column_is_no_obstacle() -> None:
    tasks = np.column_stack([np.full(5, 0.1), [0.0, 1.0, 2.0, 3.0, 4.0]])
    found = cover(tasks, 1, 0.8, standardise=True)
    assert found.scale.tolist() == [1.0, np.std([0, 1, 2, 3, 4])]
    np.testing.assert_allclose(found.prototypes, [[0.1, 1.0]])
    assert found.coverage == 3 / 5


def test_nearest() -> None:
    found = cover(TASKS, 2, 10.0)
    assert found.prototypes.tolist() == [[4.75, 10.0], [30.0, 100.0]] and found.coverage == 1.0
    index, distance = found.nearest(np.array([[4.75, 13.0], [31.0, 300.0]]))
    assert index.tolist() == [0, 1] and distance.tolist() == [3.0, 200.0]
    assert found.nearest(np.array([4.75, 13.0]))[1].tolist() == [3.0]
    assert cover(TASKS, 2, 2.0, standardise=True).nearest(TASKS)[1].max() <= 2.0
    with pytest.raises(PolicyBudgetError, match="tasks must have 2 columns, got 3"):
        found.nearest(np.zeros((1, 3)))


def test_the_first_of_the_tasks_that_are_nearest_to_a_prototype() -> None:
    tasks = np.array([[0.1], [0.3], [0.9]])
    found = cover(tasks, 2, 0.1)
    assert found.distances(tasks)[0].argmin() == 1, "0.3 - 0.2 is rounded down"
    assert found.nearest_tasks(tasks).tolist() == [0, 2]
    same = np.array([[1.0], [np.nextafter(0.5, 1.0)], [0.5]])  # two tasks in one place, but for the last bit
    found = cover(same, 2, 1e-6)
    there = int(np.argmin(found.prototypes[:, 0]))
    assert found.distances(same)[there].min() < found.distances(same)[there, 1] < 1e-15
    assert found.nearest_tasks(same)[there] == 1


def test_record_is_json() -> None:
    record = json.loads(json.dumps(cover(TASKS, 1, 10.0).as_record(), allow_nan=False))
    assert record == {
        "method": "greedy-intersection",
        "budget": 1,
        "radius": 10.0,
        "scale": [1.0, 1.0],
        "prototypes": [[4.75, 10.0]],
        "coverage": 5 / 6,
        "bound": 5 / 6,
        "clusters": [[0, 1, 2, 3, 4]],
        "uncovered": [5],
    }


@pytest.mark.parametrize("method", METHODS)
def test_one_task_and_many_alike(method: str) -> None:
    for tasks in ([[3.0, -2.0]], [[3.0, -2.0]] * 7):
        found = cover(tasks, 1, 0.5, method, standardise=True)
        assert found.coverage == 1.0
        np.testing.assert_allclose(found.prototypes, [[3.0, -2.0]])


@pytest.mark.parametrize("method", METHODS)
def test_numbers_of_all_sizes(method: str) -> None:
    tasks = np.random.default_rng(0).normal(size=(12, 2))
    for unit, radius in ((1e-90, 1e-90), (1e90, 1e90), (1.0, 1e-20), (1.0, 1e20), (1e99, 1e-99)):
        found = cover(tasks * unit, 2, radius, method)
        assert np.isfinite(found.prototypes).all() and 1 <= len(found.prototypes) <= 2


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"tasks": []}, "tasks must be a table (tasks, parameters) with a row at least, got shape (0,)"),
        ({"tasks": np.zeros((3, 0))}, "got shape (3, 0)"),
        ({"tasks": [1.0, 2.0]}, "got shape (2,)"),
        (
            {"tasks": [[1.0, 2.0], [3.0]]},
            "tasks must be a table of numbers (tasks, parameters), got rows that are none",
        ),
        ({"tasks": [["a", "b"]]}, "tasks must be a table of numbers"),
        ({"tasks": [[1j]]}, "tasks must be a table of numbers"),
        ({"tasks": [[1.0, np.nan]]}, "tasks must be finite numbers up to 1e+100, got nan in row 0, column 1"),
        ({"tasks": [[1.0], [-np.inf]]}, "got -inf in row 1, column 0"),
        ({"tasks": [[1e200]]}, "got 1e+200 in row 0"),
        ({"budget": 0}, "budget must be between 1 and the number of tasks (6), got 0"),
        ({"budget": 7}, "budget must be between 1 and the number of tasks (6), got 7"),
        ({"radius": 0.0}, "radius must be a positive, finite number, got 0.0"),
        ({"radius": -1.0}, "radius must be a positive, finite number, got -1.0"),
        ({"radius": np.nan}, "radius must be a positive, finite number, got nan"),
        ({"radius": np.inf}, "radius must be a positive, finite number, got inf"),
        (
            {"method": "best"},
            "method must be one of greedy-intersection, local-search, gradient, exact, kmeans, dbscan, gmm, random",
        ),
        ({"seed": -1}, "seed must be from 0 to 2^32 - 1, got -1"),
        ({"tasks": np.zeros((50_000, 1)), "budget": 40_000}, f"budget x tasks must be at most {CELLS}"),
        (
            {"tasks": np.zeros((50_000, 1)), "budget": 1000, "method": "local-search"},
            "budget x tasks x columns must be at",
        ),
    ],
)
def test_bad_input(arguments: dict[str, Any], words: str) -> None:
    with pytest.raises(PolicyBudgetError) as error:
        cover(**({"tasks": TASKS, "budget": 2, "radius": 1.0} | arguments))
    assert words in str(error.value)
