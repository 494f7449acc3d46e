"""The launcher for clusters: every unit is a task of Ray, on one core of any machine that sees the study's folder.

A task gives back one short record; what matters is in the shared folder. A task whose node is lost is tried again by
Ray elsewhere, and goes on from the checkpoint in that folder. Nothing is kept in Ray's store, or in this process.
"""

from __future__ import annotations

import fcntl
import logging
import os
import tempfile
import time
from collections.abc import Generator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from policybudget import runtime
from policybudget.errors import extra
from policybudget.studies.launcher import MOST_BEGINNINGS
from policybudget.studies.work import Ended, work

POLL_SECONDS = 0.5
AGAIN_SECONDS = 2.0
"""Before a unit that another process works on is asked for again: that of a lost node may live on for a while."""
_core: int | None = None


@dataclass(frozen=True)
class OnRay:
    """A launcher: tasks of a Ray cluster.

    The cluster is that which this process is connected to, or ``RAY_ADDRESS`` names, or one of this machine alone.

    Args:
        count: cores of a cluster that is begun here; all if None. A cluster that is there has its own.
    """

    count: int | None = None

    def __post_init__(self) -> None:
        with extra("ray", "studies on a cluster"):
            import ray  # noqa: F401

    def __call__(self, folders: Sequence[Path]) -> Generator[Ended | None, None, None]:
        """Run units; closing the generator cancels what waits and stops what runs.

        Args:
            folders: of the units, in a file system that all nodes share.

        Yields:
            Each unit when it has ended; several times a second None.
        """
        import ray

        _connect(self.count)
        task = ray.remote(num_cpus=1, max_retries=MOST_BEGINNINGS - 1)(_task)
        asked = {task.remote(str(folder.absolute())): folder for folder in folders}
        later = list[tuple[float, Path]]()
        try:
            while asked or later:
                now = time.monotonic()
                for due in [one for one in later if one[0] < now]:
                    later.remove(due)
                    asked[task.remote(str(due[1].absolute()))] = due[1]
                if not asked:
                    time.sleep(POLL_SECONDS)
                    continue
                done, _ = ray.wait(list(asked), num_returns=1, timeout=POLL_SECONDS)
                for one in done:
                    ended = _answer(one, asked.pop(one))
                    if ended.status == "taken":
                        later.append((time.monotonic() + AGAIN_SECONDS, ended.folder))
                    else:
                        yield ended
                yield None
        finally:
            for one in asked:
                ray.cancel(one, force=True)


def _connect(count: int | None) -> None:
    import ray

    if ray.is_initialized():
        return
    address = os.environ.get("RAY_ADDRESS")
    about: dict[str, Any] = {"address": address} if address else {"num_cpus": count, "include_dashboard": False}
    ray.init(log_to_driver=False, logging_level=logging.ERROR, **about)


def _answer(reference: Any, folder: Path) -> Ended:
    import ray

    try:
        status, message = ray.get(reference)
    except ray.exceptions.RayError as error:
        return Ended(folder, "failed", f"its task was lost {MOST_BEGINNINGS} times: {type(error).__name__}")
    return Ended(folder, status, message)


def _task(folder: str) -> tuple[str, str]:
    """What a process of a node runs: one unit, on a core that no other process of this machine has."""
    global _core
    if _core is None:
        _core = _claimed(runtime.available())
        os.sched_setaffinity(0, {_core})
    ended = work(Path(folder))
    return ended.status, ended.message


def _claimed(cores: Sequence[int]) -> int:
    """A free core; it is free again when this process has ended, however that ends. Any core if none is free."""
    place = Path(tempfile.gettempdir()) / f"policybudget-cores-{os.getuid()}"
    place.mkdir(mode=0o700, exist_ok=True)
    for core in cores:
        handle = os.open(place / str(core), os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(handle)
        else:
            return core
    return cores[os.getpid() % len(cores)]
