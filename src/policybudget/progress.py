"""One progress bar for everything that takes a while: on a terminal a bar, elsewhere a few lines on standard error."""

from __future__ import annotations

import contextlib
import os
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.console import Console
    from rich.progress import Progress

PATIENCE = 2.0
"""Seconds before a line says that something is being computed."""


_terminal: int | None = None


def terminal() -> int:
    """The descriptor of standard error, also while :func:`kept_whole` has put a pipe in its place."""
    return 2 if _terminal is None else _terminal


@contextmanager
def kept_whole(console: Console) -> Iterator[None]:
    """Show what others write to standard output and standard error above what a console draws, not into it.

    Those others are libraries in C, and worker processes that are begun meanwhile.

    Args:
        console: on a terminal; it draws on standard error.
    """
    global _terminal
    sys.stdout.flush()
    before, drawn_on = (os.dup(1), os.dup(2)), console.file
    source, sink = os.pipe()
    _terminal = before[1]
    console.file = os.fdopen(os.dup(before[1]), "w", encoding=console.encoding, errors="replace")

    def show() -> None:
        with contextlib.suppress(OSError, ValueError), os.fdopen(source, errors="replace") as lines:
            for line in lines:
                console.print(line.rstrip("\n"), highlight=False, markup=False, soft_wrap=True)

    shown = threading.Thread(target=show, daemon=True)
    shown.start()
    for descriptor in (1, 2):
        os.dup2(sink, descriptor)
    os.close(sink)
    try:
        yield
    finally:
        sys.stdout.flush()
        for descriptor, old in zip((1, 2), before, strict=True):
            os.dup2(old, descriptor)
            os.close(old)
        shown.join(PATIENCE / 10)  # a worker that lives on may hold the pipe open
        console.file.close()
        console.file, _terminal = drawn_on, None


def bar(console: Console) -> Progress:
    """A bar that shows what is done, how far it is, and how long it will take.

    Args:
        console: where it is drawn.

    Returns:
        The bar, not yet started.
    """
    from rich.progress import BarColumn, Progress, Task, TaskProgressColumn, TextColumn, TimeRemainingColumn
    from rich.text import Text

    class Left(TimeRemainingColumn):
        def render(self, task: Task) -> Text:
            return Text() if task.total is None else super().render(task).append(" left")

    return Progress(
        TextColumn("{task.description}"),
        BarColumn(bar_width=None),
        TaskProgressColumn(),
        Left(compact=True),
        console=console,
        refresh_per_second=5,
    )


@contextmanager
def progress(what: str, total: int) -> Iterator[Callable[[str], None]]:
    """Show progress on standard error while a block runs.

    Where standard error is no terminal, a line says after two seconds what is being done, and another one every tenth
    of the way.

    Args:
        what: what is being done, before the first step.
        total: number of steps.

    Yields:
        A function to call after every step, with a text that says what came of it.
    """
    began, done, tenth = time.perf_counter(), 0, 0
    live = sys.stderr.isatty()
    notice = threading.Timer(PATIENCE, lambda: print(f"{what} ...", file=sys.stderr))
    if live:
        from rich.console import Console

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
