"""Off-the-shelf clusterings as covers: what they are measured against.

Sources: scikit-learn's k-means (Arthur & Vassilvitskii 2007), DBSCAN (Ester et al. 1996) and Gaussian mixtures; the
methods of the first ablation of Ge et al. 2025, and K tasks at random. Prototypes are the means of the clusters. None
of them knows what covering is, so none has a bound.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable

import numpy as np
from jaxtyping import Float, Int
from sklearn.cluster import DBSCAN, KMeans
from sklearn.exceptions import ConvergenceWarning
from sklearn.mixture import GaussianMixture

from policybudget.covers.boxes import Space
from policybudget.errors import PolicyBudgetError

RESTARTS = 10
NEIGHBOURS = 5
"""How many tasks within the radius make a task a core of DBSCAN: scikit-learn's default."""
FULL = 20
"""Up to so many columns the mixture has full covariances, diagonal ones beyond."""


def _kmeans(points: np.ndarray, budget: int, seed: int) -> Float[np.ndarray, "k d"]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # tasks that differ in their last digits only
        means: np.ndarray = KMeans(budget, n_init=RESTARTS, random_state=seed).fit(points).cluster_centers_
    return means


def _dbscan(points: np.ndarray, budget: int, seed: int) -> Float[np.ndarray, "k d"]:
    """Means of the largest clusters; if no task is a core, every task is one."""
    labels = DBSCAN(eps=1.0, min_samples=NEIGHBOURS, metric="chebyshev").fit_predict(points)
    if (labels < 0).all():
        labels = DBSCAN(eps=1.0, min_samples=1, metric="chebyshev").fit_predict(points)
    largest: Int[np.ndarray, " k"] = np.argsort(-np.bincount(labels[labels >= 0]), kind="stable")[:budget]
    return np.array([points[labels == label].mean(axis=0) for label in largest])


def _gmm(points: np.ndarray, budget: int, seed: int) -> Float[np.ndarray, "k d"]:
    if len(points) < 2:  # scikit-learn wants two
        return points
    kind = "full" if points.shape[1] <= FULL else "diag"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        try:
            means: np.ndarray = GaussianMixture(budget, covariance_type=kind, random_state=seed).fit(points).means_
        except ValueError as error:
            raise PolicyBudgetError(f"method gmm failed: {error}; use kmeans or a larger radius") from error
    return means


def _random(points: np.ndarray, budget: int, seed: int) -> Float[np.ndarray, "k d"]:
    rows = np.random.default_rng(seed).choice(len(points), budget, replace=False)
    return points[rows]


CLUSTERINGS: dict[str, Callable[[np.ndarray, int, int], np.ndarray]] = {
    "kmeans": _kmeans,
    "dbscan": _dbscan,
    "gmm": _gmm,
    "random": _random,
}


def baseline(space: Space, budget: int, method: str, seed: int = 0) -> Float[np.ndarray, "c d"]:
    """Means of at most K clusters of the tasks.

    Args:
        space: the tasks; DBSCAN looks as far as their radius.
        budget: K.
        method: kmeans, dbscan, gmm or random.
        seed: of the method.

    Returns:
        The means (c, d), in the units of ``space``.
    """
    points = np.repeat(space.points / space.reach, space.counts, axis=0)
    clusters = budget if method == "random" else min(budget, len(space.points))
    centres: np.ndarray = CLUSTERINGS[method](points, clusters, seed) * space.reach
    return centres
