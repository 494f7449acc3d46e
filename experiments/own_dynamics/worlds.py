"""Random finite r-MDPs whose agents differ in their dynamics and in their wishes."""

from __future__ import annotations

import numpy as np

from policybudget.exact.tabular import FiniteRMDP


def random_rmdp(seed: int, agents: int, states: int, actions: int, horizon: int | None) -> FiniteRMDP:
    """Draw one.

    Args:
        seed: decides everything.
        agents: n.
        states: S.
        actions: A.
        horizon: steps of an episode; None for a discount of 0.9 and no horizon.

    Returns:
        Transitions that are almost sure, and others for each agent; two features from 0 to 1; weights that sum to 1.
    """
    rng = np.random.default_rng(seed)
    return FiniteRMDP(
        rng.dirichlet(np.full(states, 0.1), (agents, states, actions)),
        rng.uniform(size=(states, actions, 2)),
        rng.dirichlet(np.full(2, 0.5), agents).T,
        np.full(states, 1 / states),
        discount=0.9 if horizon is None else 1.0,
        horizon=horizon,
    )
