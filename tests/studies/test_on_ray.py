"""The launcher for clusters."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from policybudget.studies import on_ray
from policybudget.studies.unit import finished
from policybudget.studies.work import Ended

ON_RAY = """
import sys
from pathlib import Path
from policybudget.studies.on_ray import OnRay
for ended in OnRay(1)([Path(folder) for folder in sys.argv[1:]]):
    if ended is not None:
        print(ended.folder.name, ended.status, ended.message)
"""


def test_ray_is_an_extra(
    empty_place: Path, monkeypatch: pytest.MonkeyPatch, one_line: Callable[[list[str]], str]
) -> None:
    monkeypatch.setitem(sys.modules, "ray", None)
    Path("plan.toml").write_text("seeds = 1")
    line = one_line(["study", "plan.toml", "--out", "new", "--launcher", "ray"])
    assert 'studies on a cluster need ray: pip install "policybudget[ray]"' in line
    assert not Path("new").exists()


def test_no_two_processes_have_one_core(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(on_ray.tempfile, "gettempdir", lambda: str(tmp_path))
    assert [on_ray._claimed([3, 5]) for _ in range(2)] == [3, 5]
    assert on_ray._claimed([3, 5]) in (3, 5), "no core is free"


def test_a_task_gives_back_what_work_says(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pinned = list[set[int]]()
    monkeypatch.setattr(on_ray, "_core", None)
    monkeypatch.setattr(on_ray.tempfile, "gettempdir", lambda: str(tmp_path))
    monkeypatch.setattr(on_ray.os, "sched_setaffinity", lambda process, cores: pinned.append(cores))
    monkeypatch.setattr(on_ray, "work", lambda folder: Ended(folder, "failed", "why"))
    assert on_ray._task(str(tmp_path)) == ("failed", "why") == on_ray._task(str(tmp_path))
    assert [len(cores) for cores in pinned] == [1], "once per process"


def test_a_unit_that_is_finished_and_one_that_cannot_begin(tmp_path: Path) -> None:
    pytest.importorskip("ray")
    for name in ("done", "none"):
        (tmp_path / name).mkdir()
    (tmp_path / "done" / "manifest.json").touch()
    command = [sys.executable, "-c", ON_RAY, str(tmp_path / "done"), str(tmp_path / "none")]
    environment = os.environ | {"RAY_worker_niceness": "0", "RAY_DEDUP_LOGS": "0"}
    ran = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    lines = sorted(ran.stdout.splitlines())
    assert lines[0] == "done finished " and lines[1].startswith("none failed ") and "config.json is missing" in lines[1]
    assert not finished(tmp_path / "none")
