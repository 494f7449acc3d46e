from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from policybudget.errors import PolicyBudgetError
from policybudget.exact.front import read_front


def written(folder: Path, text: str) -> Path:
    path = folder / "front.csv"
    path.write_text(text, encoding="utf-8")
    return path


def test_named_components(tmp_path: Path) -> None:
    front = read_front(written(tmp_path, "\ufefftime, treasure,name\n-1,0.7,left\n\n-3,8.2,right\n"))
    assert front.names == ("left", "right") and front.components == ("time", "treasure")
    np.testing.assert_array_equal(front.returns, [[-1, 0.7], [-3, 8.2]])


def test_numbered_components_come_in_their_order(tmp_path: Path) -> None:
    front = read_front(written(tmp_path, "1,0\n5,6\n"))
    assert front.names is None and front.components == ()
    np.testing.assert_array_equal(front.returns, [[6, 5]])


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "has no policies: expected a header and a row per policy"),
        ("a,b\n", "has no policies"),
        ("a,b\n1,2\n3\n", "line 3: expected 2 columns, got 1"),
        ("a,b\n1,x\n", "line 2, column b: expected a finite number, got 'x'"),
        ("a,b\n1,nan\n", "line 2, column b: expected a finite number, got 'nan'"),
        ("a,b\n1,\n", "line 2, column b: expected a finite number, got ''"),
        ("a,a\n1,2\n", "has column 'a' twice: a, a"),
        ("name\nx\n", "must have a named column per reward component, got columns name"),
        ("a,\n1,2\n", "must have a named column per reward component"),
        ("0,2\n1,2\n", "must number its reward components 0 to 1 or name them all, got columns 0, 2"),
        ("0,a\n1,2\n", "must number its reward components 0 to 1 or name them all"),
    ],
)
def test_wrong_files(text: str, message: str, tmp_path: Path) -> None:
    with pytest.raises(PolicyBudgetError, match=message):
        read_front(written(tmp_path, text))


def test_no_such_file(tmp_path: Path) -> None:
    with pytest.raises(PolicyBudgetError, match="front file not found"):
        read_front(tmp_path / "none.csv")
    with pytest.raises(PolicyBudgetError, match="cannot read .*: is a directory"):
        read_front(tmp_path)
    (tmp_path / "image.csv").write_bytes(b"\x89PNG\xff")
    with pytest.raises(PolicyBudgetError, match="expected a table of comma-separated values in UTF-8"):
        read_front(tmp_path / "image.csv")
