"""The clustering baseline of Section 4: universal policy, K-means on trajectories, a policy per cluster.

The universal policy is trained for all agents at full length, then followed for ``universal_steps`` stochastic
transitions; agent i is the vector of its rewards along them. K-means (scikit-learn) groups the agents; k fresh policies
are trained, a group each.
Departure from the authors' code: it trains the universal policy half as long.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, PRNGKeyArray

from policybudget.assignment.fixed import FixedAssignment
from policybudget.assignment.rule import Known, one_hot
from policybudget.errors import PolicyBudgetError
from policybudget.settings import option


@dataclass(frozen=True)
class TrajectoryClusters(FixedAssignment):
    """Groups of agents whom a universal policy pays alike."""

    name: ClassVar[str] = "trajectory-clusters"
    universal_steps: int = option(10_000, "stochastic transitions of the universal policy to cluster by")  # type: ignore[misc]

    def __post_init__(self) -> None:
        if self.universal_steps < 1:
            raise PolicyBudgetError(f"universal_steps must be at least 1, got {self.universal_steps}")

    def start(self, known: Known, key: PRNGKeyArray) -> Float[Array, "k n"]:
        """K-means on the agents' reward vectors; agents who are all alike fill fewer than k groups."""
        from sklearn.cluster import KMeans

        assert known.seen is not None
        points = np.asarray(known.rewards.agents(jnp.asarray(known.seen)), dtype=np.float64).T
        seed = int(jax.random.randint(key, (), 0, 2**31 - 1))
        distinct = len(np.unique(points, axis=0))
        labels = KMeans(min(known.budget, distinct), n_init=10, random_state=seed).fit_predict(points)
        return one_hot(jnp.asarray(labels), known.budget)
