"""Gymnasium's toy-text environments (FrozenLake, Taxi, CliffWalking) as finite r-MDPs.

They carry their tables: ``env.unwrapped.P[s][a]`` is a list of (probability, next state, reward, terminated), and
``initial_state_distrib`` the distribution of the first state. Transitions that terminate lead to one more state, the
last, that nothing leaves. In the environment's own table they lead to an ordinary state, which would be paid again.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from policybudget.errors import PolicyBudgetError, extra
from policybudget.exact.tabular import FiniteRMDP

Features = Callable[[int, int, int], Sequence[float] | np.ndarray]
"""From (state, action, next state) to the m reward features of the transition."""


def from_toy_text(
    environment: Any,
    weights: Any = None,
    features: Features | None = None,
    *,
    discount: float = 0.99,
    horizon: int | None = None,
    **details: Any,
) -> FiniteRMDP:
    """The finite r-MDP of an environment that has a table.

    Args:
        environment: an id for ``gymnasium.make``, or an environment made already.
        weights: (m, n) of the agents; one agent who wants each feature alone (the identity) if not given.
        features: the m features of a transition (state, action, next state), averaged over next states; the
            environment's reward as one feature if not given.
        discount: gamma.
        horizon: H, steps of an episode; None for an infinite one. A time limit of the environment is not taken over.
        **details: names, agent_weights and outside of :class:`FiniteRMDP`.

    Returns:
        An r-MDP with one state more than the environment; the last is the end.

    Raises:
        PolicyBudgetError: Gymnasium is not installed, there is no such environment, or it has no table.
    """
    table, initial = _table(environment)
    states, actions = len(table), len(table[0])
    paid = None if features is None else [[_mean(features, s, a, table[s][a]) for a in table[s]] for s in table]
    transitions = np.zeros((states + 1, actions, states + 1))
    rewards = np.zeros((states + 1, actions, 1))
    for state in table:
        for action, outcomes in table[state].items():
            for chance, after, reward, terminated in outcomes:
                transitions[state, action, states if terminated else after] += chance
                rewards[state, action, 0] += chance * float(reward)
    transitions[states, :, states] = 1.0
    if paid is not None:
        given = np.array(paid, dtype=np.float64)
        rewards = np.concatenate([given, np.zeros((1, *given.shape[1:]))])
    wanted = np.eye(rewards.shape[2]) if weights is None else weights
    return FiniteRMDP(transitions, rewards, wanted, np.append(initial, 0.0), discount, horizon, **details)


def _mean(features: Features, state: int, action: int, outcomes: Sequence[Any]) -> np.ndarray:
    """Expected features of taking an action in a state."""
    parts = [chance * np.asarray(features(state, action, int(after)), np.float64) for chance, after, *_ in outcomes]
    mean: np.ndarray = np.sum(parts, axis=0)
    if mean.ndim != 1:
        raise PolicyBudgetError(
            f"features must give a list of m numbers, got an array of shape {mean.shape} "
            f"for state {state}, action {action}"
        )
    return mean


def _table(environment: Any) -> tuple[Any, np.ndarray]:
    """The table and the distribution of the first state."""
    made = _make(environment) if isinstance(environment, str) else environment
    inside = getattr(made, "unwrapped", made)
    table, initial = getattr(inside, "P", None), getattr(inside, "initial_state_distrib", None)
    if not table or initial is None:
        raise PolicyBudgetError(
            "environment must have a table of transitions (P) and initial_state_distrib, as FrozenLake, Taxi and "
            f"CliffWalking have, got {type(inside).__name__}; give the arrays to FiniteRMDP instead"
        )
    return table, np.asarray(initial, np.float64)


def _make(identifier: str) -> Any:
    with extra("gymnasium", "toy-text environments"):
        import gymnasium
    try:
        return gymnasium.make(identifier)
    except Exception as error:  # unknown ids, missing packages, bad versions: each has a class of its own
        lines = str(error).strip().splitlines()
        raise PolicyBudgetError(
            f"environment must be an id that Gymnasium knows, got {identifier!r} ({lines[0] if lines else error!r})"
        ) from None
