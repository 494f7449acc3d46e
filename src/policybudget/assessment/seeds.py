r"""Statistics over seeds: a hierarchical bootstrap, the interquartile mean and performance profiles.

A training is a sample of size one of what its method gives. What is said of the method is said over seeds (Agarwal et
al. 2021, "Deep reinforcement learning at the edge of the statistical precipice"; the package rliable).

The bootstrap is one of levels. Scores ``(s, n, e)`` have seeds, agents and episodes; episodes are nested in seeds,
agents cross both. Of nested levels only the outermost is resampled, with all that is below it (Davison & Hinkley 1997,
section 3.8; Ren et al. 2010): resampling the lower one as well would count its noise twice. Agents are resampled where
the statement is to hold for agents like these, and are left as they are where it is to hold for these. With the
bootstrap variance V_l of the statistic for each level l of u_l units alone,

.. math:: V = \sum_l \tfrac{u_l}{u_l - 1} V_l, \qquad
          \nu = V^2 \Big/ \sum_l \frac{(u_l V_l / (u_l - 1))^2}{u_l - 1},

the interval is the statistic :math:`\pm\, t_{0.975, \nu} \sqrt V` (Satterthwaite). Percentiles of so few seeds as one
has would be far too narrow.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from jaxtyping import Float, Int
from scipy import stats

from policybudget.errors import PolicyBudgetError

Statistic = Callable[[Float[np.ndarray, "s n e"]], float]
REPEATS = 2000


def bootstrap(
    scores: Float[np.ndarray, "*shape"],
    statistic: Statistic = np.mean,
    agents: bool = False,
    repeats: int = REPEATS,
    seed: int = 0,
) -> dict[str, Any]:
    """A statistic of scores with a 95 % interval.

    Args:
        scores: (s, n, e) of seeds, agents and episodes.
        statistic: of an array like it; a smooth one, such as a mean or an interquartile mean.
        agents: whether the statement is to hold for agents like these, of whom these are a sample.
        repeats: resamples of each level.
        seed: of the resamples.

    Returns:
        ``mean`` (the statistic) and ``ci95``, the half-width; None where a level has a single unit, which has no
        spread.

    Raises:
        PolicyBudgetError: scores have another shape.
    """
    scores = np.asarray(scores, np.float64)
    if scores.ndim != 3 or 0 in scores.shape:
        raise PolicyBudgetError(f"scores must be an array (seeds, agents, episodes), got shape {scores.shape}")
    found, rng = float(statistic(scores)), np.random.default_rng(seed)
    axes = [0 if scores.shape[0] > 1 else 2, *([1] if agents else [])]
    if any(scores.shape[axis] < 2 for axis in axes):
        return {"mean": found, "ci95": None}
    variances, freedom = [], []
    for axis in axes:
        units = scores.shape[axis]
        if statistic is np.mean:  # its bootstrap variance is known
            variance = scores.mean(axis=tuple(other for other in range(3) if other != axis)).var() / units
        else:
            drawn = rng.integers(units, size=(repeats, units))
            variance = np.var([statistic(np.take(scores, rows, axis=axis)) for rows in drawn])
        variances.append(variance * units / (units - 1))
        freedom.append(units - 1)
    total = sum(variances)
    if total == 0:
        return {"mean": found, "ci95": 0.0}
    degrees = total**2 / sum(v**2 / f for v, f in zip(variances, freedom, strict=True))
    return {"mean": found, "ci95": float(stats.t.ppf(0.975, degrees) * np.sqrt(total))}


def interquartile_mean(scores: Float[np.ndarray, "*shape"]) -> float:
    """The mean of the middle half of all scores.

    Args:
        scores: of any shape, such as (s, n) of seeds and agents or tasks.
    """
    return float(stats.trim_mean(np.asarray(scores, np.float64), 0.25, axis=None))


def performance_profile(scores: Float[np.ndarray, "s n"], at: Float[np.ndarray, " t"]) -> Float[np.ndarray, " t"]:
    """Share of all scores that are above each of some values.

    Args:
        scores: (s, n) of seeds, and agents or tasks.
        at: (t,) values.

    Returns:
        (t,) from 1 to 0 as values rise.
    """
    flat = np.sort(np.asarray(scores, np.float64), axis=None)
    above: np.ndarray = 1.0 - np.searchsorted(flat, at, side="right") / flat.size
    return above


def stratified(
    scores: Float[np.ndarray, "s n"],
    statistic: Callable[[Float[np.ndarray, "s n"]], float],
    repeats: int = REPEATS,
    seed: int = 0,
) -> tuple[float, float]:
    """A 95 % percentile interval by resampling the seeds of each agent or task by themselves, as rliable does.

    For comparison with published intervals: with few seeds it is too narrow, and agents that were trained together are
    not independent. :func:`bootstrap` is what reports use.

    Args:
        scores: (s, n) of seeds, and tasks.
        statistic: of an array like it.
        repeats: resamples.
        seed: of the resamples.

    Returns:
        The ends of the interval.
    """
    rng, (seeds, tasks) = np.random.default_rng(seed), scores.shape
    values = []
    for _ in range(repeats):
        rows: Int[np.ndarray, "s n"] = rng.integers(seeds, size=(seeds, tasks))
        values.append(statistic(np.take_along_axis(scores, rows, axis=0)))
    low, high = np.percentile(values, [2.5, 97.5])
    return float(low), float(high)
