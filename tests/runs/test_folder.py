"""Run folders: new or empty at the start, and one process at a time."""

from __future__ import annotations

from pathlib import Path

import pytest

from policybudget.errors import RunFolderError
from policybudget.runs.folder import locked, new_folder


def test_new_folder(tmp_path: Path) -> None:
    assert new_folder(tmp_path / "a" / "b").is_dir()
    new_folder(tmp_path / "a" / "b")
    (tmp_path / "a" / "b" / "x").write_text("")
    (tmp_path / "file").write_text("")
    for taken in (tmp_path / "a" / "b", tmp_path / "file"):
        with pytest.raises(RunFolderError, match=f"must be new or empty, got {taken}"):
            new_folder(taken)
    with pytest.raises(RunFolderError, match="cannot write"):
        new_folder(tmp_path / "file" / "below")


def test_what_a_killed_start_has_left_counts_as_nothing(tmp_path: Path) -> None:
    (tmp_path / ".config.json.a1b2c3").write_text("{")
    (tmp_path / "inputs").mkdir()
    (tmp_path / "inputs" / "users.csv").write_text("name")
    assert new_folder(tmp_path) == tmp_path
    assert [path.name for path in tmp_path.iterdir()] == ["inputs"], "what others put there is left"
    (tmp_path / ".hidden").write_text("")
    with pytest.raises(RunFolderError, match="must be new or empty"):
        new_folder(tmp_path)
    assert (tmp_path / ".hidden").exists()


def test_one_process_at_a_time(tmp_path: Path) -> None:
    with (
        locked(tmp_path),
        pytest.raises(RunFolderError, match=f"another process trains in {tmp_path}"),
        locked(tmp_path),
    ):
        pass
    with locked(tmp_path) as folder:
        assert folder == tmp_path and not list(tmp_path.iterdir())
