from __future__ import annotations

from pathlib import Path

import pytest

from policybudget.covers import read_tasks
from policybudget.errors import PolicyBudgetError


def test_a_table(tmp_path: Path) -> None:
    path = tmp_path / "tasks.csv"
    path.write_text("name,speed,incline,description\nslow,1,0.5,walk\n\nfast,2e0,-1,run\n")
    tasks = read_tasks(path)
    assert (tasks.names, tasks.columns) == (("slow", "fast"), ("speed", "incline"))
    assert tasks.descriptions == ("walk", "run")
    assert tasks.parameters.tolist() == [[1.0, 0.5], [2.0, -1.0]]
    chosen = read_tasks(path, ["incline"])
    assert (chosen.columns, chosen.parameters.tolist(), chosen.descriptions) == (("incline",), [[0.5], [-1.0]], None)


@pytest.mark.parametrize(
    ("text", "columns", "words"),
    [
        ("a,b\n1,x\n", None, "line 2, column b: expected a finite number, got 'x'; choose the parameters by --columns"),
        ("a,b\n1,2\n1,nan\n", ["b"], "line 3, column b: expected a finite number, got 'nan'"),
        ("a,b\n1,\n", None, "line 2, column b: expected a finite number, got ''"),
        ("a,b\n1\n", None, "line 2: expected 2 columns, got 1"),
        ("a,a\n1,2\n", None, "has column 'a' twice: a, a"),
        ("a,b\n1,2\n", ["c"], "has no column 'c'; its columns are a, b"),
        ("a,b\n1,2\n", ["a", "a"], "columns must be different, got 'a' twice"),
        ("name,description\nx,y\n", None, "must have a named column per parameter, got columns name, description"),
        ("a,\n1,2\n", None, "must have a named column per parameter"),
        ("a,b\n", None, "has no tasks: expected a header and a row per task"),
        ("", None, "has no tasks"),
    ],
)
def test_bad_tables(tmp_path: Path, text: str, columns: list[str] | None, words: str) -> None:
    path = tmp_path / "tasks.csv"
    path.write_text(text)
    with pytest.raises(PolicyBudgetError) as error:
        read_tasks(path, columns)
    assert words in str(error.value)


def test_no_file(tmp_path: Path) -> None:
    with pytest.raises(PolicyBudgetError, match="tasks file not found"):
        read_tasks(tmp_path / "none.csv")
