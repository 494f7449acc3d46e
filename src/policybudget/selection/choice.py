"""The k of many policies that serve the agents best."""

from __future__ import annotations

import math

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Float, Int

from policybudget.objective import Objective
from policybudget.selection.subset import best_subset
from policybudget.welfare import Utilitarian


def choose(
    objective: Objective, returns: Float[np.ndarray, "s n"], budget: int, method: str = "auto"
) -> Int[np.ndarray, " k"]:
    """The k rows of a return matrix that are worth most, ascending.

    Exact where welfare is the mean (:mod:`policybudget.selection.subset`). For another welfare function, that choice is
    where exchanges start: a row is exchanged for another as long as welfare rises. Where fewer than k
    rows serve an agent, others are added.

    Args:
        objective: the welfare function, with the agents' weights and outside options.
        returns: what each of s policies is worth to each of the n agents; s is at least k.
        budget: k.
        method: of the selection: "auto", or "greedy" for a quick choice.

    Returns:
        The k rows.
    """
    agent_weights, outside = _numbers(objective)
    chosen = best_subset(returns, budget, agent_weights, outside, method).chosen
    rest = np.setdiff1d(np.arange(len(returns)), chosen)
    chosen = np.concatenate([chosen, rest[: budget - len(chosen)]])
    if not isinstance(objective.welfare, Utilitarian):
        chosen = _exchanged(objective, returns, chosen)
    return np.sort(chosen)


def quick_worth(objective: Objective, returns: Float[np.ndarray, "s n"], budget: int) -> float:
    """A welfare that k rows of a return matrix have: of those that a greedy choice by the mean finds.

    Args:
        objective: the welfare function, with the agents' weights and outside options.
        returns: what each of s policies is worth to each of the n agents.
        budget: k.

    Returns:
        The welfare where each agent is with the best for it; NaN if there are no rows.
    """
    if not len(returns):
        return math.nan
    agent_weights, outside = _numbers(objective)
    found = best_subset(returns, min(budget, len(returns)), agent_weights, outside, "greedy")
    if isinstance(objective.welfare, Utilitarian):
        return found.welfare
    floor = np.full(returns.shape[1], -np.inf) if outside is None else outside
    return float(_value(objective, jnp.asarray(returns[found.chosen].max(axis=0, initial=-np.inf).clip(floor))))


@eqx.filter_jit
def _value(objective: Objective, utilities: jax.Array) -> jax.Array:
    return objective.welfare(utilities, objective.agent_weights)


def _numbers(objective: Objective) -> tuple[np.ndarray | None, np.ndarray | None]:
    """The agents' weights and outside options."""
    weights, outside = (None if x is None else np.asarray(x) for x in (objective.agent_weights, objective.outside))
    return weights, outside


def _exchanged(objective: Objective, returns: np.ndarray, chosen: np.ndarray) -> np.ndarray:
    @jax.jit
    def worth(best_of_others: jax.Array) -> jax.Array:
        utilities = jnp.maximum(jnp.asarray(returns), best_of_others)
        return jax.vmap(lambda each: objective.welfare(each, objective.agent_weights))(utilities)

    floor = np.full(returns.shape[1], -np.inf) if objective.outside is None else np.asarray(objective.outside)
    chosen, most, since, position = chosen.copy(), -np.inf, 0, 0
    while since < len(chosen):
        others = np.delete(chosen, position)
        values = np.array(worth(jnp.asarray(returns[others].max(axis=0, initial=-np.inf, where=True).clip(floor))))
        values[others] = -np.inf  # no row twice
        since += 1
        if values.max() > most + 1e-6 * max(1.0, abs(values.max())):
            chosen[position], most, since = int(values.argmax()), float(values.max()), 0
        position = (position + 1) % len(chosen)
    return chosen
