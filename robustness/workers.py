"""Inputs spread over processes. A process that dies or hangs is a finding, and another one takes its place."""

from __future__ import annotations

import multiprocessing
import os
import resource
import shutil
import sys
import tempfile
import time
from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess
from pathlib import Path
from random import Random

from robustness.judge import Case, Judgement, Reader, judge, random_of

MEMORY = 6 * 2**30
"""Bytes of address space that a process may take beyond what it has before its first input."""
PATIENCE = 150.0
"""Seconds without a word after which a process is ended: it hangs where no signal wakes it."""
CHUNK = 50
Heard = Callable[["Finding | None", str, str], None]


@dataclass(frozen=True)
class Span:
    """Some inputs of a reader.

    Attributes:
        reader: its name.
        seed: of the suite.
        first: the first index.
        last: the index after the last.
    """

    reader: str
    seed: int
    first: int
    last: int


@dataclass(frozen=True)
class Finding:
    """An input that was neither accepted nor refused.

    Attributes:
        reader: its name.
        seed: of the suite.
        index: of the input.
        outcome: what came of it, in a word.
        what: the same in words.
    """

    reader: str
    seed: int
    index: int
    outcome: str
    what: str


class Place:
    """Where readers are opened, each in a folder of its own; it is the working directory while a reader reads.

    Args:
        folder: an empty folder.
        readers: by name.
    """

    def __init__(self, folder: Path, readers: dict[str, Reader]) -> None:
        self.folder, self.readers = folder, readers
        self._open = dict[str, Callable[[Random], Case]]()

    def judged(self, reader: str, seed: int, index: int) -> Judgement:
        """What comes of an input.

        Args:
            reader: its name.
            seed: of the suite.
            index: of the input.
        """
        top = self.folder / reader.replace(" ", "-")
        inner = top / "place"
        if reader not in self._open:
            shutil.rmtree(top, ignore_errors=True)
            inner.mkdir(parents=True)
            os.chdir(inner)
            self._open[reader] = self.readers[reader].open(inner)
        os.chdir(inner)
        found = judge(self._open[reader](random_of(seed, reader, index)), top)
        if found.what:
            del self._open[reader]  # what it has may be damaged
        return found


@dataclass
class _Worker:
    """A process and what it has to do."""

    process: BaseProcess
    connection: Connection
    span: Span | None = None
    done: int = 0
    heard: float = field(default_factory=time.monotonic)


def judged_by_processes(spans: Iterable[Span], processes: int, heard: Callable[[Span, int, Judgement], None]) -> None:
    """Judge inputs in several processes.

    Args:
        spans: the inputs.
        processes: how many.
        heard: told of every input: its span, its index, and what came of it.
    """
    waiting = deque(spans)
    with tempfile.TemporaryDirectory(prefix="fuzz-") as folder:
        workers = [_begun(Path(folder)) for _ in range(min(processes, len(waiting)))]
        try:
            while workers:
                wait([worker.connection for worker in workers], timeout=1.0)
                workers = [new for one in workers if (new := _listened(one, waiting, heard, Path(folder))) is not None]
        finally:
            for worker in workers:
                worker.process.kill()


def _listened(
    worker: _Worker, waiting: deque[Span], heard: Callable[[Span, int, Judgement], None], folder: Path
) -> _Worker | None:
    """Hear what a process has to say; the process that is there from then on, or None."""
    try:
        while worker.connection.poll():
            said, worker.heard = worker.connection.recv(), time.monotonic()
            if said is not None:
                assert worker.span is not None
                heard(worker.span, worker.span.first + worker.done, said)
                worker.done += 1
            elif waiting:  # it asks for more
                worker.span, worker.done = waiting.popleft(), 0
                worker.connection.send(worker.span)
            else:
                worker.connection.send(None)
                worker.process.join()
                return None
    except (EOFError, OSError):
        worker.process.join()
        return _instead(
            worker, Judgement("crash", f"the process ended with {worker.process.exitcode}"), waiting, heard, folder
        )
    if time.monotonic() - worker.heard > PATIENCE:
        worker.process.kill()
        return _instead(worker, Judgement("hang", "not even a signal ended it"), waiting, heard, folder)
    return worker


def _instead(
    worker: _Worker,
    found: Judgement,
    waiting: deque[Span],
    heard: Callable[[Span, int, Judgement], None],
    folder: Path,
) -> _Worker:
    """A process that takes the place of one that ended, and goes on after the input that ended it."""
    if (span := worker.span) is None:
        raise RuntimeError(f"a process ended before its first input: {found.what}")
    index = span.first + worker.done
    heard(span, index, found)
    if index + 1 < span.last:
        waiting.appendleft(Span(span.reader, span.seed, index + 1, span.last))
    return _begun(folder)


def _begun(folder: Path) -> _Worker:
    context = multiprocessing.get_context("spawn")
    here, there = context.Pipe()
    process = context.Process(target=_work, args=(there, folder), daemon=True)
    process.start()
    there.close()
    return _Worker(process, here)


def _work(connection: Connection, folder: Path) -> None:
    """What a process does: ask for inputs, judge them, tell."""
    own = Path(tempfile.mkdtemp(dir=folder))
    os.dup2(os.open(own / "errors.txt", os.O_CREAT | os.O_WRONLY), sys.stderr.fileno())
    from robustness.inputs import READERS

    place = Place(own, READERS)
    limit_memory()
    while True:
        connection.send(None)
        span = connection.recv()
        if span is None:
            return
        for index in range(span.first, span.last):
            connection.send(place.judged(span.reader, span.seed, index))


def limit_memory() -> None:
    """What is allocated beyond all reason fails, and does not take the machine with it."""
    with open("/proc/self/statm") as file:
        taken = int(file.read().split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (taken + MEMORY, resource.RLIM_INFINITY))
