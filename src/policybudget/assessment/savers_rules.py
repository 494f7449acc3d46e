"""Policies in the world of savers as tables of shares, whose worth is then exact (exact/savers_optimum.py)."""

from __future__ import annotations

import jax.numpy as jnp
import numpy as np
from jaxtyping import Float

from policybudget.policies.stacked import Policies, act
from policybudget.worlds.savers.planning import GRID
from policybudget.worlds.savers.saver import LONGEST
from policybudget.worlds.savers.world import DECADES, SaversWorld


def rules_of(world: SaversWorld, policies: Policies) -> Float[np.ndarray, "k T g"]:
    """What greedy policies do wherever a saver may stand.

    Args:
        world: of savers; it says what is seen.
        policies: k of them.

    Returns:
        (k, T, g) shares in stocks with 1 to T years left, T the longest horizon, at the points of the grid of planning.
    """
    left = np.repeat(np.arange(1, LONGEST + 1), len(GRID)).astype(np.float32)
    wealth = np.tile(GRID, LONGEST)
    invested = wealth + (1 - wealth) / left
    seen = np.stack([left / DECADES, *([invested] if world.wealth_seen else [])], axis=-1)
    everywhere = jnp.broadcast_to(jnp.asarray(seen, jnp.float32), (policies.budget, *seen.shape))
    given = np.asarray(act(policies, world.actions, everywhere, None), np.float64)[..., 0]
    return ((1 + np.clip(given, -1, 1)) / 2).reshape(policies.budget, LONGEST, len(GRID))
