"""Finite r-MDPs for tests: random ones that are cheap to draw, and levers, whose answers can be written down."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from hypothesis import strategies as st

from policybudget.exact.tabular import FiniteRMDP

SEEDS = st.integers(0, 2**32 - 1)


def random_rmdp(
    seed: int,
    states: int,
    actions: int,
    features: int,
    agents: int,
    horizon: int | None = None,
    outside: bool = False,
    coarse: bool = False,
    own: bool = False,
) -> FiniteRMDP:
    """Drawn from a seed; coarse ones have few different numbers, therefore ties. Own: transitions per agent."""
    rng, lead = np.random.default_rng(seed), (agents,) if own else ()
    if coarse:
        transitions = np.eye(states)[rng.integers(states, size=(*lead, states, actions))]
        paid = rng.integers(-1, 2, (states, actions, features)).astype(float)
        weights = rng.integers(-1, 2, (features, agents)).astype(float)
    else:
        transitions = rng.gamma(0.5, size=(*lead, states, actions, states)) + 1e-9
        transitions /= transitions.sum(axis=-1, keepdims=True)
        paid, weights = rng.normal(size=(states, actions, features)), rng.normal(size=(features, agents))
    initial = rng.gamma(1.0, size=states) + 1e-9
    options = np.where(rng.random(agents) < 0.7, rng.normal(size=agents), -np.inf)
    agent_weights = rng.integers(1, 4, agents).astype(float)
    return FiniteRMDP(
        transitions,
        paid,
        weights,
        initial / initial.sum(),
        discount=float(rng.choice([0.0, 0.5, 0.9, 0.99])) if horizon is None else float(rng.choice([0.9, 1.0])),
        horizon=horizon,
        agent_weights=agent_weights,
        outside=options if outside else None,
    )


def levers(wishes: Sequence[Sequence[float]], **details: Any) -> FiniteRMDP:
    """One pull of a lever, then it is over: agent i is paid ``wishes[i][l]`` for lever l."""
    weights = np.array(wishes, dtype=float).T
    number = len(weights)
    transitions, features = np.zeros((2, number, 2)), np.zeros((2, number, number))
    transitions[:, :, 1] = 1.0
    features[0] = np.eye(number)
    return FiniteRMDP(transitions, features, weights, np.array([1.0, 0.0]), horizon=1, **details)
