"""Means with honest intervals."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike
from scipy import stats


def mean_ci95(samples: ArrayLike) -> dict[str, float]:
    """Mean and half-width of its 95 % confidence interval: Student's t over independent samples; 0 for a single one."""
    values = np.asarray(samples, dtype=np.float64)
    if values.size < 2:
        return {"mean": float(values.mean()), "ci95": 0.0}
    error = values.std(ddof=1) / np.sqrt(values.size)
    return {"mean": float(values.mean()), "ci95": float(stats.t.ppf(0.975, values.size - 1) * error)}
