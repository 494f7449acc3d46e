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


def test_only_regular_files_are_read_and_none_longer_than_allowed(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    for path in (tmp_path / "pipe", Path("/dev/zero")):
        for read in (files.read, files.read_json, files.sha256_of, files.size_of):
            with pytest.raises(RunFolderError, match="it is a device, not a file"):
                read(path)
    with pytest.raises(RunFolderError, match="is a directory"):
        files.sha256_of(tmp_path)
    with pytest.raises(RunFolderError, match="x is missing"):
        files.sha256_of(tmp_path / "x")
    sparse = tmp_path / "sparse.json"
    sparse.touch()
    os.truncate(sparse, 2**40)
    with pytest.raises(RunFolderError, match="expected at most 67,108,864 bytes, got 1,099,511,627,776"):
        files.read_json(sparse)
    (tmp_path / "some").write_bytes(b"some")
    assert files.read(tmp_path / "some", 4) == b"some" and files.size_of(tmp_path / "some") == 4
    assert files.sha256_of(tmp_path / "some") == files.sha256(b"some")


def test_no_file_takes_the_place_of_a_device_or_a_folder(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    for path in (tmp_path / "pipe", tmp_path, Path("/dev/null")):
        with pytest.raises(RunFolderError, match="is a folder or a device; give the name of a file"):
            files.write(path, "x")
    assert Path("/dev/null").is_char_device() and names(tmp_path) == ["pipe"]
