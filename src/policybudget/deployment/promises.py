"""What policies are shown to reach at least on fresh episodes: means that a bundle promises, and a monitor watches."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import jax.numpy as jnp
import numpy as np
from scipy import stats

from policybudget.assessment.intervals import LEVEL, mean_return
from policybudget.assessment.statistics import student
from policybudget.deployment.bundle import Numbers
from policybudget.population import Population


def promises(population: Population, assignment: Numbers, returns: Numbers) -> list[float | None]:
    """The lower end of the 95 % interval of each policy's mean return to its users.

    Args:
        population: the n users.
        assignment: (k, n) α.
        returns: (k, e, m) feature returns of fresh episodes.

    Returns:
        k of them; None for a policy without users.
    """
    serves, found = serving(assignment), list[float | None]()
    for policy in range(len(returns)):
        of = np.flatnonzero(serves == policy)
        mean = _mean(population, returns[policy], of) if len(of) else None
        found.append(None if mean is None else mean["mean"] - (mean["ci95"] or 0.0))
    return found


def group_promises(
    population: Population, assignment: Numbers, returns: Numbers, groups: Mapping[str, Numbers]
) -> list[dict[str, Any]]:
    """The same for every group of a policy's users; all of these intervals together hold at 95 % (Bonferroni).

    Args:
        population: the n users.
        assignment: (k, n) α.
        returns: (k, e, m) feature returns of fresh episodes.
        groups: positions of the users of each group, by its name.

    Returns:
        ``policy``, ``group``, ``users`` and ``promise`` of each policy and group that it serves.
    """
    serves, episodes = serving(assignment), returns.shape[1]
    parts = [
        (policy, name, np.intersect1d(np.flatnonzero(serves == policy), of))
        for policy in range(len(returns))
        for name, of in groups.items()
    ]
    parts = [part for part in parts if len(part[2])]
    wider = stats.t.ppf(1 - LEVEL / (2 * len(parts)), episodes - 1) / student(episodes) if episodes > 1 else 0.0
    found = []
    for policy, name, of in parts:
        mean = _mean(population, returns[policy], of)
        promise = mean["mean"] - float(wider) * (mean["ci95"] or 0.0)
        found.append({"policy": policy, "group": name, "users": len(of), "promise": promise})
    return found


def serving(assignment: Numbers) -> Numbers:
    """Who serves each user.

    Args:
        assignment: (k, n) α.

    Returns:
        (n,) policies; -1 for none.
    """
    return np.where(assignment.max(axis=0) > 0, assignment.argmax(axis=0), -1)


def _mean(population: Population, features: Numbers, of: Numbers) -> dict[str, Any]:
    """Mean return of a policy with feature returns (e, m) to some users."""
    weights = None if population.agent_weights is None else np.asarray(population.agent_weights)[of]
    got = np.asarray(population.rewards.agents(jnp.asarray(features, jnp.float32)), np.float64)[:, of]
    return mean_return(got, weights)
