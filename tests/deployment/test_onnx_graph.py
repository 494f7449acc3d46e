"""Policies as ONNX graphs; what they compute is in test_same_actions.py."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest

from policybudget.deployment.onnx_graph import onnx_bytes
from policybudget.policies.on_host import HostPolicies
from policybudget.units import Units

UNITS = Units("multi-discrete", (2, 3, 4, 2), shape=(2, 2), start=(0, 1, 0, 5))


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


def test_the_graph_is_valid_and_the_same_each_time() -> None:
    onnx = pytest.importorskip("onnx")
    units = UNITS
    content = onnx_bytes(policy(units, 0, True), units, 5)
    onnx.checker.check_model(onnx.load_from_string(content), full_check=True)
    assert content == onnx_bytes(policy(units, 0, True), units, 5)
