"""What several commands share while something is computed."""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from policybudget.highs import quiet as solving

__all__ = ["progress", "solving"]

PATIENCE = 2.0


@contextmanager
def progress(what: str, total: int) -> Iterator[Callable[[str], None]]:
    """A bar on standard error; if that is no terminal, after two seconds what is done and a line every tenth of it."""
    began, done, tenth = time.perf_counter(), 0, 0
    live = sys.stderr.isatty()
    notice = threading.Timer(PATIENCE, lambda: print(f"{what} ...", file=sys.stderr))
    if live:
        from rich.console import Console

        from policybudget.progress import bar

        shown = bar(Console(stderr=True))
        task = shown.add_task(what, total=None)
        shown.start()
    else:
        notice.start()

    def tick(text: str) -> None:
        nonlocal done, tenth
        done += 1
        if live:
            shown.update(task, description=text, total=total, completed=done)
        elif time.perf_counter() - began > PATIENCE and 10 * done // total > tenth:
            tenth = 10 * done // total
            print(f"{100 * done // total:3d}%  {text}", file=sys.stderr)

    try:
        yield tick
    finally:
        notice.cancel()
        if live:
            shown.stop()
