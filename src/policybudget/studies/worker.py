"""A process that runs one unit after another: ``python -m policybudget.studies.worker``.

It reads folders of units from standard input, a line each, and answers each with a line of JSON on standard output.
What it has compiled and imported serves all of its units. It ends when standard input does: with the process that began
it, however that ends.
"""

from __future__ import annotations

import contextlib
import os
import queue
import signal
import sys
import threading
from dataclasses import asdict
from pathlib import Path
from types import FrameType
from typing import TextIO

import msgspec

from policybudget import runtime
from policybudget.studies.work import work

STOPPED = 130
"""The exit status of a worker that was told to stop."""


def main() -> None:
    """Answer until nobody asks."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # who began this process hears of Ctrl-C and decides
    signal.signal(signal.SIGTERM, _unwind)
    answers = _own_output()
    asked = queue.SimpleQueue[str]()
    threading.Thread(target=_listen, args=(asked,), daemon=True).start()
    runtime.use(1)
    while True:
        ended = work(Path(asked.get()))
        with contextlib.suppress(BrokenPipeError):
            answers.write(msgspec.json.encode(asdict(ended) | {"folder": str(ended.folder)}).decode() + "\n")
            answers.flush()


def _listen(asked: queue.SimpleQueue[str]) -> None:
    """Hear of units; end at once when there will be no more: whatever is written is written in one step."""
    for line in sys.stdin:
        asked.put(msgspec.json.decode(line, type=str))
    os._exit(0)


def _unwind(number: int, frame: FrameType | None) -> None:
    """Leave a training in order, so that worlds are closed; told again, at once."""
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    sys.exit(STOPPED)


def _own_output() -> TextIO:
    """Standard output for answers alone; what else is printed, by worlds, say, goes nowhere."""
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 1)
    os.close(nowhere)
    return answers


if __name__ == "__main__":
    main()
