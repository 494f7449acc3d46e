from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from policybudget.covers.boxes import Space, centre, reach, shifted, windows, within

ONE = np.ones(1)


def test_borders_count_as_covered() -> None:
    tasks = np.array([[0.1], [0.3], [0.30000001]])
    assert within(tasks, np.array([[0.2]]), 0.1, ONE).tolist() == [[True, True, False]]
    far = tasks + 1e6  # a rounding of the coordinate is more than the share of the radius
    assert within(far, np.array([[1e6 + 0.2]]), 0.1, ONE).tolist() == [[True, True, False]]


def test_each_column_has_its_own_rounding() -> None:
    tasks = np.array([[1e12, 0.0], [1e12, 1.0]])
    limit = reach(tasks, np.ones(2), 1e-3, 4)
    assert limit[0] > 1.8e-3 - 1e-3 and limit[1] < 1.000001e-3


def test_windows_are_those_that_no_other_contains() -> None:
    found = windows(np.array([3.0, 0.0, 1.0, 2.5, 9.0]), np.array([1, 1, 2, 1, 4]), 2.0)
    assert found.order.tolist() == [1, 2, 3, 0, 4]
    assert (found.first.tolist(), found.last.tolist(), found.mass.tolist()) == ([0, 1, 4], [2, 4, 5], [3, 4, 4])
    assert [found.points(i).tolist() for i in range(3)] == [[1, 2], [2, 3, 0], [4]]


@given(st.integers(0, 10_000), st.integers(1, 4))
def test_a_shifted_box_never_covers_less(seed: int, columns: int) -> None:
    random = np.random.default_rng(seed)
    points = np.unique(random.uniform(size=(12, columns)), axis=0)
    space = Space(points, random.integers(1, 4, len(points)), np.full(columns, 0.2))
    weights = np.where(random.random(len(points)) < 0.5, space.counts, 0)
    before = random.uniform(-0.3, 0.9, columns)
    after = shifted(space, weights, before)
    assert weights[space.inside(after)].sum() >= weights[space.inside(before)].sum()
    if columns == 1:
        assert weights[space.inside(after)].sum() == windows(points[:, 0], weights, 0.4).mass.max()


def test_centre() -> None:
    assert centre(np.array([[0.0, 4.0], [1.0, 4.0], [4.0, 6.0]])).tolist() == [2.0, 5.0]
