"""The utilitarian welfare: the mean utility."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import jax.numpy as jnp

from policybudget.welfare.interface import Scale, Utilities, Value, Weights, Welfare, shares


@dataclass(frozen=True)
class Utilitarian(Welfare):
    r"""The mean: :math:`W = \sum_i p_i u_i`, :math:`\partial W / \partial u_i = p_i`. It is smooth as it is."""

    name: ClassVar[str] = "utilitarian"

    def __call__(self, utilities: Utilities, weights: Weights = None) -> Value:
        """The mean."""
        return jnp.average(utilities, weights=weights)

    def smooth(self, utilities: Utilities, weights: Weights = None, scale: Scale = None) -> Value:
        """The mean."""
        return self(utilities, weights)

    def gradient(self, utilities: Utilities, weights: Weights = None, scale: Scale = None) -> Utilities:
        """The agents' shares p."""
        return shares(utilities, weights)
