from __future__ import annotations

import numpy as np
import pytest

from policybudget.covers import cover

GROUPS = np.concatenate([np.random.default_rng(0).normal(at, 0.1, size=(12, 2)) for at in (0.0, 5.0, 10.0)])


@pytest.mark.parametrize("method", ["kmeans", "dbscan", "gmm"])
def test_means_of_groups_apart(method: str) -> None:
    found = cover(GROUPS, 3, 0.5, method)
    means = GROUPS.reshape(3, 12, 2).mean(axis=1)
    np.testing.assert_allclose(found.prototypes[np.argsort(found.prototypes[:, 0])], means, atol=1e-3)
    assert found.coverage == 1.0


def test_dbscan_keeps_the_largest_clusters() -> None:
    tasks = GROUPS[[*range(12), *range(12, 20), *range(24, 30)]]
    found = cover(tasks, 2, 0.5, "dbscan")
    np.testing.assert_allclose(found.prototypes, [tasks[:12].mean(axis=0), tasks[12:20].mean(axis=0)])
    alone = cover([[0.0], [5.0], [9.0], [9.1]], 2, 0.5, "dbscan")  # nobody has five neighbours
    np.testing.assert_allclose(alone.prototypes, [[9.05], [0.0]])


def test_random_tasks() -> None:
    found = cover(GROUPS, 5, 0.5, "random", seed=3)
    assert all(np.isclose(GROUPS, one).all(axis=1).any() for one in found.prototypes)
    assert len(np.unique(found.prototypes, axis=0)) == 5
    assert (cover(GROUPS, 5, 0.5, "random", seed=4).prototypes != found.prototypes).any()


def test_fewer_distinct_tasks_than_prototypes() -> None:
    for method in ("kmeans", "gmm"):
        found = cover([[0.0], [0.0], [1.0], [1.0]], 4, 0.1, method)
        assert sorted(found.prototypes.round(6).ravel().tolist()) == [0.0, 1.0]
