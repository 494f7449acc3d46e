"""One policy in JAX, in NumPy and as an ONNX graph: the same scores and the same actions, in every action space."""

from __future__ import annotations

import json
from typing import Any

import jax.numpy as jnp
import numpy as np
import pytest
from gymnasium import spaces
from hypothesis import given, settings
from hypothesis import strategies as st

from policybudget.deployment.agreement import ALLOWED, differences
from policybudget.deployment.onnx_graph import onnx_bytes
from policybudget.policies import stacked
from policybudget.policies.architecture import Architecture
from policybudget.policies.joining import alone
from policybudget.policies.on_host import HostPolicies
from policybudget.runs import acting
from policybudget.units import Units
from policybudget.worlds.gym.spaces import units_of
from policybudget.worlds.interface import action_space

onnxruntime = pytest.importorskip("onnxruntime")
SEEN, ROWS = 5, 24
SHAPES = ((), (1,), (3,), (2, 2), (1, 2, 2))
FLOATS, WHOLE = (np.float16, np.float32, np.float64), (np.int8, np.uint8, np.int16, np.int32, np.int64)
INF = np.inf


@st.composite
def boxes(draw: st.DrawFn) -> spaces.Box:
    """Bounded, unbounded, with one bound, of every type and several shapes."""
    shape, dtype = draw(st.sampled_from(SHAPES)), draw(st.sampled_from((*FLOATS, *WHOLE)))
    size = int(np.prod(shape))
    ends = [sorted(draw(st.tuples(st.integers(-100, 100), st.integers(-100, 100)))) for _ in range(size)]
    low, high = (np.array([end[i] for end in ends], np.float64) for i in (0, 1))
    if dtype == np.uint8:
        low, high = low + 100, high + 100
    if dtype in FLOATS:
        free = np.array(draw(st.lists(st.integers(0, 3), min_size=size, max_size=size)))
        low, high = np.where(free % 2, -INF, low), np.where(free // 2, INF, high)
    elif draw(st.booleans()):
        ends_of = np.iinfo(dtype)
        return spaces.Box(ends_of.min, ends_of.max, shape, dtype)
    return spaces.Box(low.reshape(shape).astype(dtype), high.reshape(shape).astype(dtype), dtype=dtype)


@st.composite
def several(draw: st.DrawFn) -> spaces.MultiDiscrete:
    """Tables of choices, with numbers of their own for the first ones."""
    shape = draw(st.sampled_from(((1,), (3,), (2, 2))))
    sizes = draw(st.lists(st.integers(1, 5), min_size=int(np.prod(shape)), max_size=int(np.prod(shape))))
    start = draw(st.lists(st.integers(-9, 9), min_size=len(sizes), max_size=len(sizes)))
    return spaces.MultiDiscrete(np.array(sizes).reshape(shape), start=np.array(start).reshape(shape))


one = st.builds(lambda n, start: spaces.Discrete(n, start=start), st.integers(1, 7), st.integers(-9, 9))
bits = st.sampled_from((3, (2, 2), 1)).map(spaces.MultiBinary)
as_they_are = st.builds(
    lambda a: Units("box", (a,), (-INF,) * a, (INF,) * a, False, (a,), "float32"),
    st.integers(1, 4),
)
UNITS = {
    "Discrete": one.map(lambda space: units_of("x", space)),
    "MultiDiscrete": several().map(lambda space: units_of("x", space)),
    "MultiBinary": bits.map(lambda space: units_of("x", space)),
    "Box": boxes().map(lambda space: units_of("x", space)),
    "numbers as they are": as_they_are,
}


def numbers(architecture: Architecture, seed: int, normalises: bool) -> dict[str, np.ndarray]:
    """Of two policies."""
    rng = np.random.default_rng(seed)
    found = {name: rng.standard_normal(shape) for name, shape in architecture.shapes(2).items()}
    found |= {"normaliser.count": np.array(50.0 * normalises), "normaliser.squares": rng.uniform(0, 99, SEEN)}
    found["normaliser.squares"][0] = 0.0  # a component that never changed
    return {name: np.asarray(array, np.float32) for name, array in found.items()}


def observations(seed: int, largest: float) -> np.ndarray:
    """Ordinary and extreme ones, zeros, and one component that is far beyond the others."""
    rng = np.random.default_rng(seed)
    seen = rng.standard_normal((ROWS, SEEN)) * 10.0 ** rng.uniform(-3, largest, (ROWS, 1))
    seen[0] = 0.0
    seen[1, 1:] = 0.0
    return seen.astype(np.float32)


def same(units: Units, known: np.ndarray, expected: np.ndarray, got: np.ndarray) -> np.ndarray:
    """Which actions are the same: equal; of real numbers up to the allowed difference of scores."""
    if expected.dtype.kind != "f":
        return (got == expected).reshape(ROWS, -1)
    scale = units.stretch[1] if units.stretched else np.ones(units.outputs)
    near = ALLOWED * scale * np.maximum(1.0, np.abs(known)) + np.finfo(expected.dtype).eps * np.abs(
        expected.reshape(ROWS, -1).astype(np.float64)
    )
    apart = np.abs(got.reshape(ROWS, -1).astype(np.float64) - expected.reshape(ROWS, -1).astype(np.float64))
    return apart <= near


def tied(units: Units, known: np.ndarray) -> np.ndarray:
    """(rows, components) Whether the allowed difference of scores may change an action."""
    near = 2 * ALLOWED * np.maximum(1.0, np.abs(known).max(axis=1))
    if units.kind != "box":
        parts = np.split(known, np.cumsum(units.sizes)[:-1], axis=1)
        gaps = [
            np.diff(np.sort(part, axis=1)[:, -2:], axis=1)[:, 0] if part.shape[1] > 1 else near + 1 for part in parts
        ]
        return np.stack([gap <= near for gap in gaps], axis=1)
    if not np.issubdtype(np.dtype(units.dtype), np.integer):
        return np.zeros(known.shape, bool)
    offset, scale, low, high = units.stretch
    value = np.clip(offset + scale * known.astype(np.float64), low, high)
    return np.abs(value - np.floor(value) - 0.5) <= scale * near[:, None] + 1e-9


def check(units: Units, trunk: str, hidden: tuple[int, ...], seed: int, normalises: bool, largest: float) -> None:
    again = Units.from_record(json.loads(json.dumps(units.record())))
    assert again == units, "and so it is in a bundle"
    arrays = numbers(Architecture(SEEN, units, hidden, trunk), seed, normalises)
    seen, space = observations(seed, largest), action_space(units)
    both, trained = jnp.asarray(np.stack([seen, seen])), stacked.Policies.from_arrays(arrays)
    heads = np.asarray(trained.actor.network(trained.normaliser(both)))
    chosen = np.asarray(stacked.act(trained, space, both, None))
    for policy, (known, raw) in enumerate(zip(heads, chosen, strict=True)):
        expected = again(raw)
        host = HostPolicies(alone(arrays, policy), units.choices, units.kind == "discrete")
        session = onnxruntime.InferenceSession(onnx_bytes(host, units, SEEN), providers=["CPUExecutionProvider"])
        graph = session.run(["action", "scores"], {"observation": seen})
        found: dict[str, Any] = {
            "numpy": (acting.act(host, units, SEEN, seen), host.scores(seen[None])[0]),
            "onnx": graph,
        }
        unit = np.maximum(1.0, np.abs(known).max(axis=1, keepdims=True))
        for kind, (action, scores) in found.items():
            assert action.shape == expected.shape == (ROWS, *units.shape), kind
            assert action.dtype == expected.dtype == np.dtype(units.dtype), kind
            assert (np.abs(scores - known) / unit).max() <= ALLOWED, kind
            assert (same(units, known, expected, action) | tied(units, known)).all(), kind
        single = np.stack([np.asarray(acting.act(host, units, SEEN, row), units.dtype) for row in seen])
        assert (same(units, known, expected, single) | tied(units, known)).all(), "one at a time"


@pytest.mark.parametrize("kind", UNITS)
@settings(max_examples=12)
@given(data=st.data(), seed=st.integers(0, 10_000))
def test_the_same_on_observations_of_any_size(kind: str, data: st.DataObject, seed: int) -> None:
    units = data.draw(UNITS[kind])
    trunk = data.draw(st.sampled_from(("shared", "biases", "separate")))
    check(
        units,
        trunk,
        data.draw(st.sampled_from(((8,), (8, 4)))),
        seed,
        True,
        data.draw(st.sampled_from((2.0, 6.0, 37.0))),
    )


@pytest.mark.parametrize("kind", UNITS)
@settings(max_examples=6)
@given(data=st.data(), seed=st.integers(0, 10_000))
def test_the_same_without_a_normaliser(kind: str, data: st.DataObject, seed: int) -> None:
    check(data.draw(UNITS[kind]), "separate", data.draw(st.sampled_from(((), (8,)))), seed, False, 1.0)


@pytest.mark.parametrize(("size", "normalises"), [(5, True), (80, False), (376, False), (376, True)])
def test_what_is_sealed_agrees_in_worlds_of_many_numbers(size: int, normalises: bool) -> None:
    units, rng = Units("box", (6,), (-1.0,) * 6, (1.0,) * 6, True, (6,), "float32"), np.random.default_rng(size)
    arrays = {
        name: (rng.standard_normal(shape) / np.sqrt(max(1, shape[-2] if len(shape) > 1 else 1))).astype(np.float32)
        for name, shape in Architecture(size, units, (64, 64), "separate").shapes(1).items()
    }
    arrays["normaliser.count"] = np.float32(9.0 * normalises)
    arrays["normaliser.squares"] = np.square(arrays["normaliser.squares"])
    policy, host = stacked.Policies.from_arrays(arrays), HostPolicies(arrays, None, False)
    found = differences(policy, host, onnx_bytes(host, units, size), 0)
    assert set(found) == {"numpy", "onnx"} and max(found.values()) <= ALLOWED
    other = HostPolicies(arrays | {"actor.network.layers.2.bias": host.layers[2][1] + np.float32(1e-4)}, None, False)
    changed = differences(policy, other, onnx_bytes(other, units, size), 0)
    assert min(changed.values()) > ALLOWED, "a bias that is one ten-thousandth off is found"
