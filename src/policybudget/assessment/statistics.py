"""Means with honest intervals."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike
from scipy import special


def mean_ci95(samples: ArrayLike) -> dict[str, Any]:
    """Mean and 95 % confidence interval: Student's t over independent samples.

    Args:
        samples: of any shape, in any unit; one at least.

    Returns:
        ``mean``, and ``ci95``, the half-width of its interval; None for a single sample, which has no spread.
    """
    values = np.asarray(samples, dtype=np.float64)
    if values.size < 2:
        return {"mean": float(values.mean()), "ci95": None}
    error = values.std(ddof=1) / np.sqrt(values.size)
    return {"mean": float(values.mean()), "ci95": student(values.size) * float(error)}


def student(number: int) -> float:
    """Half-widths of 95 % intervals of a mean, in standard errors: the quantile of Student's t.

    Args:
        number: of independent samples.

    Returns:
        The factor; infinite for a single sample.
    """
    return float(special.stdtrit(number - 1, 0.975)) if number > 1 else np.inf


def shown(number: float | None, form: str = ".2f") -> str:
    """A number as text, for a table.

    Args:
        number: or None if there is none.
        form: how it is formatted.

    Returns:
        Such as ``1.25``; ``-`` where there is none.
    """
    return "-" if number is None else f"{number:{form}}"


def plus_minus(half_width: float | None, digits: int = 2) -> str:
    """An interval as text, to be put after its mean.

    Args:
        half_width: of the interval, or None if there is none.
        digits: after the point.

    Returns:
        Such as `` +- 1.25``; nothing where there is no interval.
    """
    return "" if half_width is None else f" +- {half_width:.{digits}f}"
