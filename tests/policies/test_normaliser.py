from __future__ import annotations

import jax.numpy as jnp
import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from policybudget.policies.normaliser import Normaliser


@given(st.integers(0, 2**31), st.lists(st.integers(1, 6), min_size=1, max_size=4))
def test_equals_numpy_over_all_valid_rows(seed: int, invalid: list[int]) -> None:
    rng = np.random.default_rng(seed)
    normaliser, seen = Normaliser.start(3), []
    for drop in invalid:
        batch = rng.normal(loc=[0.0, 5.0, -40.0], scale=[1.0, 0.1, 7.0], size=(2, 4, 3)).astype(np.float32)
        valid = np.ones(8, bool)
        valid[rng.permutation(8)[:drop]] = False
        valid = valid.reshape(2, 4)
        seen.append(batch[valid])
        batch[~valid] = 1e6
        normaliser = normaliser.update(jnp.asarray(batch), jnp.asarray(valid))
    rows = np.concatenate(seen).astype(np.float64)
    assert float(normaliser.count) == len(rows)
    np.testing.assert_allclose(normaliser.mean, rows.mean(0), rtol=1e-4, atol=1e-4)
    np.testing.assert_allclose(normaliser.squares / normaliser.count, rows.var(0), rtol=1e-3, atol=1e-4)


def test_a_batch_without_valid_rows_changes_nothing() -> None:
    normaliser = Normaliser.start(1).update(jnp.array([[1.0], [3.0]]), jnp.ones(2, bool))
    after = normaliser.update(jnp.array([[100.0], [200.0]]), jnp.zeros(2, bool))
    assert (float(after.count), float(after.mean[0]), float(after.squares[0])) == (2.0, 2.0, 2.0)


def test_unchanged_until_something_was_seen() -> None:
    x = jnp.array([[1e6, -3.0]])
    np.testing.assert_array_equal(Normaliser.start(2)(x), x)


def test_scales_and_clips() -> None:
    normaliser = Normaliser.start(1).update(jnp.array([[1.0], [5.0]]), jnp.ones(2, bool))
    np.testing.assert_allclose(
        normaliser(jnp.array([[3.0], [7.0], [1000.0], [-1000.0]]))[:, 0], [0.0, 2.0, 10.0, -10.0], atol=1e-6
    )
