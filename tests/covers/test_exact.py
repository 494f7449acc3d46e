from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from policybudget.covers import cover, exact
from policybudget.covers.boxes import Space
from policybudget.errors import PolicyBudgetError


def brute_force(tasks: np.ndarray, budget: int, radius: float) -> int:
    """Over all choices of K of the sets that fit into a box."""
    rows = range(len(tasks))
    sets = [set(s) for size in rows for s in itertools.combinations(rows, size + 1)]
    sets = [s for s in sets if (np.ptp(tasks[sorted(s)], axis=0) <= 2 * radius + 1e-9).all()]
    maximal = [s for s in sets if not any(s < other for other in sets)]
    return max(
        len(set().union(*some)) for some in itertools.combinations_with_replacement(maximal, min(budget, len(maximal)))
    )


@given(st.integers(1, 7), st.integers(1, 3), st.integers(1, 3), st.integers(0, 10_000), st.booleans())
def test_equals_brute_force(rows: int, columns: int, budget: int, seed: int, whole: bool) -> None:
    random = np.random.default_rng(seed)
    tasks = random.uniform(0, 4, (rows, columns))
    tasks, radius = (np.round(tasks), 0.5) if whole else (tasks, random.uniform(0.2, 1.5))
    found = cover(tasks, min(budget, rows), radius, "exact")
    assert round(found.coverage * rows) == brute_force(tasks, min(budget, rows), radius)
    assert found.bound == found.coverage


@given(st.integers(1, 40), st.integers(1, 5), st.floats(0.02, 0.3), st.integers(0, 10_000))
def test_line_equals_programme(rows: int, budget: int, radius: float, seed: int) -> None:
    """A second column of zeros takes the other way to the same cover."""
    line = np.random.default_rng(seed).uniform(size=(rows, 1))
    budget = min(budget, rows)
    on_a_line = cover(line, budget, radius, "exact")
    assert on_a_line.coverage == cover(np.append(line, 0 * line, axis=1), budget, radius, "exact").coverage
    assert on_a_line.bound == on_a_line.coverage and len(on_a_line.prototypes) <= budget


def test_known_cover() -> None:
    corners = np.array([[0.0, 0.0], [0.0, 5.0], [5.0, 0.0], [5.0, 5.0]])
    tasks = np.concatenate([corners, corners + [1.0, 0.5], corners + [0.2, 1.0]])
    found = cover(tasks, 4, 0.5, "exact")
    assert found.coverage == found.bound == 1.0
    assert sorted(found.prototypes.tolist()) == (np.sort(corners, axis=0)[[0, 0, 2, 2]] * 0 + corners + 0.5).tolist()


@given(st.integers(0, 10_000), st.integers(2, 4))
def test_candidates_are_maximal_and_cover_all(seed: int, columns: int) -> None:
    points = np.unique(np.random.default_rng(seed).uniform(size=(15, columns)), axis=0)
    space = Space(points, np.ones(len(points), int), np.full(columns, 0.25))
    sets = exact.candidates(space)
    assert sets.any(axis=0).all()
    for one in sets:
        assert (np.ptp(points[one], axis=0) <= 0.5 + 1e-12).all()
        assert sum((one <= other).all() for other in sets) == 1


def test_too_many_boxes(monkeypatch: pytest.MonkeyPatch) -> None:
    tasks = np.random.default_rng(0).uniform(size=(30, 3))
    words = (
        "method exact takes at most 5 boxes that no other contains, got more for 30 distinct tasks and 3 columns; use"
    )
    monkeypatch.setattr(exact, "CANDIDATES", 5)
    with pytest.raises(PolicyBudgetError, match=words):
        cover(tasks, 2, 0.2, "exact")
    monkeypatch.setattr(exact, "FOUND", 5)
    with pytest.raises(PolicyBudgetError, match=words):
        cover(tasks, 2, 0.2, "exact")
