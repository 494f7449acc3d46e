from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from policybudget.covers import cover, local_search
from policybudget.covers.cover import Request


def space_of(tasks: np.ndarray, budget: int, radius: float) -> object:
    return Request.checked(tasks, budget, radius, "local-search", 0, False).space()


def test_descent_finds_a_cover_that_exists() -> None:
    """Without the moves: two groups of a bit less than the width of a box, and few tasks near their middles."""
    left = np.array([[-1.0, -1.0], [-1.0, 0.9], [0.9, -1.0], [0.9, 0.9]])
    tasks = np.concatenate([left, left + 6.0])
    space, random = space_of(tasks, 2, 1.0), np.random.default_rng(0)
    found = local_search.descended(space, 2, local_search.Grown.at_random(space, random), random)[0]
    assert len(cover(tasks, 2, 1.0, "local-search").uncovered) == 0
    distance = np.abs((tasks + 1.0)[:, None] - found).max(axis=2).min(axis=1)
    assert (distance <= 1.0 + 1e-6).all()


def test_what_is_covered_is_told_without_padding() -> None:
    points = jnp.array([[0.0], [0.5], [9.0]] + [[0.0]] * 5)
    weights = jnp.array([1.0, 2.0, 4.0] + [0.0] * 5)
    found, covered, loss = local_search._descend(points, weights, jnp.array([[[0.2]], [[9.5]]]))
    assert covered.tolist() == [3.0, 4.0] and found.shape == (2, 1, 1)
    assert loss[0] == pytest.approx(4.0 * (9.0 - float(found[0, 0, 0]) - 1.0), rel=1e-5)


@pytest.mark.parametrize("columns", [1, 2, 3])
def test_comes_near_the_exact_cover(columns: int) -> None:
    for seed in range(3):
        tasks = np.random.default_rng([columns, seed]).uniform(size=(30, columns))
        found, best = (cover(tasks, 3, 0.17, method) for method in ("local-search", "exact"))
        assert found.coverage >= 0.97 * best.coverage and found.bound is None


def test_seeds() -> None:
    tasks = np.random.default_rng(0).uniform(size=(30, 2))
    one, again = (cover(tasks, 3, 0.17, "local-search", seed=4) for _ in range(2))
    np.testing.assert_array_equal(one.prototypes, again.prototypes)


def test_starts_are_compiled_once_for_tables_of_one_size() -> None:
    sizes = []
    for rows in (20, 31):
        cover(np.random.default_rng(rows).uniform(size=(rows, 2)), 2, 0.2, "local-search")
        sizes.append(local_search._descend._cache_size())
    assert sizes[0] == sizes[1]
    assert jax.default_backend() == "cpu"
