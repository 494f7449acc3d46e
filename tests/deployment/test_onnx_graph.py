"""Policies as ONNX graphs: the same scores and the same actions as in NumPy, in every kind of action space."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from policybudget.deployment.onnx_graph import onnx_bytes
from policybudget.policies.on_host import HostPolicies
from policybudget.runs import acting
from policybudget.units import Units

onnxruntime = pytest.importorskip("onnxruntime")
INF = float("inf")
SPACES = {
    "choice": Units("discrete", (4,), start=(2,)),
    "choices": Units("multi-discrete", (2, 3, 4, 2), shape=(2, 2), start=(0, 1, 0, 5)),
    "free": Units("box", (3,), (-INF,) * 3, (INF,) * 3, False, (3,), "float32"),
    "stretched": Units("box", (3,), (-2.0, 0.0, -1.0), (2.0, 10.0, INF), True, (3,), "float64"),
    "a table": Units("box", (4,), (-1.0,) * 4, (1.0,) * 4, True, (2, 2), "float32"),
    "whole numbers": Units("box", (2,), (0.0, -5.0), (9.0, 5.0), True, (2,), "int32"),
}


def policy(units: Units, seed: int, normalises: bool) -> HostPolicies:
    rng, sizes = np.random.default_rng(seed), (5, 8, units.outputs)
    arrays = {}
    for i, (rows, columns) in enumerate(pairwise(sizes)):
        arrays[f"actor.network.layers.{i}.weight"] = rng.standard_normal((1, rows, columns)).astype(np.float32)
        arrays[f"actor.network.layers.{i}.bias"] = rng.standard_normal((1, 1, columns)).astype(np.float32)
    arrays |= {
        "normaliser.count": np.float32(7.0 if normalises else 0.0),
        "normaliser.mean": rng.standard_normal(5).astype(np.float32),
        "normaliser.squares": rng.uniform(1, 9, 5).astype(np.float32),
    }
    return HostPolicies(arrays, units.choices, units.kind == "discrete")


@pytest.mark.parametrize("name", SPACES)
@given(seed=st.integers(0, 1000), normalises=st.booleans(), power=st.floats(-2, 6))
def test_the_same_actions(name: str, seed: int, normalises: bool, power: float) -> None:
    units = SPACES[name]
    host = policy(units, seed, normalises)
    session = onnxruntime.InferenceSession(onnx_bytes(host, units, 5))
    seen = (10**power * np.random.default_rng(seed + 1).standard_normal((16, 5))).astype(np.float32)
    action, scores = session.run(["action", "scores"], {"observation": seen})
    expected = acting.act(host, units, 5, seen)
    assert action.shape == expected.shape == (16, *units.shape) and action.dtype == expected.dtype
    known = host.scores(seen[None])[0]
    np.testing.assert_allclose(scores, known, rtol=1e-5, atol=1e-5 * np.abs(known).max())
    if expected.dtype.kind == "f":
        np.testing.assert_allclose(action, expected, rtol=1e-5, atol=1e-4)
    else:
        assert (action == expected).mean() > 0.9, "but for ties within rounding"


def test_the_graph_is_valid_and_the_same_each_time() -> None:
    onnx = pytest.importorskip("onnx")
    units = SPACES["choices"]
    content = onnx_bytes(policy(units, 0, True), units, 5)
    onnx.checker.check_model(onnx.load_from_string(content), full_check=True)
    assert content == onnx_bytes(policy(units, 0, True), units, 5)
