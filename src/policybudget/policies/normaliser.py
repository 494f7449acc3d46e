"""The running mean and variance of raw observations, which are saved with the policies.

Appendix B: "normalization and clipping of observations".
"""

from __future__ import annotations

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Int


class Normaliser(eqx.Module):
    """Statistics of the observations of all policies together, or of each policy by itself.

    Policies that learn together share one. Those of several trainings, or of several times of one, that were put
    together keep their own, with a leading axis for the policies.

    Args:
        count: the number of observations seen; at 0, observations pass unchanged.
        mean: (o) mean of each component, in its unit.
        squares: (o) sum of squared deviations from the mean, in the squared unit.
    """

    count: Float[Array, ""] | Float[Array, "k 1 1"]
    mean: Float[Array, " o"] | Float[Array, "k 1 o"]
    squares: Float[Array, " o"] | Float[Array, "k 1 o"]

    @property
    def shared(self) -> bool:
        """Whether all policies have the same statistics."""
        return self.count.ndim == 0

    @staticmethod
    def start(size: int) -> Normaliser:
        """A normaliser without statistics: observations pass unchanged.

        Args:
            size: o, the components of an observation.

        Returns:
            The normaliser.
        """
        return Normaliser(jnp.zeros(()), jnp.zeros(size), jnp.zeros(size))

    def __call__(self, observation: Float[Array, "*batch o"]) -> Float[Array, "*batch o"]:
        """(observation - mean) / standard deviation, clipped to +-10; unchanged before the first update.

        Args:
            observation: (.., o) raw observations.

        Returns:
            (.., o) normalised observations, without a unit.
        """
        variance = self.squares / jnp.maximum(self.count, 1.0)
        scaled = jnp.clip((observation - self.mean) / jnp.sqrt(variance + 1e-8), -10.0, 10.0)
        return jnp.where(self.count > 0, scaled, observation)

    def of(self, chosen: Int[Array, " c"]) -> Normaliser:
        """The statistics of some of the policies.

        Args:
            chosen: (c) indices of policies; an index may occur more than once.

        Returns:
            Their statistics; what is shared stays shared.
        """
        if self.shared:
            return self
        return Normaliser(self.count[chosen], self.mean[chosen], self.squares[chosen])

    def update(self, observations: Float[Array, "*batch o"], valid: Bool[Array, "*batch"]) -> Normaliser:
        """The statistics after a further batch, by the parallel update of Chan et al.

        Args:
            observations: (.., o) raw observations.
            valid: (..) False for observations that do not count.

        Returns:
            The new normaliser.
        """
        rows = observations.reshape(-1, observations.shape[-1])
        weight = valid.reshape(-1, 1).astype(rows.dtype)
        number = weight.sum()
        mean = (weight * rows).sum(0) / jnp.maximum(number, 1.0)
        squares = (weight * (rows - mean) ** 2).sum(0)
        total = self.count + number
        share = number / jnp.maximum(total, 1.0)
        delta = mean - self.mean
        return Normaliser(
            total,
            self.mean + delta * share,
            self.squares + squares + delta**2 * self.count * share,
        )
