"""A policy in an ONNX file, run by onnxruntime."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from policybudget.errors import PolicyBudgetError, extra
from policybudget.from_file import line
from policybudget.policies.elsewhere.functions import Function
from policybudget.units import Units


def read_onnx(path: Path, units: Units) -> Function:
    """The policy of an ONNX file.

    Its first input takes observations (B, o), or one at a time if its batch is fixed to 1. Its first output is actions
    in the environment's own units; where the world has one choice of n, it may also be (B, n) scores, of which the
    highest wins.

    Args:
        path: of the file.
        units: of the actions.

    Returns:
        The policy.

    Raises:
        PolicyBudgetError: onnxruntime is not installed, or the file is missing or no ONNX model.
    """
    with extra("onnx", "ONNX policies"):
        import onnxruntime
    if not path.is_file():
        raise PolicyBudgetError(f"onnx:{path}: file not found")
    quiet = onnxruntime.SessionOptions()
    quiet.log_severity_level = 4
    try:
        session = onnxruntime.InferenceSession(str(path), quiet, providers=["CPUExecutionProvider"])
    except Exception as error:
        raise PolicyBudgetError(f"onnx:{path} cannot be read: {line(error)}") from error
    takes, gives = session.get_inputs()[0], session.get_outputs()[0].name
    kind = np.float64 if "double" in takes.type else np.float32
    one_by_one = takes.shape[:1] == [1]

    def policy(observations: np.ndarray) -> Any:
        rows = observations.astype(kind)
        batches = rows[:, None] if one_by_one else rows[None]
        out = np.concatenate([np.asarray(session.run([gives], {takes.name: batch})[0]) for batch in batches])
        scores = units.kind == "discrete" and out.shape == (len(rows), units.sizes[0]) and out.dtype.kind == "f"
        return units(out.argmax(axis=1)) if scores else out

    return policy
