"""The arrays of a finite MDP, checked. The exact solvers and the finite world are both made from them."""

from __future__ import annotations

from typing import Any

import numpy as np
from jaxtyping import Bool, Float64

from policybudget.errors import PolicyBudgetError

TOLERANCE = 1e-8
"""How far from 1 a sum of probabilities may be."""
_CHANCES = ("agent", "state", "action", "next state")


def check_tables(
    transitions: Any, features: Any, initial: Any
) -> tuple[Float64[np.ndarray, "*n S A S"], Float64[np.ndarray, "S A m"], Float64[np.ndarray, " S"]]:
    """The tables as read-only float64 arrays of their own.

    Args:
        transitions: (S, A, S) probability of the next state, given state and action; or (n, S, A, S), a table for each
            of n agents.
        features: (S, A, m) expected reward features.
        initial: (S,) distribution of the first state.

    Returns:
        Transitions, features and the distribution of the first state.

    Raises:
        PolicyBudgetError: a shape is wrong, an axis is empty, a number is not finite, or probabilities are negative or
            do not sum to 1; it names the agent, if each has a table, the state and the action.
    """
    chances = numbers("transitions", transitions, "(S, A, S)")
    if chances.ndim not in (3, 4) or chances.shape[-3] != chances.shape[-1] or 0 in chances.shape:
        raise PolicyBudgetError(
            "transitions must have shape (S, A, S), or (n, S, A, S), with at least one state and one action, "
            f"got {chances.shape}; let entry [s, a, t] be the probability of state t after action a in state s"
        )
    states, actions = chances.shape[-3:-1]
    paid = numbers("features", features, f"({states}, {actions}, m)")
    if paid.ndim != 3 or paid.shape[:2] != (states, actions) or paid.shape[2] == 0:
        raise PolicyBudgetError(
            f"features must have shape (S, A, m) = ({states}, {actions}, m) with at least one feature, got {paid.shape}"
        )
    first = numbers("initial", initial, f"({states},)")
    if first.shape != (states,):
        raise PolicyBudgetError(f"initial must have shape (S,) = ({states},), got {first.shape}")
    expect_finite("transitions", chances, _CHANCES[-chances.ndim :])
    expect_finite("features", paid, ("state", "action", "feature"))
    expect_finite("initial", first, ("state",))
    _expect_distributions(chances, first)
    return chances, paid, first


def absorbing(
    transitions: Float64[np.ndarray, "*n S A S"], features: Float64[np.ndarray, "S A m"]
) -> Bool[np.ndarray, " S"]:
    """Which states are the end: no action of any agent leaves them and nothing is ever paid in them.

    Args:
        transitions: probability of the next state, given state and action, and the agent if each has a table.
        features: expected reward features.

    Returns:
        True where a state is the end.
    """
    stays = np.einsum("...sas->...sa", transitions) >= 1.0 - TOLERANCE
    end: np.ndarray = stays.reshape(-1, *features.shape[:2]).all(axis=(0, 2)) & (features == 0.0).all(axis=(1, 2))
    return end


def numbers(what: str, given: Any, shape: str) -> np.ndarray:
    """A read-only float64 copy.

    Args:
        what: name of the array, for the error.
        given: anything that NumPy makes an array of.
        shape: that is expected, in words.

    Returns:
        The copy; its shape is not checked.

    Raises:
        PolicyBudgetError: it is not an array of numbers.
    """
    try:
        table = np.array(given, dtype=np.float64)
    except (TypeError, ValueError):
        raise PolicyBudgetError(f"{what} must be an array {shape} of numbers, got {type(given).__name__}") from None
    table.flags.writeable = False
    return table


def expect_finite(what: str, table: np.ndarray, axes: tuple[str, ...]) -> None:
    """Refuse NaN and infinity.

    Args:
        what: name of the array, for the error.
        table: to check.
        axes: what an index of each axis stands for.

    Raises:
        PolicyBudgetError: a number is not finite; it says where.
    """
    if not np.isfinite(table).all():
        first = tuple(np.argwhere(~np.isfinite(table))[0])
        raise PolicyBudgetError(f"{what} must be finite, got {table[first]} for {place(axes, first)}")


def place(axes: tuple[str, ...], index: tuple[Any, ...]) -> str:
    """Where in a table, in words: ``state 1, action 0``.

    Args:
        axes: what an index of each axis stands for.
        index: of an entry.

    Returns:
        The words.
    """
    return ", ".join(f"{axis} {int(at)}" for axis, at in zip(axes, index, strict=True))


def _expect_distributions(transitions: np.ndarray, initial: np.ndarray) -> None:
    if transitions.min() < 0.0:
        first = tuple(np.argwhere(transitions < 0.0)[0])
        where = place(_CHANCES[-transitions.ndim :], first)
        raise PolicyBudgetError(
            f"transition probabilities must not be negative, got {transitions[first]:.10g} for {where}"
        )
    sums = transitions.sum(axis=-1)
    if (wrong := np.abs(sums - 1.0) > TOLERANCE).any():
        first = tuple(np.argwhere(wrong)[0])
        where = place(_CHANCES[-sums.ndim - 1 : -1], first)
        raise PolicyBudgetError(
            f"transition probabilities must sum to 1, got {sums[first]:.10g} for {where}; "
            "let what is missing lead to a state that no action leaves and that has no features"
        )
    if initial.min() < 0.0:
        state = int(np.argmin(initial))
        raise PolicyBudgetError(f"initial must not be negative, got {initial[state]:.10g} for state {state}")
    if abs(initial.sum() - 1.0) > TOLERANCE:
        raise PolicyBudgetError(f"initial must sum to 1 over the states, got {initial.sum():.10g}")
