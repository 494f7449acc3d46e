"""Who moves when policies join."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from policybudget.assessment.moves import settle
from policybudget.population import Population

PRESENT = np.array([[1, 1, 0], [0, 0, 1], [0, 0, 0]], np.float32)


def users(outside: np.ndarray | None = None) -> Population:
    """Three users who are paid a component each."""
    return Population.from_weights(np.eye(3), outside=outside)


def test_who_is_shown_to_gain_moves() -> None:
    features = np.array([[[1.0, 1, 0]] * 4, [[0, 0, 1.0]] * 4, [[0.0, 2, 1]] * 4])
    assert settle(users(), PRESENT, features).tolist() == [[1, 0, 0], [0, 0, 1], [0, 1, 0]]


def test_a_gain_that_may_be_chance_moves_nobody() -> None:
    noisy = np.array([[0.0, 9, 0], [0, -6, 0], [0, 8, 0], [0, -5, 0]])
    features = np.stack([np.tile([1.0, 1, 0], (4, 1)), np.tile([0, 0, 1.0], (4, 1)), noisy])
    assert features[2, :, 1].mean() > 1
    assert settle(users(), PRESENT, features).tolist() == PRESENT.tolist()


def test_a_single_episode_shows_nothing() -> None:
    features = np.array([[[1.0, 1, 0]], [[0, 0, 1.0]], [[5.0, 5, 5]]])
    assert settle(users(), PRESENT, features).tolist() == PRESENT.tolist()


def test_who_lost_its_policy_moves_to_the_best() -> None:
    present = np.array([[0, 0, 0], [0, 0, 1]], np.float32)
    features = np.array([[[1.0, 0, 0]] * 2, [[0.5, 0.5, 1]] * 2])
    assert settle(users(), present, features).tolist() == [[1, 0, 0], [0, 1, 1]]
    assert settle(users(np.array([-np.inf, 0.7, 0.0])), present, features).tolist() == [[1, 0, 0], [0, 0, 1]]


@given(st.integers(0, 2**32 - 1))
def test_the_expected_welfare_never_falls(seed: int) -> None:
    rng = np.random.default_rng(seed)
    features = rng.standard_normal((3, 5, 3)) * rng.uniform(0, 3, (3, 1, 3)) + rng.standard_normal((3, 1, 3))
    means = features.mean(axis=1)
    after = settle(users(), PRESENT, features)
    assert np.all((after * means).sum(axis=0) >= (PRESENT * means).sum(axis=0) - 1e-12)
    assert after.sum(axis=0) == pytest.approx(1.0)
