"""Ctrl-C: never lost, never a traceback. One line says what goes on with the run, or that nothing was begun.

While a command starts up, the process ends at once: a KeyboardInterrupt in the midst of imports is at times swallowed
or turned into another error. A training is unwound, so that worlds are closed; if the KeyboardInterrupt was swallowed
there (by a callback of the compiler, say), it is raised again after the iteration.
"""

from __future__ import annotations

import os
import signal
import sys
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

if TYPE_CHECKING:  # until end_at_once is called, every import counts
    from collections.abc import Iterator
    from pathlib import Path
    from types import FrameType
    from typing import NoReturn

    from policybudget.training.events import Event, Listener

STATUS = 130
SHOW_CURSOR = "\r\x1b[K\x1b[?25h"
"""What a terminal needs where a progress bar may have been cut off."""


def say(then: str) -> int:
    """Write the line.

    Args:
        then: what goes on; "" for nothing more to say.

    Returns:
        The exit status.
    """
    from policybudget.progress import terminal

    line = f"policybudget: interrupted{'; ' if then else ''}{then}\n"
    with suppress(OSError):
        os.write(terminal(), ((SHOW_CURSOR if os.isatty(terminal()) else "") + line).encode())
    return STATUS


def end_at_once(then: str = "") -> None:
    """From now on, Ctrl-C ends this process at once.

    Args:
        then: what the line says beside "interrupted".
    """

    def end(number: int, frame: FrameType | None) -> NoReturn:
        os._exit(say(then))

    signal.signal(signal.SIGINT, end)


@contextmanager
def unwinding(folder: Path) -> Iterator[Listener]:
    """Ctrl-C unwinds a training, or several; pressed again, it ends the process at once.

    Args:
        folder: of the run, or of several.

    Yields:
        A listener that raises what was swallowed.

    Raises:
        KeyboardInterrupt: with what goes on, in words.
    """
    came, ignored = False, sys.unraisablehook

    def interrupt(number: int, frame: FrameType | None) -> NoReturn:
        nonlocal came
        if came:
            os._exit(say(goes_on(folder)))
        came = True
        raise KeyboardInterrupt

    def listener(event: Event) -> None:
        if came:
            raise KeyboardInterrupt

    def unraisable(what: sys.UnraisableHookArgs) -> None:
        if not issubclass(what.exc_type, KeyboardInterrupt):
            ignored(what)

    before, sys.unraisablehook = signal.signal(signal.SIGINT, interrupt), unraisable
    try:
        yield listener
    except BaseException as error:
        if came or isinstance(error, KeyboardInterrupt):
            raise KeyboardInterrupt(goes_on(folder)) from None
        raise
    finally:
        sys.unraisablehook = ignored
        signal.signal(signal.SIGINT, before)


def goes_on(folder: Path) -> str:
    """How a training that was interrupted goes on.

    Args:
        folder: of the run, or of several.
    """
    from policybudget.runs.folder import FIRST

    begun = any((folder / name).exists() for name in FIRST)
    return f"policybudget resume {folder} goes on" if begun else "nothing was begun"
