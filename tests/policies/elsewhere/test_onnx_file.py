"""ONNX files as policies: scores of choices, actions, batches and single observations."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from policybudget.errors import PolicyBudgetError
from policybudget.policies.elsewhere.onnx_file import read_onnx
from policybudget.units import Units

WEIGHT = np.array([[1.0, -1.0, 0.0], [0.5, 0.25, -2.0]], np.float32)
SEEN = np.array([[1.0, 0.0], [-1.0, 0.0], [-3.0, -4.0]], np.float32)


def written(path: Path, batch: str | int) -> Path:
    """x @ WEIGHT."""
    graph = helper.make_graph(
        [helper.make_node("MatMul", ["x", "w"], ["y"])],
        "policy",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, [batch, 2])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, [batch, 3])],
        [numpy_helper.from_array(WEIGHT, "w")],
    )
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9), path)
    return path


@pytest.mark.parametrize("batch", ["B", 1])
def test_scores_and_actions(batch: str | int, tmp_path: Path) -> None:
    path = written(tmp_path / "policy.onnx", batch)
    choices = read_onnx(path, Units("discrete", (3,), start=(5,)))(SEEN)
    np.testing.assert_array_equal(choices, [5, 6, 7])
    numbers = read_onnx(path, Units("box", (3,), (-1.0,) * 3, (1.0,) * 3, shape=(3,), dtype="float32"))(SEEN)
    np.testing.assert_allclose(numbers, SEEN @ WEIGHT, rtol=1e-6)


def test_what_is_wrong_is_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    units = Units("discrete", (3,))
    with pytest.raises(PolicyBudgetError, match="no.onnx: file not found"):
        read_onnx(tmp_path / "no.onnx", units)
    (tmp_path / "text.onnx").write_text("no model")
    with pytest.raises(PolicyBudgetError, match="text.onnx cannot be read: InvalidProtobuf"):
        read_onnx(tmp_path / "text.onnx", units)
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    with pytest.raises(PolicyBudgetError, match=r'need onnxruntime: pip install "policybudget\[onnx\]"'):
        read_onnx(tmp_path / "text.onnx", units)
