"""Live progress in the terminal: how far, what it is worth, who is in which group, how fast, how long to go."""

from __future__ import annotations

from types import TracebackType

import numpy as np
from rich.console import Console

from policybudget.progress import bar
from policybudget.training.events import Event

SHOWN_GROUPS = 8


class LiveProgress:
    """A listener that draws a progress bar; on something that is no terminal, a line every tenth of the way.

    Use as a context manager.

    Args:
        console: where it draws; standard error if None.
    """

    def __init__(self, console: Console | None = None) -> None:
        self.console = console or Console(stderr=True)
        self._bar = bar(self.console)
        self._task = self._bar.add_task("compiling", total=None)
        self._first: Event | None = None
        self._tenth = -1

    def __enter__(self) -> LiveProgress:
        if self.console.is_terminal:
            self._bar.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self.console.is_terminal:
            self._bar.stop()

    def __call__(self, event: Event) -> None:
        """Hear of an iteration.

        Args:
            event: the iteration that has ended.
        """
        text = self._text(event)
        if self.console.is_terminal:
            self._bar.update(self._task, description=text, total=event.of, completed=event.transitions)
        elif (tenth := 10 * event.transitions // event.of) > self._tenth:
            self._tenth = tenth
            self.console.print(f"{100 * event.transitions // event.of:3d}%  {text}", highlight=False)

    def _text(self, event: Event) -> str:
        self._first = self._first or event
        seconds = event.seconds - self._first.seconds
        speed = (event.transitions - self._first.transitions) / seconds if seconds > 0 else 0.0
        sizes = np.round(np.asarray(event.report.group_size)).astype(int)
        groups = " ".join(str(size) for size in sizes[:SHOWN_GROUPS]) + (" ..." if len(sizes) > SHOWN_GROUPS else "")
        name = f"{event.phases[event.phase]}  " if len(event.phases) > 1 else ""
        outside = f"  unserved {unserved}" if (unserved := int(event.report.unserved)) else ""
        welfare = float(event.report.welfare)
        worth = "     –" if np.isnan(welfare) else f"{welfare:6.2f}"
        return f"{name}welfare {worth}  groups {groups}{outside}  {speed / 1000:.0f}k/s"
