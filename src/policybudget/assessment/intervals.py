r"""What may be said of returns that were sampled: tails, the worst agent, many agents at once.

All functions take samples ``(e, n)``: row e is one fresh episode of every policy, column i what agent i was paid in the
episode of the policy that serves it. Rows are independent; columns are not, since agents share episodes. So every
interval is one over rows: a statistic is written as a mean of one number per row (its influence), and the interval is
Student's t of that mean.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Bool, Float
from scipy import stats

from policybudget.assessment.statistics import mean_ci95, student

TAIL = 0.1
"""Share of agents and episodes, the worst, that CVaR is the mean of."""
LEVEL = 0.05
"""Of all simultaneous statements together: the probability that one of them is wrong."""


def shares(weights: Float[np.ndarray, " n"] | None, agents: int) -> Float[np.ndarray, " n"]:
    """Weights of agents that sum to one.

    Args:
        weights: (n,) of the agents; None for equal ones.
        agents: n.
    """
    given = np.ones(agents) if weights is None else np.asarray(weights, np.float64)
    normalised: np.ndarray = given / given.sum()
    return normalised


def mean_return(samples: Float[np.ndarray, "e n"], weights: Float[np.ndarray, " n"] | None = None) -> dict[str, Any]:
    """Mean over agents and episodes.

    Args:
        samples: (e, n) returns.
        weights: (n,) of the agents; equal if None.

    Returns:
        ``mean`` and ``ci95``, None for a single episode.
    """
    return mean_ci95(samples @ shares(weights, samples.shape[1]))


def cvar(
    samples: Float[np.ndarray, "e n"], weights: Float[np.ndarray, " n"] | None = None, tail: float = TAIL
) -> dict[str, Any]:
    r"""Conditional value at risk: the mean of the worst share of all returns, over agents and episodes.

    .. math:: \mathrm{CVaR}_\alpha = q_\alpha - \tfrac{1}{\alpha} \mathbb E\,[(q_\alpha - X)^+]

    with q the α-quantile (Rockafellar & Uryasev 2000). Its influence in row e is the weighted mean over agents of
    :math:`q - (q - x)^+ / \alpha`, since the derivative for q vanishes. Few rows reach into the tail, so that the
    standard error itself is uncertain: the degrees of freedom of Student's t are those of a variance under the excess
    kurtosis κ of the influence (Satterthwaite), :math:`\nu = 2 / (\kappa / e + 2 / (e - 1))`.

    Args:
        samples: (e, n) returns.
        weights: (n,) of the agents; equal if None.
        tail: α.

    Returns:
        ``mean`` and ``ci95``, None for a single episode.
    """
    share = shares(weights, samples.shape[1])
    flat, each = samples.ravel(), np.broadcast_to(share / len(samples), samples.shape).ravel()
    order = np.argsort(flat, kind="stable")
    reached = np.minimum(np.searchsorted(np.cumsum(each[order]), tail * (1 - 1e-12)), flat.size - 1)
    quantile = flat[order[reached]]
    influence = (quantile - np.maximum(quantile - samples, 0.0) / tail) @ share
    found, rows = mean_ci95(influence), len(influence)
    if found["ci95"]:
        freedom = 2 / (max(float(stats.kurtosis(influence)), 0.0) / rows + 2 / (rows - 1))
        found["ci95"] *= float(stats.t.ppf(0.975, freedom)) / student(rows)
    return found


@dataclass(frozen=True)
class Worst:
    """The agent that is served worst.

    The smallest of many noisy means is too small, for it was chosen for its noise. So the agent is found on other
    episodes than it is judged on, and what is said of all agents is said of all at once.

    Attributes:
        agent: index of the worst in the episodes of choice.
        mean: of its return, in the episodes of judgement.
        ci95: half-width of the 95 % interval of that; None for a single episode.
        naive: the smallest mean in the episodes of judgement.
        bound: no agent's mean return is below this, at 95 % for all n together (Bonferroni); None for a single episode.
    """

    agent: int
    mean: float
    ci95: float | None
    naive: float
    bound: float | None


def worst_agent(choose: Float[np.ndarray, " n"], judge: Float[np.ndarray, "e n"]) -> Worst:
    """Who is worst off, without the bias of having been chosen for it.

    Args:
        choose: (n,) mean returns in other episodes.
        judge: (e, n) returns in fresh ones.
    """
    agent = int(np.argmin(choose))
    found, means = mean_ci95(judge[:, agent]), judge.mean(axis=0)
    bound = None
    if len(judge) > 1:
        factor = stats.t.ppf(1 - LEVEL / judge.shape[1], len(judge) - 1)
        bound = float((means - factor * _errors(judge)).min())
    return Worst(agent, found["mean"], found["ci95"], float(means.min()), bound)


@dataclass(frozen=True)
class Against:
    """Agents beside a floor of each.

    Attributes:
        below: (n,) whether the mean return is shown to be below the floor.
        above: (n,) whether it is shown to be above.
    """

    below: Bool[np.ndarray, " n"]
    above: Bool[np.ndarray, " n"]

    @property
    def undecided(self) -> Bool[np.ndarray, " n"]:
        """(n,) whether neither is shown."""
        neither: np.ndarray = ~(self.below | self.above)
        return neither


def against(samples: Float[np.ndarray, "e n"], floor: Float[np.ndarray, " n"]) -> Against:
    """Which agents are shown to be below or above a floor: of all n statements together one is wrong in 5 % at most.

    Two one-sided t-tests of each agent, adjusted by Holm for the n agents and both sides.

    Args:
        samples: (e, n) returns; of a single episode nothing is shown.
        floor: (n,) of each agent; -inf for an agent without one, which counts as above it.
    """
    limit = np.asarray(floor, np.float64)
    free = np.isneginf(limit)
    if len(samples) < 2:
        return Against(np.zeros(len(limit), bool), free)
    gap, errors = samples.mean(axis=0) - np.where(free, 0.0, limit), _errors(samples)
    with np.errstate(divide="ignore", invalid="ignore"):
        t = np.where(errors > 0, gap / errors, np.sign(gap) * np.inf)
    sides = np.concatenate([stats.t.cdf(t, len(samples) - 1), stats.t.sf(t, len(samples) - 1)])
    sides = np.where(np.isnan(sides), 1.0, sides)  # without spread and exactly at the floor
    wanted = np.tile(~free, 2)
    rejected = np.zeros(len(sides), bool)
    rejected[wanted] = holm(sides[wanted]) <= LEVEL
    below, above = np.split(rejected, 2)
    return Against(below & ~free, above | free)


def holm(p: Float[np.ndarray, " n"]) -> Float[np.ndarray, " n"]:
    r"""P-values adjusted for n tests (Holm 1979): :math:`\max_{j \le i} \min(1, (n - j + 1)\, p_{(j)})`.

    Args:
        p: (n,) of each test.

    Returns:
        (n,) in the order of ``p``; rejecting those up to α errs in any with probability α at most.
    """
    order = np.argsort(p, kind="stable")
    steps = np.minimum(1.0, (len(p) - np.arange(len(p))) * p[order])
    adjusted = np.empty(len(p))
    adjusted[order] = np.maximum.accumulate(steps) if len(p) else steps
    return adjusted


def difference(
    one: Float[np.ndarray, "e n"], other: Float[np.ndarray, "e n"], weights: Float[np.ndarray, " n"] | None = None
) -> dict[str, Any]:
    """Mean of one sample less that of another, paired by episode and agent.

    Args:
        one: (e, n) returns.
        other: (e, n) returns, row e played with the same randomness where there is one.
        weights: (n,) of the agents; equal if None.

    Returns:
        ``mean`` and ``ci95``, None for a single episode.
    """
    return mean_return(one - other, weights)


def between_groups(
    samples: Float[np.ndarray, "e n"], group: Bool[np.ndarray, " n"], weights: Float[np.ndarray, " n"] | None = None
) -> dict[str, Any]:
    """Mean return of a group of agents less that of the others.

    Args:
        samples: (e, n) returns.
        group: (n,) who belongs to it; some do and some do not.
        weights: (n,) of the agents; equal if None.

    Returns:
        ``mean`` and ``ci95``, None for a single episode.
    """
    share = shares(weights, samples.shape[1])
    inside, outside = np.where(group, share, 0.0), np.where(group, 0.0, share)
    return mean_ci95(samples @ (inside / inside.sum() - outside / outside.sum()))


def _errors(samples: Float[np.ndarray, "e n"]) -> Float[np.ndarray, " n"]:
    """Standard errors of the means of columns."""
    errors: np.ndarray = samples.std(axis=0, ddof=1) / np.sqrt(len(samples))
    return errors


def each_ci95(samples: Float[np.ndarray, "e n"]) -> Float[np.ndarray, " n"]:
    """Half-widths of 95 % intervals of every agent's mean, each by itself.

    Args:
        samples: (e, n) returns.

    Returns:
        (n,) infinite for a single episode.
    """
    if len(samples) < 2:
        return np.full(samples.shape[1], np.inf)
    widths: np.ndarray = student(len(samples)) * _errors(samples)
    return widths
