"""Policies from elsewhere: ONNX files, archives of Stable-Baselines3, Python files."""

from __future__ import annotations

import io
import json
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path
from random import Random
from types import SimpleNamespace
from typing import Any

import numpy as np

from policybudget.policies.elsewhere.sources import policies_from
from policybudget.worlds.grid.resource_gathering import ResourceGathering
from robustness.hostile import TEXTS, VALUES, damaged, record_text
from robustness.judge import Case, Reader

KINDS = (np.float64, np.float16, np.int64, np.bool_, np.complex64)
ANSWERS = (
    *("None", "1", "'x'", "[]", "[None]", "np.zeros(0)", "np.full(len(o), np.nan)", "np.full(len(o), -1)", "o"),
    *("object()", "np.full(len(o), 10**9)", "np.zeros((len(o), 5, 5))", "np.array(['x'] * len(o))"),
    *("np.zeros(len(o), complex)",),
    *("[[1], [1, 2]]", "{}", "iter(())", "np.array([object()])", "1 / 0", "open('nowhere')", "o.nothing", "[1e400]"),
    *("exec('raise Odd')", "exec('raise SystemExit(3)')", "exec('raise Base')", "(lambda f: f(f))(lambda f: f(f))"),
    *("int('x' * 5000)", "np.array([Odd] * len(o))", "[[[0]]]", "exec('raise Mute')", "np.zeros(10**12)"),
)  # fmt: skip
PREAMBLE = """
import numpy as np
class Odd(Exception):
    def __str__(self): return "a\\nb\\x00" * 500
class Mute(Exception):
    def __str__(self): raise ValueError
class Base(BaseException):
    pass
"""


def act(source: str) -> None:
    """Read a policy, and let it act once in the place's world.

    Args:
        source: as ``--beside`` has it.
    """
    world = ResourceGathering()
    policies = policies_from([source], world)
    policies.act(np.zeros((1, 4, world.observation_size), np.float32), None)


def onnx_file(folder: Path) -> Callable[[Random], Case]:
    """x @ w, with bytes that are damaged, and models of other shapes and types."""
    world, path = ResourceGathering(), folder / "policy.onnx"
    size, choices = world.observation_size, world.units.sizes[0]
    valid_one = _model([None, size], [size, choices])
    others = [
        *(_model([None, wide], [wide, high]) for wide, high in ((size, 0), (size + 1, choices), (size, 9), (1, 1))),
        *(_model([batch, size], [size, choices]) for batch in (1, 3)),
        *(_model(seen, [size, choices]) for seen in ([size], [None, None, size], [])),
    ]

    def make(rng: Random) -> Case:
        kind = rng.random()
        valid = kind < 0.05
        content = valid_one if kind < 0.7 else rng.choice(others)
        content = content if valid or kind > 0.9 else damaged(rng, content)
        path.write_bytes(content)
        return Case(f"onnx ({len(content)} bytes)", lambda: act(f"onnx:{path}"), valid)

    return make


def _model(seen: list[int | None], weight: list[int]) -> bytes:
    from onnx import TensorProto, helper, numpy_helper

    graph = helper.make_graph(
        [helper.make_node("MatMul", ["x", "w"], ["y"])],
        "policy",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, seen)],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, None)],
        [numpy_helper.from_array(np.ones(weight, np.float32), "w")],
    )
    made = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
    content: bytes = made.SerializeToString()
    return content


class _Tensor:
    """As much of a tensor of torch as is read."""

    def __init__(self, array: np.ndarray) -> None:
        self.array = array

    def float(self) -> _Tensor:
        return _Tensor(self.array.astype(np.float32))

    def numpy(self) -> np.ndarray:
        return self.array


def _load(file: Any, **_: Any) -> dict[str, _Tensor]:
    with np.load(file) as found:
        return {name: _Tensor(found[name]) for name in found}


def sb3_file(folder: Path) -> Callable[[Random], Case]:
    """Archives whose weights NumPy keeps where torch is not installed."""
    try:
        import torch  # noqa: F401
    except ImportError:
        sys.modules["torch"] = SimpleNamespace(load=_load)  # type: ignore[assignment]
    world, path = ResourceGathering(), folder / "policy.zip"
    size, choices = world.observation_size, world.units.sizes[0]
    weights = {"q_net.q_net.0.weight": (4, size), "q_net.q_net.0.bias": (4,)}
    weights |= {"q_net.q_net.2.weight": (choices, 4), "q_net.q_net.2.bias": (choices,)}
    arrays = {name: np.ones(shape, np.float32) for name, shape in weights.items()}
    data: dict[str, Any] = {"policy_kwargs": {"activation_fn": "<class 'torch.nn.modules.activation.Tanh'>"}}

    def make(rng: Random) -> Case:
        kind = rng.random()
        valid = kind < 0.05 and isinstance(sys.modules["torch"], SimpleNamespace)
        changed, text = dict(arrays), json.dumps(data).encode()
        if not valid and kind < 0.6:
            _change(rng, changed)
        elif not valid and kind < 0.85:
            text = record_text(rng, data, 1)
        content = _archive(changed, text, rng.choice(["data", "data", "data", "x"]) if kind > 0.8 else "data")
        content = content if valid or kind < 0.85 else damaged(rng, content)
        path.write_bytes(content)
        return Case(f"sb3 ({len(content)} bytes)", lambda: act(f"sb3:{path}"), valid)

    return make


def _change(rng: Random, arrays: dict[str, np.ndarray]) -> None:
    """Weights with one change."""
    name, kind = rng.choice(sorted(arrays)), rng.randrange(5)
    if kind == 0:
        del arrays[name]
    elif kind == 1:
        arrays[name] = arrays[name].astype(rng.choice(KINDS))
    elif kind == 2:
        arrays[name] = np.ones(rng.choice([(), (0,), (1,), (7, 7), (2, 2, 2), (4, 0)]), np.float32)
    elif kind == 3:
        arrays[name] = np.full(arrays[name].shape, rng.choice([np.nan, np.inf, 3e38]), np.float32)
    else:
        others = (
            "q_net.q_net.x.weight",
            "q_net.q_net.9.bias",
            "features_extractor.x",
            "actor.mu.0.weight",
            "x",
            "q_net.q_net.²",
        )
        arrays[rng.choice(others)] = arrays.pop(name)


def _archive(arrays: dict[str, np.ndarray], data: bytes, name: str) -> bytes:
    weights, out = io.BytesIO(), io.BytesIO()
    np.savez(weights, **arrays)  # type: ignore[arg-type]
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr(name, data)
        archive.writestr("policy.pth", weights.getvalue())
    return out.getvalue()


def python_file(folder: Path) -> Callable[[Random], Case]:
    """Functions that answer anything, and files that are none."""
    path = folder / "own.py"

    def make(rng: Random) -> Case:
        kind = rng.random()
        answer = "np.zeros(len(o), int)" if kind < 0.05 else rng.choice(ANSWERS)
        text = f"{PREAMBLE}\ndef policy(o):\n    return {answer}\n"
        if 0.6 < kind < 0.7:
            text = f"{PREAMBLE}\npolicy = {rng.choice(TEXTS + VALUES)}\n"
        elif 0.7 < kind < 0.75:
            text = f"{PREAMBLE}\no = np.zeros((4, 2))\nx = {answer}\ndef policy(o): pass\n"
        elif 0.75 < kind < 0.8:
            text = f"{PREAMBLE}\nclass policy:\n    def __init__(self):\n        o = np.zeros(3)\n        {answer}\n"
        content = text.encode("utf-8", "surrogatepass")
        path.write_bytes(damaged(rng, content) if kind > 0.85 else content)
        name = "policy" if kind < 0.83 else rng.choice(["", "x", "policy()", "__doc__", "é"])
        return Case(
            f"python policy {answer}", lambda: act(f"python:{path}:{name}"), kind < 0.05, ("place/__pycache__",)
        )

    return make


READERS = (
    Reader("onnx", 30, onnx_file),
    Reader("sb3", 30, sb3_file),
    Reader("python policies", 20, python_file),
)
