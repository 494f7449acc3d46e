"""On how many cores a training computes. It decides the last bits: XLA splits matrix products by its threads.

Their number is taken from the affinity of the thread in which JAX first computes, so :func:`use` comes before that.
"""

from __future__ import annotations

import os


def available() -> list[int]:
    """The cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return sorted(os.sched_getaffinity(0))
    return list(range(os.cpu_count() or 1))


def use(count: int) -> int:
    """Compute on this many of the available cores, or on all if they are fewer.

    Returns:
        The number of cores; all of them where the system (macOS, Windows) does not let a process choose.
    """
    cores = available()
    if not hasattr(os, "sched_setaffinity"):
        return len(cores)
    if count < len(cores):
        os.sched_setaffinity(0, cores[:count])
    return min(count, len(cores))
