"""A policy as an ONNX graph: raw observations in, greedy actions in the environment's own units out.

::

    x = clip((observation - mean) * inverse deviation, -10, 10)        if it normalises
    x = tanh(x W + b)                                                   for each hidden layer
    scores = x W + b
    action = argmax + start | one argmax for each part + start | clip(offset + scale * scores, low, high)

The graph is built by ``onnx.helper`` alone; opset 17, IR 9, which every runtime of these years reads. Actions of a box
are stretched in float64, as everywhere else.
"""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from policybudget.errors import extra
from policybudget.policies.on_host import HostPolicies
from policybudget.units import Units

Numbers = NDArray[Any]
OPSET, IR = 17, 9


class _Graph:
    """Nodes and constants of a graph in the making."""

    def __init__(self) -> None:
        with extra("onnx", "ONNX graphs"):
            from onnx import helper, numpy_helper
        self.helper, self.numpy_helper = helper, numpy_helper
        self.nodes: list[Any] = []
        self.constants: list[Any] = []

    def constant(self, name: str, value: Numbers) -> str:
        self.constants.append(self.numpy_helper.from_array(np.ascontiguousarray(value), name))
        return name

    def node(self, operation: str, inputs: list[str], output: str, **attributes: Any) -> str:
        self.nodes.append(self.helper.make_node(operation, inputs, [output], **attributes))
        return output


def onnx_bytes(policy: HostPolicies, units: Units, size: int) -> bytes:
    """The graph of one policy as the content of an .onnx file.

    Args:
        policy: k = 1 policies.
        units: of the environment's actions.
        size: o, the components of an observation.

    Returns:
        The content. Input ``observation`` (B, o) float32; outputs ``action`` (B, *shape) of the environment's type, and
        ``scores`` (B, outputs) float32: logits, or means of actions before they are stretched.

    Raises:
        PolicyBudgetError: the package onnx is not installed.
    """
    graph = _Graph()
    x = "observation"
    if policy.normalises:
        x = graph.node("Sub", [x, graph.constant("mean", _row(policy.mean))], "centred")
        x = graph.node("Mul", [x, graph.constant("inverse", _row(policy.inverse))], "scaled")
        ends = [graph.constant(name, np.array(end, np.float32)) for name, end in (("least", -10.0), ("most", 10.0))]
        x = graph.node("Clip", [x, *ends], "normalised")
    for index, (weight, bias) in enumerate(policy.layers):
        last = index + 1 == len(policy.layers)
        inputs = [x, graph.constant(f"weight{index}", _flat(weight)), graph.constant(f"bias{index}", _row(bias))]
        x = graph.node("Gemm", inputs, "scores" if last else f"layer{index}")
        x = x if last else graph.node("Tanh", [x], f"active{index}")
    _action(graph, units)
    helper = graph.helper
    from onnx import TensorProto

    kind = helper.np_dtype_to_tensor_dtype(np.dtype(units.dtype))
    model = helper.make_model(
        helper.make_graph(
            graph.nodes,
            "policy",
            [helper.make_tensor_value_info("observation", TensorProto.FLOAT, ["B", size])],
            [
                helper.make_tensor_value_info("action", kind, ["B", *units.shape]),
                helper.make_tensor_value_info("scores", TensorProto.FLOAT, ["B", units.outputs]),
            ],
            graph.constants,
        ),
        opset_imports=[helper.make_opsetid("", OPSET)],
        ir_version=IR,
        producer_name="policybudget",
    )
    content: bytes = model.SerializeToString(deterministic=True)
    return content


def _action(graph: _Graph, units: Units) -> None:
    """From ``scores`` to ``action``."""
    from onnx import TensorProto

    kind = graph.helper.np_dtype_to_tensor_dtype(np.dtype(units.dtype))
    shape = graph.constant("shape", np.array([-1, *units.shape], np.int64))
    if units.kind == "box":
        x = graph.node("Cast", ["scores"], "wide", to=TensorProto.DOUBLE)
        if units.stretched:
            offset, scale, low, high = units.stretch
            x = graph.node("Mul", [x, graph.constant("scale", scale[None])], "stretched")
            x = graph.node("Add", [x, graph.constant("offset", offset[None])], "placed")
            x = graph.node("Max", [x, graph.constant("low", low[None])], "above")
            x = graph.node("Min", [x, graph.constant("high", high[None])], "within")
        if units.stretched and np.issubdtype(np.dtype(units.dtype), np.integer):
            x = graph.node("Round", [x], "whole")
    else:
        ends = np.cumsum((0, *units.sizes))
        parts = []
        for index, (start, end) in enumerate(pairwise(ends)):
            cut = [
                graph.constant(f"{name}{index}", np.array([at], np.int64))
                for name, at in (("from", start), ("to", end))
            ]
            part = graph.node(
                "Slice", ["scores", *cut, graph.constant(f"axis{index}", np.array([1], np.int64))], f"part{index}"
            )
            parts.append(graph.node("ArgMax", [part], f"choice{index}", axis=1, keepdims=1))
        x = graph.node("Concat", parts, "choices", axis=1)
        first = np.asarray(units.start or (0,) * len(units.sizes), np.int64)
        x = graph.node("Add", [x, graph.constant("start", first[None])], "counted")
    x = graph.node("Reshape", [x, shape], "shaped")
    graph.node("Cast", [x], "action", to=kind)


def _flat(weight: Numbers) -> Numbers:
    """Weights (inputs, outputs), the axis of policies taken off."""
    return np.asarray(weight[0] if weight.ndim == 3 else weight, np.float32)


def _row(values: Numbers) -> Numbers:
    return np.asarray(values, np.float32).reshape(-1)
