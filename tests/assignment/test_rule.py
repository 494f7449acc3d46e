"""What all assignment rules share."""

from __future__ import annotations

import jax.numpy as jnp
import numpy as np
import pytest

from policybudget.assignment.rule import even_labels, labels_of, one_hot


def test_one_hot_has_the_policy_first() -> None:
    np.testing.assert_array_equal(one_hot(jnp.array([1, 0, 1]), 3), [[0, 1, 0], [1, 0, 1], [0, 0, 0]])


def test_labels_are_the_likeliest_policies_and_k_for_those_whom_none_serves() -> None:
    np.testing.assert_array_equal(labels_of(jnp.array([[0.3, 0.0, 1.0], [0.7, 0.0, 0.0]])), [1, 2, 0])
    np.testing.assert_array_equal(one_hot(jnp.array([1, 2, 0]), 2), [[0, 0, 1], [1, 0, 0]])


@pytest.mark.parametrize(("agents", "budget"), [(25, 3), (5, 5), (7, 1)])
def test_round_robin_leaves_nobody_empty(agents: int, budget: int) -> None:
    sizes = np.bincount(np.asarray(even_labels(agents, budget)), minlength=budget)
    assert sizes.sum() == agents and sizes.max() - sizes.min() <= 1 and sizes.min() >= 1
