"""One JSON object per line, on standard error: what was asked and how it ended; not for whom, nor what was observed."""

from __future__ import annotations

import logging
import os
import sys
import traceback
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any

import msgspec
from msgspec import UNSET, Struct, UnsetType

from policybudget.errors import one_line

LONGEST = 100
"""Characters of a path."""


class Line(Struct, frozen=True, omit_defaults=True, tag="request", tag_field="event"):
    """A request, as it ended."""

    time: datetime
    method: str
    path: str
    status: int
    ms: float
    client: str
    policy: int | UnsetType = UNSET
    error: str | UnsetType = UNSET


class Log:
    """Where lines go.

    Args:
        requests: whether there is a line for each request.
        file: the descriptor that is written to; that of standard error if None.
    """

    def __init__(self, requests: bool = True, file: int | None = None) -> None:
        self.requests = requests
        self._file = file
        self._encoder = msgspec.json.Encoder()

    def request(self, line: Line) -> None:
        """A request has ended.

        Args:
            line: about it.
        """
        self._write(line)

    def event(self, event: str, **about: Any) -> None:
        """Anything else.

        Args:
            event: what happened, in a word.
            **about: what is to be known about it.
        """
        self._write({"time": datetime.now(UTC), "event": event} | about)

    def failure(self, error: BaseException) -> None:
        """An error of this package's own.

        Args:
            error: with its traceback.
        """
        text = "".join(traceback.format_exception(error))
        self.event("failure", error=one_line(repr(error)), traceback=text[-8000:])

    def _write(self, line: Any) -> None:
        with suppress(OSError, ValueError):  # nobody reads them: that must not stop the service
            file = sys.stderr.fileno() if self._file is None else self._file
            os.write(file, self._encoder.encode(line) + b"\n")


class Handler(logging.Handler):
    """Records of other packages as lines.

    Args:
        log: where they go.
    """

    def __init__(self, log: Log) -> None:
        super().__init__()
        self._log = log

    def emit(self, record: logging.LogRecord) -> None:
        """Write a record.

        Args:
            record: of the logging module.
        """
        if record.exc_info and record.exc_info[1] is not None:
            self._log.failure(record.exc_info[1])
        else:
            self._log.event("server", level=record.levelname.lower(), message=one_line(record.getMessage()))


def shown(path: str) -> str:
    """A path as a line has it.

    Args:
        path: as asked for.
    """
    return one_line(path[:LONGEST])
