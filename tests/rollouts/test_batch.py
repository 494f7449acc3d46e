"""Returns of the episodes that end in a batch."""

from __future__ import annotations

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from policybudget.population import Outcome
from policybudget.rollouts import batch as batches
from policybudget.rollouts.batch import Batch, Episodes


def episodes_of(done: np.ndarray, outcome: np.ndarray, valid: np.ndarray) -> list[list[np.ndarray]]:
    """Per policy the returns of its finished episodes, in the order of time, then of worlds."""
    steps, budget, worlds, features = outcome.shape
    finished: list[list[np.ndarray]] = [[] for _ in range(budget)]
    running = np.zeros((budget, worlds, features))
    for t in range(steps):
        for j in range(budget):
            for e in range(worlds):
                if not valid[t, j, e]:
                    continue
                running[j, e] += outcome[t, j, e]
                if done[t, j, e]:
                    finished[j].append(running[j, e].copy())
                    running[j, e] = 0.0
    return finished


@given(st.integers(0, 2**31), st.sampled_from((0.0, 0.2, 0.9)), st.sampled_from((0.05, 0.5, 1.0)))
def test_returns_and_moving_average_equal_the_sequential_formula(seed: int, ends: float, mixing: float) -> None:
    rng = np.random.default_rng(seed)
    shape, features = (7, 2, 3), 2
    outcome = rng.normal(size=(*shape, features)).astype(np.float32)
    done, by_rules = rng.random(shape) < ends, rng.random(shape) < 0.5
    valid = rng.random(shape) < 0.8
    blank = jnp.zeros((*shape, 1))
    batch = Batch(
        blank, jnp.zeros(shape, int), jnp.zeros(shape), jnp.asarray(outcome), jnp.asarray(done & by_rules),
        jnp.asarray(done & ~by_rules), blank, jnp.asarray(valid),
    )  # fmt: skip
    _, got = account(batch, jnp.zeros((2, 3, features)), mixing)
    start = rng.normal(size=(2, features))
    for j, finished in enumerate(episodes_of(done, outcome, valid)):
        table = start[j]
        for one in finished:  # eq. 10
            table = (1 - mixing) * table + mixing * one
        assert float(got.count[j, 0]) == len(finished)
        np.testing.assert_allclose(
            got.total[j], np.sum(finished, axis=0) if finished else np.zeros(2), rtol=1e-4, atol=1e-4
        )
        np.testing.assert_allclose(got.kept[j] * start[j] + got.recent[j], table, rtol=1e-4, atol=1e-4)


@eqx.filter_jit
def account(batch: Batch, running: jax.Array, mixing: float) -> tuple[jax.Array, Episodes]:
    return batches.account(Outcome(), batch, running, mixing)
