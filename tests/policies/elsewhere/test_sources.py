"""Policies by name."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from worlds_with_known_answers import Levers

import policybudget as pb
from policybudget.errors import PolicyBudgetError

FILE = """
import numpy as np

def one(observations):
    return np.ones(len(observations), int)

class Zero:
    def __call__(self, observations):
        return np.zeros(len(observations), int)

SEVEN = 7
"""


def test_functions_and_classes_of_a_file(tmp_path: Path) -> None:
    (tmp_path / "mine.py").write_text(FILE)
    names = [f"python:{tmp_path}/mine.py:{name}" for name in ("one", "Zero")]
    policies = pb.policies_from([*names, lambda seen: np.ones(len(seen), int)], Levers(2))
    np.testing.assert_array_equal(policies.act(np.zeros((3, 2, 1), np.float32), None), [[1, 1], [0, 0], [1, 1]])
    assert policies.names[:2] == tuple(names)


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("policy.zip", "a policy from elsewhere must be sb3:FILE, onnx:FILE or python:FILE.py:NAME, got 'policy.zip'"),
        ("sb3:", "sb3:.: file not found"),
        ("python:{}/mine.py:SEVEN", "expected SEVEN in .* to be a policy: a function of observations"),
        ("python:{}/mine.py:two", "has no two; its functions are one, Zero"),
    ],
)
def test_what_is_wrong_is_one_line(source: str, message: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import sys
    from types import SimpleNamespace

    monkeypatch.setitem(sys.modules, "torch", SimpleNamespace())
    (tmp_path / "mine.py").write_text(FILE)
    with pytest.raises(PolicyBudgetError, match=message):
        pb.policies_from([source.format(tmp_path)], Levers(2))
