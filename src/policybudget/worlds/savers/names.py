"""The world of savers by name: ``savers``, or ``savers:wealth``."""

from __future__ import annotations

import jax.numpy as jnp

from policybudget.errors import PolicyBudgetError
from policybudget.worlds.savers.returns import years
from policybudget.worlds.savers.world import SaversWorld

SAVERS = "savers"
WEALTH = f"{SAVERS}:wealth"


def savers_world(name: str = SAVERS) -> SaversWorld:
    """The world of a name.

    Args:
        name: ``savers``, where policies see the years left, or ``savers:wealth``, where they see the invested share,
            too.

    Returns:
        The world.

    Raises:
        PolicyBudgetError: there is no such world, or the returns are not installed.
    """
    if name not in (SAVERS, WEALTH):
        raise PolicyBudgetError(f"--world {SAVERS} may have the option wealth ({WEALTH}), got {name!r}")
    return SaversWorld(jnp.asarray(years().gross, jnp.float32), wealth_seen=name == WEALTH)
