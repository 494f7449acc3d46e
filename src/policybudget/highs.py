"""HiGHS, the solver behind SciPy's linear and integer programmes, at times prints for its own authors."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager

STANDARD_OUTPUT, STANDARD_ERROR = 1, 2


@contextmanager
def quiet() -> Iterator[None]:
    """Send what the solver prints to standard error: standard output is for records that programs read.

    The solver writes past Python, so the file descriptor itself is redirected; it covers one call of the solver.
    Where standard output is closed, nothing is redirected.
    """
    try:
        kept = os.dup(STANDARD_OUTPUT)
    except OSError:
        yield
        return
    if sys.stdout is not None:
        sys.stdout.flush()
    try:
        os.dup2(STANDARD_ERROR, STANDARD_OUTPUT)
        yield
    finally:
        os.dup2(kept, STANDARD_OUTPUT)
        os.close(kept)
