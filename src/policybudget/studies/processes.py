"""The launcher that needs nothing else: worker processes of this machine, a core each. None outlives this process."""

from __future__ import annotations

import math
import os
import selectors
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter, deque
from collections.abc import Generator, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import IO

import msgspec

from policybudget import runtime
from policybudget.studies.launcher import MOST_BEGINNINGS
from policybudget.studies.work import Ended

POLL_SECONDS, GRACE_SECONDS = 0.2, 5.0
"""How often the launcher looks at its processes, and how long they have to end when they are told to."""
AGAIN_SECONDS = 2.0
"""Before a unit that another process works on is asked for again."""
MOST_UNITS = 50
"""Of one process: what it has compiled for units of other shapes takes memory."""


@dataclass(frozen=True)
class Processes:
    """A launcher: processes that take one unit after another.

    Args:
        count: of processes, at most; one per core if None.
    """

    count: int | None = None

    def __call__(self, folders: Sequence[Path]) -> Generator[Ended | None, None, None]:
        """Run units; closing the generator stops what runs.

        A unit whose process was killed (by a person, or for its memory) is begun again, ``MOST_BEGINNINGS`` times in
        all.

        Args:
            folders: of the units.

        Yields:
            Each unit when it has ended; several times a second None.
        """
        cores = runtime.available()[: min(self.count or len(folders), len(folders))]
        with tempfile.TemporaryDirectory(prefix="policybudget-") as scratch, _terminable():
            pool = _Pool(folders, cores, Path(scratch))
            try:
                while pool.left:
                    yield from pool.step()
                    yield None
            finally:
                pool.stop()


class _Pool:
    """The workers and what they have to do."""

    def __init__(self, folders: Sequence[Path], cores: Sequence[int], scratch: Path) -> None:
        self._waiting, self._later = deque(folders), deque[tuple[float, Path]]()
        self._begun, self._scratch = Counter[Path](), scratch
        self._workers = [_Worker(core, scratch) for core in cores]
        self._answers = selectors.DefaultSelector()
        self.left = len(folders)

    def step(self) -> Iterator[Ended]:
        """Give units to idle workers, and hear those that answer."""
        while self._later and self._later[0][0] < time.monotonic():
            self._waiting.append(self._later.popleft()[1])
        for worker in self._workers:
            if worker.folder is None and self._waiting:
                if worker.served == MOST_UNITS:
                    self._forget(worker)
                if worker.process is None:
                    self._answers.register(worker.begin(), selectors.EVENT_READ, worker)
                worker.ask(self._waiting.popleft())
        for key, _ in self._answers.select(POLL_SECONDS):
            if (ended := self._heard(key.data)) is not None:
                self.left -= 1
                yield ended

    def _heard(self, worker: _Worker) -> Ended | None:
        """What has become of its unit; None if that is to be seen."""
        folder, ended = worker.folder, worker.answer()
        if ended is None and folder is None:  # it was idle
            self._forget(worker)
            return None
        assert folder is not None
        if ended is not None and ended.status == "taken":
            self._later.append((time.monotonic() + AGAIN_SECONDS, folder))
            return None
        if ended is not None:
            return ended
        self._forget(worker)
        self._begun[folder] += 1
        if worker.killed and self._begun[folder] < MOST_BEGINNINGS:
            print(f"policybudget: {folder}: {worker.complaint()}; it goes on", file=sys.stderr)
            self._waiting.appendleft(folder)
            return None
        times = f", {MOST_BEGINNINGS} times" if worker.killed else ""
        return Ended(folder, "failed", worker.complaint() + times)

    def _forget(self, worker: _Worker) -> None:
        """Another process will take its place."""
        self._answers.unregister(worker.output)
        worker.end()

    def stop(self) -> None:
        """End all processes."""
        alive = [worker for worker in self._workers if worker.process is not None]
        for worker in alive:
            if worker.folder is not None:
                worker.terminate()
        for worker in alive:
            worker.end()
        self._answers.close()


class _Worker:
    """A process and a core."""

    def __init__(self, core: int, scratch: Path) -> None:
        self._core, self._scratch = core, scratch
        self.process: subprocess.Popen[bytes] | None = None
        self.folder: Path | None = None
        self.served = 0
        self._status, self._errors, self._told = 0, b"", -math.inf

    def begin(self) -> IO[bytes]:
        """A process; gives what it answers on."""
        self._file = tempfile.TemporaryFile(dir=self._scratch)  # noqa: SIM115 - as long as the process lives
        with _pinned(self._core):
            self.process = subprocess.Popen(
                [sys.executable, "-m", "policybudget.studies.worker"],
                stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self._file, bufsize=0,
            )  # fmt: skip
        self.served = 0
        return self.output

    @property
    def output(self) -> IO[bytes]:
        """What it answers on."""
        assert self.process is not None and self.process.stdout is not None
        return self.process.stdout

    def ask(self, folder: Path) -> None:
        """Give it a unit."""
        assert self.process is not None and self.process.stdin is not None
        self.folder, self.served = folder, self.served + 1
        with suppress(BrokenPipeError):  # it has ended, and will be heard of
            self.process.stdin.write(msgspec.json.encode(str(folder.absolute())) + b"\n")

    def answer(self) -> Ended | None:
        """What it says of its unit; None if it has ended."""
        line = self.output.readline()
        folder, self.folder = self.folder, None
        if not line.endswith(b"\n") or folder is None:
            return None
        said = msgspec.json.decode(line, type=Ended, dec_hook=lambda kind, value: kind(value))
        return Ended(folder, said.status, said.message)

    def terminate(self) -> None:
        """Tell it to leave its unit in order."""
        assert self.process is not None
        self.process.terminate()
        self._told = time.monotonic()

    def end(self) -> None:
        """End the process; one that was told to leave its unit has some time for it."""
        assert self.process is not None and self.process.stdin is not None
        with suppress(subprocess.TimeoutExpired):
            self.process.wait(max(0.0, self._told + GRACE_SECONDS - time.monotonic()))
        self.process.stdin.close()  # by which it ends at once
        try:
            self.process.wait(GRACE_SECONDS)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.output.close()
        with self._file:
            self._file.seek(0)
            self._errors = self._file.read()
        self._status, self.process, self.folder = self.process.returncode, None, None

    @property
    def killed(self) -> bool:
        """Whether a signal ended it."""
        return self._status < 0

    def complaint(self) -> str:
        """Why it ended: the signal, or the last line that it wrote to standard error."""
        if self.killed:
            return f"its process was killed by signal {-self._status}"
        lines = self._errors.decode(errors="replace").strip().splitlines()
        return lines[-1].strip() if lines else f"its process ended with status {self._status}"


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
    """Treat SIGTERM like Ctrl-C, so that what runs is left in order."""

    def interrupt(number: int, frame: FrameType | None) -> None:
        raise KeyboardInterrupt

    if threading.current_thread() is not threading.main_thread():  # which alone hears of signals
        yield
        return
    before = signal.signal(signal.SIGTERM, interrupt)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)
