"""One pool of processes: commands side by side, a core each. None outlives this process."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from types import FrameType
from typing import IO

from policybudget import runtime
from policybudget.errors import PolicyBudgetError

PARENT = "POLICYBUDGET_PARENT"
"""The environment variable by which a process knows whose child it is, so as not to outlive it."""
MOST_BEGINNINGS = 3
POLL_SECONDS, GRACE_SECONDS = 0.2, 5.0
"""How often the pool looks at its processes, and how long they have to end when they are told to."""


@dataclass(frozen=True)
class Job:
    """A command line of policybudget.

    Attributes:
        name: for messages.
        arguments: gives what follows ``policybudget``; asked again if the process was killed, to go on with its work.
    """

    name: str
    arguments: Callable[[], tuple[str, ...]]


@dataclass
class Child:
    """A job that runs or has ended.

    Attributes:
        job: what runs.
        core: that it is pinned to.
        process: of the operating system.
        errors: what it writes to standard error.
        cpu_seconds: that it took, once it has ended; NaN where the system does not tell.
    """

    job: Job
    core: int
    process: subprocess.Popen[bytes]
    errors: IO[bytes]
    cpu_seconds: float = float("nan")

    def ended(self) -> bool:
        """Whether the process has ended."""
        if not hasattr(os, "wait4"):
            return self.process.poll() is not None
        if self.process.returncode is None:
            number, status, usage = os.wait4(self.process.pid, os.WNOHANG)
            if number:
                self.process.returncode = os.waitstatus_to_exitcode(status)
                self.cpu_seconds = usage.ru_utime + usage.ru_stime
        return self.process.returncode is not None

    def complaint(self) -> str:
        """The last line that it wrote to standard error, without the name of the program."""
        self.errors.seek(0)
        lines = self.errors.read().decode(errors="replace").strip().splitlines()
        if self.process.returncode < 0:
            return f"{self.killed()}, {MOST_BEGINNINGS} times"
        silent = f"exit status {self.process.returncode}"
        return lines[-1].removeprefix("policybudget: ").strip() if lines else silent

    def killed(self) -> str:
        """By which signal the process ended."""
        return f"its process was killed by signal {-self.process.returncode}"


def run_all(
    jobs: Iterable[Job],
    processes: int | None = None,
    watch: Callable[[Child], None] = lambda child: None,
    done: Callable[[Child], None] = lambda child: None,
) -> None:
    """Run jobs side by side, each on one core; the others are stopped if one fails or this process is.

    A job whose process was killed (by a person, or for its memory) is begun again, ``MOST_BEGINNINGS`` times in all.

    Args:
        jobs: in this order.
        processes: how many at a time; one per core if None.
        watch: called several times a second for each job that runs.
        done: called when a job has ended well.

    Raises:
        PolicyBudgetError: a job failed.
    """
    waiting, running, begun = list(jobs), list[Child](), Counter[str]()
    free = runtime.available()[:processes]
    with tempfile.TemporaryDirectory(prefix="policybudget-") as scratch, _terminable():
        try:
            while waiting or running:
                while waiting and free:
                    running.append(_begin(waiting.pop(0), free.pop(0), scratch))
                time.sleep(POLL_SECONDS)
                for child in list(running):
                    watch(child)
                    if not child.ended():
                        continue
                    running.remove(child)
                    free.append(child.core)
                    with child.errors:
                        begun[child.job.name] += 1
                        if child.process.returncode < 0 and begun[child.job.name] < MOST_BEGINNINGS:
                            print(f"policybudget: {child.job.name}: {child.killed()}; it goes on", file=sys.stderr)
                            waiting.insert(0, child.job)
                        elif child.process.returncode != 0:
                            raise PolicyBudgetError(f"{child.job.name} failed: {child.complaint()}")
                        else:
                            done(child)
        finally:
            _stop(running)


def _begin(job: Job, core: int, scratch: str) -> Child:
    command = [sys.executable, "-m", "policybudget", *job.arguments()]
    errors = tempfile.TemporaryFile(dir=scratch)  # noqa: SIM115 - as long as the child lives
    with _pinned(core):
        process = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=errors,
            env=os.environ | {PARENT: str(os.getpid())},
        )  # fmt: skip
    return Child(job, core, process, errors)


@contextmanager
def _pinned(core: int) -> Iterator[None]:
    """Run on one core; a process started meanwhile stays on it, from its first thread on."""
    if not hasattr(os, "sched_setaffinity"):
        yield
        return
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {core})
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)


@contextmanager
def _terminable() -> Iterator[None]:
    """Treat SIGTERM like Ctrl-C, so that no child outlives this process."""

    def interrupt(number: int, frame: FrameType | None) -> None:
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGTERM, interrupt)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def _stop(children: Sequence[Child]) -> None:
    for child in children:
        if not child.ended():
            child.process.terminate()
    deadline = time.monotonic() + GRACE_SECONDS
    for child in children:
        while not child.ended() and time.monotonic() < deadline:
            time.sleep(POLL_SECONDS / 4)
        if not child.ended():
            child.process.kill()
            child.process.wait()
        child.errors.close()
