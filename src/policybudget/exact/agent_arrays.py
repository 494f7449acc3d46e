"""The arrays of agents in a finite r-MDP, checked: an entry per agent."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from jaxtyping import Float64

from policybudget.errors import PolicyBudgetError
from policybudget.worlds.finite.tables import expect_finite, numbers


def reward_weights(given: Any, features: int) -> Float64[np.ndarray, "m n"]:
    """What each agent is paid per unit of each feature.

    Args:
        given: (m, n) numbers.
        features: m.

    Returns:
        A read-only copy.

    Raises:
        PolicyBudgetError: the shape is wrong, there is no agent, or a number is not finite.
    """
    weights = numbers("weights", given, f"({features}, n)")
    if weights.ndim != 2 or weights.shape[0] != features or weights.shape[1] == 0:
        raise PolicyBudgetError(
            f"weights must have shape (m, n) = ({features}, n) with at least one agent, got {weights.shape}"
        )
    expect_finite("weights", weights, ("feature", "agent"))
    return weights


def names(given: Sequence[str], agents: int) -> tuple[str, ...]:
    """What the agents are called.

    Args:
        given: n names; empty for ``agent 0``, ``agent 1``, ...
        agents: n.

    Returns:
        The names.

    Raises:
        PolicyBudgetError: they are not as many as the agents.
    """
    found = tuple(given) or tuple(f"agent {i}" for i in range(agents))
    if len(found) != agents:
        raise PolicyBudgetError(f"names must be as many as the agents ({agents}), got {len(found)}")
    return found


def agent_weights(given: Any, agents: int) -> Float64[np.ndarray, " n"]:
    """How many people each agent stands for.

    Args:
        given: (n,) positive numbers; None for one each.
        agents: n.

    Returns:
        A read-only copy.

    Raises:
        PolicyBudgetError: the shape is wrong, or a number is not positive and finite.
    """
    people = _per_agent("agent_weights", np.ones(agents) if given is None else given, agents)
    expect_finite("agent_weights", people, ("agent",))
    if people.min() <= 0.0:
        raise PolicyBudgetError(f"agent_weights must be positive, got {people.min()} for agent {people.argmin()}")
    return people


def outside(given: Any, agents: int) -> Float64[np.ndarray, " n"]:
    """The value of each agent's outside option.

    Args:
        given: (n,) numbers, -inf for no option; None if nobody has one.
        agents: n.

    Returns:
        A read-only copy.

    Raises:
        PolicyBudgetError: the shape is wrong, or a number is NaN or infinity.
    """
    options = _per_agent("outside", np.full(agents, -np.inf) if given is None else given, agents)
    if (bad := np.isnan(options) | (options == np.inf)).any():
        agent = int(np.argmax(bad))
        raise PolicyBudgetError(
            f"outside options must be finite, or -inf for none, got {options[agent]} for agent {agent}"
        )
    return options


def _per_agent(what: str, given: Any, agents: int) -> np.ndarray:
    table = numbers(what, given, f"({agents},)")
    if table.shape != (agents,):
        raise PolicyBudgetError(f"{what} must have shape (n,) = ({agents},), got {table.shape}")
    return table
