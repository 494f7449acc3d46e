"""The egalitarian welfare: the utility of the worst-off agent."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import jax
import jax.numpy as jnp
from jax.scipy.special import logsumexp

from policybudget.errors import PolicyBudgetError
from policybudget.welfare.interface import LOGS, Scale, Utilities, Value, Weights, Welfare, known_scale, shares

TEMPERATURE = 0.1  # a share of the scale: default temperature of the softmin


@dataclass(frozen=True)
class Egalitarian(Welfare):
    r"""The utility of the worst-off agent: :math:`W = \min_i u_i` (Rawls 1971), whatever the agent weights are.

    The gradient of a minimum sees one agent and jumps from it to the next. The softmin of temperature τ is learned from
    instead: :math:`W_\tau = -\tau \log \sum_i p_i e^{-u_i / \tau}` with gradient
    :math:`p_i e^{(W_\tau - u_i) / \tau}`. It is smooth, monotone and concave, and
    :math:`\min u \le W_\tau \le \min u + \tau \log(1 / p_\text{worst})`.

    The default τ is ``TEMPERATURE`` of the scale: 10 where the scale is 100. Agents whose utilities differ by less
    count nearly alike; an agent who is 50 better off counts e^-5 as much. At a lower temperature, policies lose what
    they learned for agents who hardly count at the moment (docs/findings.md). A share of the *spread* of utilities
    would need no scale, but it brings the jumps back: the temperature falls as the utilities of two agents with opposed
    rewards approach each other. Set τ where returns share a large offset.

    Args:
        temperature: τ in units of return; None for the default.

    Raises:
        PolicyBudgetError: τ is not a positive number.
    """

    name: ClassVar[str] = "egalitarian"
    temperature: float | None = None

    def __post_init__(self) -> None:
        if self.temperature is not None and not 1e-30 <= self.temperature <= 1e30:
            raise PolicyBudgetError(
                f"TAU of egalitarian:TAU must be a positive number, in units of return, got {self.temperature}"
            )

    def __call__(self, utilities: Utilities, weights: Weights = None) -> Value:
        """The least utility."""
        return jnp.min(utilities)

    def smooth(self, utilities: Utilities, weights: Weights = None, scale: Scale = None) -> Value:
        """The softmin."""
        tau = self.temperature or TEMPERATURE * known_scale(utilities, scale)
        least = jax.lax.stop_gradient(jnp.min(utilities))
        return least - tau * logsumexp((least - utilities) / tau, b=shares(utilities, weights))

    def gradient(self, utilities: Utilities, weights: Weights = None, scale: Scale = None) -> Utilities:
        """The softmin's shares."""
        tau = self.temperature or TEMPERATURE * known_scale(utilities, scale)
        logs = jnp.log(shares(utilities, weights)) + (jnp.min(utilities) - utilities) / tau
        return jnp.exp(jnp.clip(jax.nn.log_softmax(logs), *LOGS))
