"""The clustering baseline of Section 4: universal policy, K-means on trajectories, a policy per cluster.

A universal policy is trained for all agents at full length (``--search pretrained``), then followed for some stochastic
transitions; agent i is the vector of its rewards along them. K-means (scikit-learn) groups the agents; k fresh policies
are trained, a group each.
Departure from the authors' code: it trains the universal policy half as long.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, PRNGKeyArray

from policybudget.assignment.fixed import FixedAssignment
from policybudget.assignment.rule import Known, one_hot
from policybudget.streams import host_seed


@dataclass(frozen=True)
class TrajectoryClusters(FixedAssignment):
    """Groups of agents whom a universal policy pays alike."""

    name: ClassVar[str] = "trajectory-clusters"

    @property
    def needs_universal_policy(self) -> bool:
        """Its transitions tell the agents apart."""
        return True

    def start(self, known: Known, key: PRNGKeyArray) -> Float[Array, "k n"]:
        """K-means on the agents' reward vectors; agents who are all alike fill fewer than k groups.

        Args:
            known: with what the universal policy met.
            key: of the first centres.
        """
        from sklearn.cluster import KMeans

        assert known.seen is not None
        points = np.asarray(known.rewards.agents(jnp.asarray(known.seen)), dtype=np.float64).T
        distinct = len(np.unique(points, axis=0))
        labels = KMeans(min(known.budget, distinct), n_init=10, random_state=host_seed(key)).fit_predict(points)
        return one_hot(jnp.asarray(labels), known.budget)
