from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from policybudget.errors import RunFolderError
from policybudget.runs import files


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_write_replaces_and_makes_folders(tmp_path: Path) -> None:
    path = tmp_path / "a" / "b.txt"
    files.write(path, "one\n")
    files.write(path, b"two\n")
    assert path.read_text() == "two\n" and names(path.parent) == ["b.txt"]
    assert path.stat().st_mode & 0o777 == 0o644


@pytest.mark.parametrize("what", ["replace", "fsync", "fdopen", "chmod"])
@pytest.mark.parametrize(
    ("number", "reason"), [(28, "no space left on device"), (30, "read-only file system"), (13, "permission denied")]
)
def test_a_failed_write_leaves_what_was_there(
    what: str, number: int, reason: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "file"
    files.write(path, "good")

    def fail(*_: Any, **__: Any) -> Any:
        raise OSError(number, os.strerror(number))

    with monkeypatch.context() as patch:
        patch.setattr(os, what, fail)
        with pytest.raises(RunFolderError, match=f"cannot write {path}: {reason}; make room or choose another folder"):
            files.write(path, "bad")
    assert path.read_text() == "good" and names(tmp_path) == ["file"]


def test_a_folder_that_cannot_be_made(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(RunFolderError, match="cannot write .*: (not a directory|file exists)"):
        files.write(tmp_path / "file" / "inside", "x")


def test_json_without_nan(tmp_path: Path) -> None:
    files.write_json(tmp_path / "x.json", {"b": 1, "a": [2.5]})
    assert files.read_json(tmp_path / "x.json") == {"b": 1, "a": [2.5]}
    with pytest.raises(ValueError, match="not JSON compliant"):
        files.write_json(tmp_path / "x.json", {"b": float("nan")})
    assert files.read_json(tmp_path / "x.json") == {"b": 1, "a": [2.5]}


@pytest.mark.parametrize("content", [b"", b"{", b"[1]", b"\xff\xfe"])
def test_json_that_is_none(content: bytes, tmp_path: Path) -> None:
    (tmp_path / "x.json").write_bytes(content)
    with pytest.raises(RunFolderError, match="is damaged"):
        files.read_json(tmp_path / "x.json")


def test_sha256() -> None:
    assert files.sha256(b"abc") == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
