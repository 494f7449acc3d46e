"""Live progress in the terminal: how far, the best that is known, who is in which group, how fast, how long to go."""

from __future__ import annotations

import os
from contextlib import ExitStack
from types import TracebackType

import numpy as np
from rich.console import Console, Group
from rich.live import Live
from rich.text import Text

from policybudget.progress import bar, kept_whole
from policybudget.training.events import Event

SHOWN_GROUPS = 8


class LiveProgress:
    """A listener that draws a progress bar; on something that is no terminal, a line every tenth of the way.

    Use as a context manager.

    Args:
        console: where it draws; standard error if None. Nothing is shown on a quiet one.
    """

    def __init__(self, console: Console | None = None) -> None:
        self.console = console or Console(stderr=True)
        self._bar, self._below = bar(self.console), Text()
        self._task = self._bar.add_task("compiling", total=None)
        self._drawn = self.console.is_terminal and not self.console.quiet
        self._live = Live(Group(self._bar, self._below), console=self.console, refresh_per_second=5)
        self._whole = ExitStack()
        self._first: Event | None = None
        self._tenth = -1

    def __enter__(self) -> LiveProgress:
        if self._drawn:
            if self.console.stderr and os.isatty(2):
                self._whole.enter_context(kept_whole(self.console))
            self._live.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if not self._drawn:
            return
        if error is None:
            self._bar.update(self._task, description="done", total=1, completed=1)
        self._live.stop()
        self._whole.close()

    def __call__(self, event: Event) -> None:
        """Hear of an iteration.

        Args:
            event: the iteration that has ended.
        """
        if self.console.quiet:
            return
        self._first = self._first or event
        if self._drawn:
            self._bar.update(self._task, description=_phase(event), total=event.of, completed=event.transitions)
            self._below.plain = f"{_known(event)}{_groups(event)}\n{self._pace(event)}"
        elif (tenth := 10 * event.transitions // event.of) > self._tenth:
            self._tenth = tenth
            self._line(f"{100 * event.transitions // event.of:3d}%  {_phase(event)}  {_known(event)}  {_so_far(event)}")
        if event.phase + 1 == len(event.phases) and event.iteration == event.iterations:
            self.say("judging" if event.transitions == event.of else "choosing and judging")

    def say(self, what: str) -> None:
        """Say what is being done after the last iteration.

        Args:
            what: in a word or two.
        """
        if self._drawn:
            self._bar.remove_task(self._task)
            self._task = self._bar.add_task(what, total=None)
        else:
            self._line(what)

    def _line(self, text: str) -> None:
        self.console.print(text, highlight=False, soft_wrap=True)

    def _pace(self, event: Event) -> str:
        assert self._first is not None
        seconds, done = event.seconds - self._first.seconds, event.transitions - self._first.transitions
        speed = f"  {amount(done / seconds)}/s" if seconds > 0 else ""
        each = f"{amount(event.each)} of {amount(event.each_of)} transitions per policy"
        return f"{each}, {amount(event.transitions)} of {amount(event.of)} in all{speed}"


def _phase(event: Event) -> str:
    return event.phases[event.phase] if len(event.phases) > 1 else "training"


def _known(event: Event) -> str:
    return "best known welfare " + ("–" if np.isnan(event.best) else f"{event.best:.2f}")


def _so_far(event: Event) -> str:
    return f"{amount(event.transitions)} transitions, {amount(event.each)} per policy"


def _groups(event: Event) -> str:
    sizes = np.round(np.asarray(event.report.group_size)).astype(int)
    groups = " ".join(str(size) for size in sizes[:SHOWN_GROUPS]) + (" ..." if len(sizes) > SHOWN_GROUPS else "")
    unserved = int(event.report.unserved)
    return f"  users per policy {groups}" + (f", of {sizes.sum() + unserved}" if unserved else "")


def amount(count: int | float) -> str:
    """A number of transitions in thousands or millions.

    Args:
        count: 0 or more.

    Returns:
        Such as ``950``, ``12.3k`` and ``1.5M``.
    """
    size, unit = next(((size, unit) for size, unit in ((1e6, "M"), (1e3, "k")) if count >= size), (1, ""))
    return f"{count / size:.{1 if unit else 0}f}".removesuffix(".0") + unit
