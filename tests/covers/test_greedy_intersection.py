from __future__ import annotations

import itertools
import time

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from policybudget.covers import cover, greedy_intersection
from policybudget.covers.boxes import Space, centre
from policybudget.covers.greedy_intersection import Rounds, best_box
from policybudget.errors import PolicyBudgetError


@st.composite
def tables(draw: st.DrawFn, most: int = 14) -> tuple[np.ndarray, float]:
    """Tasks and a radius; half of them whole numbers, so that borders and ties are frequent."""
    columns, seed = draw(st.integers(1, 4)), draw(st.integers(0, 10_000))
    random = np.random.default_rng(seed)
    tasks = random.uniform(0, 4, (draw(st.integers(1, most)), columns))
    whole = draw(st.booleans())
    return (np.round(tasks) if whole else tasks), (0.5 * draw(st.integers(1, 4)) if whole else draw(st.floats(0.1, 2)))


def all_boxes(tasks: np.ndarray, radius: float) -> int:
    """The most tasks in a box with its lower faces at coordinates of tasks: all n^d of them, one by one."""
    corners = itertools.product(*tasks.T)
    return max(
        int(((tasks >= low) & (tasks <= np.array(low) + 2 * radius + 1e-9)).all(axis=1).sum()) for low in corners
    )


@given(tables(8))
def test_one_prototype_equals_brute_force(table: tuple[np.ndarray, float]) -> None:
    tasks, radius = table
    found = cover(tasks, 1, radius)
    assert found.within.sum() == all_boxes(tasks, radius)
    assert found.bound == found.coverage


@settings(max_examples=40)
@given(tables(40), st.integers(0, 2))
def test_grids_and_windows_agree(table: tuple[np.ndarray, float], cells: int) -> None:
    """However few boxes are counted at once, the best one is found."""
    tasks, radius = table
    points, counts = np.unique(tasks, axis=0, return_counts=True)
    space = Space(points - points.min(axis=0), counts, np.full(points.shape[1], radius * (1 + 1e-9)))
    with pytest.MonkeyPatch.context() as patch:
        masses = []
        for size in (1 << 18, (1, 20, 300)[cells]):
            patch.setattr(greedy_intersection, "CELLS", size)
            members = best_box(space, counts)
            masses.append(counts[members].sum())
            assert (np.ptp(points[members], axis=0) <= space.width * (1 + 1e-12)).all()
    assert masses[0] == masses[1]


def test_two_tasks_share_a_prototype_within_twice_the_radius() -> None:
    """The slides write once."""
    assert cover([[0.0, 0.0], [2.0, 1.9]], 1, 1.0).coverage == 1.0
    assert cover([[0.0, 0.0], [2.1, 0.0]], 1, 1.0).coverage == 0.5
    assert cover([[0.1], [0.3]], 1, 0.1).coverage == 1.0  # 0.3 - 0.1 is more than 0.2 in floating point


def test_rounds_take_what_is_left() -> None:
    tasks = np.array([[0, 0], [1, 0], [0, 1], [10, 0], [11, 1], [50, 50], [0, 0]], float)
    found = cover(tasks, 2, 0.5)
    assert found.prototypes.tolist() == [[0.5, 0.5], [10.5, 0.5]]
    assert found.clusters == [[0, 1, 2, 6], [3, 4]] and found.uncovered == [5]
    assert found.bound == 1.0  # twice what the first takes is more than there is
    everything = cover(tasks, 7, 0.5)
    assert len(everything.prototypes) == 3 and everything.coverage == everything.bound == 1.0


def test_greedy_may_fall_short_and_says_so() -> None:
    """The middle box takes three of six tasks, and then two boxes are needed for the rest."""
    tasks = np.array([[0.0], [1.0], [2.0], [3.0], [4.0], [5.0]])
    tasks[2:4] = [[2.4], [2.6]]
    tasks[1], tasks[4] = 1.7, 3.3
    found, best = cover(tasks, 2, 1.2), cover(tasks, 2, 1.2, "exact")
    assert found.coverage < best.coverage == 1.0 and found.bound == 1.0


def test_bound_of_rounds() -> None:
    rounds = Rounds(np.zeros((3, 1)), np.array([5, 3, 1]))
    assert rounds.bound(1, 20) == 5 / 20
    assert rounds.bound(2, 20) == 10 / 20  # twice the first
    assert rounds.bound(3, 20) == 11 / 20  # the first two, and three times the third
    assert rounds.bound(4, 20) == 9 / 20  # a fourth would take nothing


@pytest.mark.parametrize("columns", [2, 3, 4])
def test_speed(columns: int) -> None:
    """A thousand tasks, five rounds: half a second on an idle core for three columns."""
    tasks = np.random.default_rng(0).uniform(size=({2: 1000, 3: 1000, 4: 200}[columns], columns))
    began = time.process_time()
    cover(tasks, 5, 0.15)
    assert time.process_time() - began < 8


def test_many_columns() -> None:
    random = np.random.default_rng(0)
    tasks = np.repeat(random.normal(size=(5, 300)), 4, axis=0) + 0.01 * random.normal(size=(20, 300))
    found = cover(tasks, 3, 0.1)
    assert found.coverage == 12 / 20 and [len(cluster) for cluster in found.clusters] == [4, 4, 4]


def test_gives_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(greedy_intersection, "LOOKS", 1000)
    words = "gave up after 1000 looks at windows: 200 distinct tasks in 20 columns make too many boxes; use local"
    with pytest.raises(PolicyBudgetError, match=words):
        cover(np.random.default_rng(0).normal(size=(200, 20)), 3, 1.0)


def test_prototypes_are_in_the_middle() -> None:
    tasks = np.random.default_rng(1).normal(size=(60, 2))
    found = cover(tasks, 3, 0.7)
    first = tasks[found.clusters[0]]
    np.testing.assert_allclose(found.prototypes[0], centre(first))
