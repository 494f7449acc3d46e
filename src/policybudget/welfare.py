"""Social welfare: one number for what n agents get.

Ivanov & Ben-Porat 2024, eq. 2 (utilitarian). Reported as the mean over agents, as in the paper's figures.
"""

from __future__ import annotations

import jax.numpy as jnp
from jaxtyping import Array, Float


def utilities(assignment: Float[Array, "k n"], returns: Float[Array, "k n"]) -> Float[Array, " n"]:
    r"""What each agent can expect: :math:`V^i = \sum_j \alpha^i(j) V^{ij}` (eq. 5).

    Args:
        assignment: α, column i is a distribution over representatives.
        returns: V, return of agent i under the policy of representative j.
    """
    return jnp.sum(assignment * returns, axis=0)


def utilitarian(utilities: Float[Array, " n"]) -> Float[Array, ""]:
    r"""Mean utility :math:`\frac1n \sum_i V^i`."""
    return jnp.mean(utilities)
