from __future__ import annotations

import numpy as np
import pytest

from policybudget.errors import PolicyBudgetError
from policybudget.runs.prototypes import Prototypes


def test_nearest_by_hand() -> None:
    """The first prototype is nearest to the first task in the parameters' own units, not in standard deviations."""
    places, tasks = np.array([[0.0, 0.0], [1.0, 30.0]]), np.array([[1.0, 10.0], [0.9, 29.0]])
    policy, apart = Prototypes(places, np.ones(2)).nearest(tasks)
    assert policy.tolist() == [0, 1] and apart.tolist() == [10.0, 1.0]
    policy, apart = Prototypes(places, np.array([0.5, 100.0])).nearest(tasks)
    assert policy.tolist() == [1, 1] and apart == pytest.approx([0.2, 0.2])


def test_a_policy_without_a_prototype_is_never_nearest() -> None:
    kept = Prototypes.first(np.array([[3.0]]), np.array([2.0]), ("speed",), 3)
    np.testing.assert_array_equal(kept.places, [[3.0], [np.inf], [np.inf]])
    assert kept.names == ("speed",)
    policy, apart = kept.nearest(np.array([[1e9]], np.float32))
    assert policy.tolist() == [0] and apart == pytest.approx([5e8])


def test_other_parameters_are_refused() -> None:
    with pytest.raises(PolicyBudgetError, match="tasks must have the 1 parameters of the prototypes, got 2"):
        Prototypes(np.zeros((2, 1)), np.ones(1)).nearest(np.zeros((5, 2)))
