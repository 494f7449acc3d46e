"""Folders that are no bundles, though they look like one: every one is refused in one line, without much memory."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from robustness.inputs import place
from robustness.inputs.bundles import forge

from policybudget.deployment.bundle import load
from policybudget.deployment.verify import LARGEST, verify
from policybudget.errors import RunFolderError
from policybudget.runs import arrays

ALONE, TABLES = "policies/00.safetensors", "assignment.safetensors"


@pytest.fixture
def bundle(tmp_path: Path) -> Path:
    return place.bundle(tmp_path / "bundle")


def test_pipes_folders_links_and_files_without_end(bundle: Path) -> None:
    verify(bundle)
    (bundle / "sbom.json").unlink()
    os.mkfifo(bundle / "sbom.json")
    with pytest.raises(RunFolderError, match="it is a device, not a file"):
        verify(bundle)
    (bundle / "sbom.json").unlink()
    (bundle / "sbom.json").mkdir()
    with pytest.raises(RunFolderError, match="is a directory"):
        verify(bundle)
    (bundle / "sbom.json").rmdir()
    with pytest.raises(RunFolderError, match="sbom.json is missing, which bundle.json names"):
        verify(bundle)
    (bundle / "sbom.json").touch()
    os.truncate(bundle / "sbom.json", LARGEST)
    with pytest.raises(RunFolderError, match="more than 2,147,483,648"):
        verify(bundle)
    (bundle / "bundle.json").rename(bundle.parent / "bundle.json")
    with pytest.raises(RunFolderError, match="is no bundle: it has no bundle.json"):
        verify(bundle)
    (bundle / "bundle.json").symlink_to(bundle.parent / "bundle.json")
    with pytest.raises(RunFolderError, match="bundle.json is a link"):
        verify(bundle)


def test_a_folder_that_is_a_link(bundle: Path) -> None:
    shutil.move(bundle / "policies", bundle.parent / "policies")
    (bundle / "policies").symlink_to(bundle.parent / "policies")
    with pytest.raises(RunFolderError, match="policies is not one of the files that bundle.json names"):
        verify(bundle)


@pytest.mark.parametrize(
    ("change", "line"),
    [
        ({"users": ["ann", "ann", "cem"]}, "a name stands for two users"),
        ({"promises": [1.0]}, "expected a promise for each policy"),
        ({"format": True}, "has format True|format"),
        ({"format": 0}, "has format 0; this version reads 1"),
        ({"components": ["0"]}, "expected features of shape"),
        ({"parameters": ["x"]}, "expected parameters of shape"),
        ({"users": ["ann", "bob"]}, "expected assignment of shape"),
        ({"architecture": {"observation_size": 10**6}}, "expected actor.network.layers.0.weight of shape"),
        ({"architecture": {"hidden": [10**6] * 100}}, "does not fit its configuration"),
        ({"architecture": {"hidden": [10**12]}}, "hidden"),
        ({"architecture": {"actions": {"shape": [10**12, 10**12]}}}, "a shape of 2 numbers"),
        ({"architecture": {"actions": {"sizes": [2, 10**7]}}}, "sizes"),
    ],
)
def test_records_that_do_not_fit(bundle: Path, change: dict[str, Any], line: str) -> None:
    record = place.read_json(bundle / "bundle.json")

    def merged(old: dict[str, Any], new: dict[str, Any]) -> dict[str, Any]:
        return old | {key: merged(old[key], part) if isinstance(part, dict) else part for key, part in new.items()}

    (bundle / "bundle.json").write_text(json.dumps(merged(record, change)))
    with pytest.raises(RunFolderError, match=line):
        load(bundle)


@pytest.mark.parametrize(
    ("file", "name", "make", "line"),
    [
        (ALONE, "normaliser.mean", lambda a: np.full_like(a, np.nan), "expected normaliser.mean to be finite numbers"),
        (ALONE, "normaliser.mean", lambda a: a.astype(np.float64), "finite numbers of type float32"),
        (ALONE, "actor.network.layers.9.weight", lambda a: np.ones((1, 2, 2), np.float32), "is none of its arrays"),
        (TABLES, "returns", lambda a: np.full_like(a, np.inf), "expected returns to be finite numbers"),
        (TABLES, "assignment", lambda a: a * 2, "columns of probabilities"),
        (TABLES, "assignment", lambda a: a - 1, "columns of probabilities"),
        (TABLES, "features", lambda a: np.float32(3), "expected features of shape"),
        (TABLES, "more", lambda a: np.ones(2, np.float32), "more is none of its arrays"),
    ],
)
def test_numbers_that_are_forged(bundle: Path, file: str, name: str, make: Callable[[Any], Any], line: str) -> None:
    found, _ = arrays.read(bundle / file)
    forge(bundle, file, arrays.dump(found | {name: np.asarray(make(found.get(name)))}))
    with pytest.raises(RunFolderError, match=line):
        load(bundle)
    forge(bundle, file, arrays.dump(found))
    load(bundle)


@pytest.mark.parametrize("size", [2**64 - 1, 2**63, 10**12, 10**8, 10**5, 0])
def test_a_header_that_says_it_is_long(bundle: Path, size: int) -> None:
    forge(bundle, ALONE, size.to_bytes(8, "little") + (bundle / ALONE).read_bytes()[8:])
    with pytest.raises(RunFolderError, match="is truncated or damaged"):
        load(bundle)
