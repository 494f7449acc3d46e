"""On how many cores a training computes, and where compiled functions are kept.

The number of cores decides the last bits: XLA splits matrix products by its threads. It is taken from the affinity of
the thread in which JAX first computes, so :func:`use` comes before that.
"""

from __future__ import annotations

import os
from pathlib import Path


def available() -> list[int]:
    """The cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return sorted(os.sched_getaffinity(0))
    return list(range(os.cpu_count() or 1))


def use(count: int) -> int:
    """Compute on this many of the available cores, or on all if they are fewer.

    Args:
        count: the number that is wanted.

    Returns:
        The number of cores; all of them where the system (macOS, Windows) does not let a process choose.
    """
    cores = available()
    if not hasattr(os, "sched_setaffinity"):
        return len(cores)
    if count < len(cores):
        os.sched_setaffinity(0, cores[:count])
    return min(count, len(cores))


def use_compilation_cache() -> None:
    """Keep compiled functions on disk, so that the next run of the same shape starts at once.

    They are kept in ``JAX_COMPILATION_CACHE_DIR``, or the user's cache folder if that is not set.
    """
    import jax

    home = Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache"))
    settings = {
        "jax_compilation_cache_dir": os.environ.get("JAX_COMPILATION_CACHE_DIR", str(home / "policybudget")),
        "jax_persistent_cache_min_compile_time_secs": 0.0,
        "jax_persistent_cache_min_entry_size_bytes": -1,
    }
    for name, value in settings.items():
        jax.config.update(name, value)
