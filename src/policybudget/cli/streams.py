"""Standard output and standard error that never end a command: whatever terminal, pipe or file they lead to.

What their encoding lacks becomes a question mark, and what cannot be written (closed, full, a broken pipe) is dropped
and remembered: a training goes on and is saved.
"""

from __future__ import annotations

import errno
import io
import os
import sys
from typing import TextIO

OUT, ERR = 1, 2


class Forgiving(io.RawIOBase):
    """A file descriptor to which writing never fails.

    Args:
        descriptor: of an open file, or of none.

    Attributes:
        failed: why something was dropped; None if nothing was.
    """

    def __init__(self, descriptor: int) -> None:
        self.descriptor = descriptor
        self.failed: OSError | None = None
        try:
            os.fstat(descriptor)
        except OSError as error:
            self.failed = error

    def write(self, data: bytes) -> int:  # type: ignore[override] # of a buffer, as the base class is called
        """Write, or drop.

        Args:
            data: a buffer.

        Returns:
            How many bytes are done with.
        """
        if self.failed is None:
            try:
                return os.write(self.descriptor, data)
            except OSError as error:
                self.failed = error
        return len(data)

    def fileno(self) -> int:
        """The descriptor."""
        return self.descriptor

    def isatty(self) -> bool:
        """Whether it is a terminal."""
        return os.isatty(self.descriptor)

    def writable(self) -> bool:
        """Always."""
        return True


def forgive() -> Forgiving:
    """Let nothing that is printed from now on end this process.

    Returns:
        Standard output.
    """
    out, err = Forgiving(OUT), Forgiving(ERR)
    sys.stdout, sys.stderr = _text(out, sys.stdout), _text(err, sys.stderr)
    return out


def lost(out: Forgiving) -> str:
    """Why some of the output is lost.

    Args:
        out: standard output.

    Returns:
        The reason in words; "" if nothing is lost, or nobody wants to read on.
    """
    sys.stdout.flush()
    if out.failed is None or out.failed.errno == errno.EPIPE:
        return ""
    return (out.failed.strerror or str(out.failed)).lower()


def _text(raw: Forgiving, before: TextIO | None) -> io.TextIOWrapper:
    encoding = getattr(before, "encoding", None) or "utf-8"
    buffered = io.BufferedWriter(raw)  # type: ignore[type-var] # it needs no more of a file than there is
    return io.TextIOWrapper(buffered, encoding, errors="replace", line_buffering=raw.isatty() or raw.descriptor == ERR)
