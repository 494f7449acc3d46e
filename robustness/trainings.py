"""Tiny trainings over every algorithm and search, and what must be the same of two run folders."""

from __future__ import annotations

import csv
import hashlib
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from queue import Queue
from typing import Any

from robustness.inputs.records import TOGETHER

SMALL = (
    "--copies",
    "4",
    "--steps",
    "32",
    "--minibatch",
    "64",
    "--epochs",
    "1",
    "--hidden",
    "8",
    "--transitions",
    "1024",
)
"""A few iterations, in the world where most algorithms and searches go together."""
ROOT = Path(__file__).parents[1]
"""Of the repository: where this package is found."""
SECONDS = 300.0
"""A training of this suite that takes longer hangs: undisturbed, it takes a few."""
CLOCKS = {"seconds", "transitions_per_s"}
PLAIN = ("policies.safetensors", "returns.safetensors", "prototypes.safetensors", "assignment.csv", "config.json")


def commands() -> dict[str, tuple[str, ...]]:
    """Options of ``policybudget train`` by name: every algorithm and every search, a robot, and users from a file."""
    found = {f"{rule} {search}": ("--algorithm", rule, "--search", search, *SMALL) for rule, search in TOGETHER}
    robot = ("--world", "ant-direction", "--population", "goals.csv", "--algorithm", "em", "--search", "plain")
    return found | {"robot": (*robot, "--budget", "2", *SMALL)}


def prepare(folder: Path) -> None:
    """Files that the trainings are given.

    Args:
        folder: the working directory of the trainings.
    """
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "goals.csv").write_text("name,direction\nann,10\nbob,100\ncleo,200\n")


def started(words: Sequence[str], folder: Path, cache: Path) -> subprocess.Popen[bytes]:
    """A process of ``policybudget``, on one core.

    Args:
        words: of the command line.
        folder: the working directory.
        cache: for compiled functions; the processes share it, so that they start fast.
    """
    return started_module("policybudget.cli.main", words, folder, cache)


def started_module(module: str, words: Sequence[str], folder: Path, cache: Path) -> subprocess.Popen[bytes]:
    """A process of a module.

    Args:
        module: run by ``python -m``.
        words: of its command line.
        folder: the working directory.
        cache: for compiled functions.
    """
    environment = os.environ | {"JAX_COMPILATION_CACHE_DIR": str(cache), "JAX_PLATFORMS": "cpu", "MPLBACKEND": "Agg"}
    environment["PYTHONPATH"] = os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")])
    return subprocess.Popen(
        (sys.executable, "-m", module, *words), cwd=folder, env=environment,
        stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
    )  # fmt: skip


def side_by_side(processes: int) -> ThreadPoolExecutor:
    """Threads that start processes, each on a core of its own: ``--cores 1`` alone would put all on the first one.

    Args:
        processes: how many at a time.
    """
    cores = Queue[int]()
    for number in range(processes):
        cores.put(sorted(os.sched_getaffinity(0))[number % len(os.sched_getaffinity(0))])
    return ThreadPoolExecutor(processes, initializer=lambda: os.sched_setaffinity(0, {cores.get()}))


def words_to_go_on(folder: Path, options: Sequence[str]) -> tuple[str, ...]:
    """What a user types to go on with a training that was killed: resume, or train where nothing was begun.

    Args:
        folder: of the run.
        options: of the training.
    """
    if (folder / "config.json").exists():
        return ("resume", str(folder), "--quiet")
    return ("train", *options, "--cores", "1", "--out", str(folder), "--quiet")


def finished(folder: Path) -> bool:
    """Whether a run has its manifest.

    Args:
        folder: of the run.
    """
    return (folder / "manifest.json").exists()


def content(folder: Path) -> dict[str, Any]:
    """What must be the same of two runs of one seed: everything but the times that were measured.

    Args:
        folder: of a finished run.

    Returns:
        Digests and values by the name of the file.
    """
    found: dict[str, Any] = {}
    for name in PLAIN:
        if (folder / name).exists():
            found[name] = hashlib.sha256((folder / name).read_bytes()).hexdigest()
    outcome = json.loads((folder / "result.json").read_text())
    found["result.json"] = {name: value for name, value in outcome.items() if name != "wall_seconds"}
    manifest = json.loads((folder / "manifest.json").read_text())
    manifest["sha256"].pop("result.json")
    found["manifest.json"] = manifest
    found["metrics.csv"] = metrics(folder / "metrics.csv")
    found["figures"] = {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest() for path in folder.rglob("*.png")
    }
    return found


def metrics(path: Path) -> list[list[str]]:
    """The rows of a metrics.csv without measured times.

    Args:
        path: of the file.
    """
    with path.open(newline="") as file:
        rows = list(csv.reader(file))
    kept = [at for at, name in enumerate(rows[0]) if name not in CLOCKS]
    return [[row[at] for at in kept] for row in rows]


def differences(one: dict[str, Any], other: dict[str, Any]) -> list[str]:
    """The files that are not the same.

    Args:
        one: what :func:`content` gave.
        other: what it gave of another run.
    """
    return sorted(name for name in one.keys() | other.keys() if one.get(name) != other.get(name))


def remove(folder: Path) -> None:
    """Remove a run folder, if there is one.

    Args:
        folder: of the run.
    """
    shutil.rmtree(folder, ignore_errors=True)
