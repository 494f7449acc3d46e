from __future__ import annotations

import jax.numpy as jnp
import numpy as np
import pytest

from policybudget.covers import cover
from policybudget.covers.boxes import padded
from policybudget.covers.cover import Request
from policybudget.covers.gradient import LEAST_ITERATIONS, RATE, gradient, loss


def by_hand(prototypes: np.ndarray, logits: np.ndarray, tasks: np.ndarray, radius: float) -> float:
    """The published loss, term by term."""
    total = 0.0
    for task, row in zip(tasks, logits, strict=True):
        shares = np.exp(row) / np.exp(row).sum()
        distance = sum(share * np.abs(one - task).max() for share, one in zip(shares, prototypes, strict=True))
        total += max(0.0, distance - radius)
    return total


def test_the_loss_is_the_published_one() -> None:
    random = np.random.default_rng(0)
    tasks, prototypes, logits = (random.normal(size=shape) for shape in ((7, 3), (2, 3), (7, 2)))
    found = loss(*(jnp.asarray(one) for one in (prototypes, logits, tasks, np.ones(7), np.float32(0.8))))
    assert float(found) == pytest.approx(by_hand(prototypes, logits, tasks, 0.8), rel=1e-5)


def test_descends_to_a_cover_that_exists() -> None:
    """One prototype, three tasks: the loss is 0 only where all are within the radius."""
    found = cover([[0.0, 0.0], [1.9, 0.3], [0.6, 1.9]], 1, 1.0, "gradient")
    assert found.coverage == 1.0 and found.prototypes.shape == (1, 2) and found.bound is None
    two = cover([[0.0], [0.4], [5.0], [5.4]], 2, 0.25, "gradient", seed=1)
    assert two.coverage == 1.0 and sorted(two.clusters) == [[0, 1], [2, 3]]


def test_tasks_that_no_prototype_can_cover_pull_like_the_others() -> None:
    """The median minimises a sum of distances: the best box is where two tasks are, and the descent ends elsewhere."""
    tasks = [[0.0], [0.1], [5.0], [10.0], [20.0]]
    assert cover(tasks, 1, 0.1, "exact").coverage == 0.4
    found = cover(tasks, 1, 0.1, "gradient")
    assert found.coverage == 0.2 and found.prototypes[0, 0] == pytest.approx(5.0, abs=0.2)


def test_one_start_of_small_steps() -> None:
    """A prototype that starts at the single task is pulled to the group and stops on the way."""
    far = 1e4 * RATE * LEAST_ITERATIONS
    tasks = np.array([[0.0]] + [[far]] * 3)
    ends = {cover(tasks, 1, 1.0, "gradient", seed=seed).coverage for seed in range(6)}
    assert ends == {0.0, 0.75}


def test_seeds() -> None:
    tasks = np.random.default_rng(0).uniform(size=(30, 2))
    one, again, other = (cover(tasks, 3, 0.17, "gradient", seed=seed) for seed in (4, 4, 5))
    np.testing.assert_array_equal(one.prototypes, again.prototypes)
    assert (one.prototypes != other.prototypes).any()


def test_rows_that_only_fill_up_weigh_nothing() -> None:
    rows, weights = padded(np.array([2, 1, 3]))
    assert len(rows) == len(weights) == 32 and weights.sum() == 6 and rows[:4].tolist() == [0, 1, 2, 0]
    assert len(padded(np.ones(33, int))[0]) == 64


@pytest.mark.parametrize("scale", [1e-60, 1e60])
def test_extreme_units_stay_finite(scale: float) -> None:
    space = Request.checked(np.arange(4.0)[:, None] * scale, 2, scale, "gradient", 0, False).space()
    assert np.isfinite(gradient(space, 2)).all()
