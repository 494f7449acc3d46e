"""The units of a world's actions, as :mod:`policybudget.policies.on_host` needs them after the training."""

from __future__ import annotations

import contextlib

import numpy as np

from policybudget.policies.units import Units
from policybudget.worlds.gym.copies import silence
from policybudget.worlds.gym.world import GymnasiumWorld
from policybudget.worlds.interface import ActionSpace, Box, Discrete, World


def units_of(world: World) -> Units:
    """The units that actions are in where they reach the environment itself.

    Args:
        world: where policies act. An environment of Gymnasium is made once more and asked; any other world takes
            actions as policies give them.

    Returns:
        The units.
    """
    units = plain(world.actions)
    if not isinstance(world, GymnasiumWorld):
        return units
    with silence():
        example = world.factory(1)
    space = example.single_action_space
    with contextlib.suppress(Exception), silence():
        example.close()
    start = np.asarray(getattr(space, "start", 0)).ravel()
    return Units(
        units.kind, units.sizes, units.low, units.high, stretched=units.kind == "box",
        shape=tuple(int(n) for n in space.shape), dtype=np.dtype(space.dtype).name,
        start=tuple(int(n) for n in start) if start.any() else (),
    )  # fmt: skip


def plain(space: ActionSpace) -> Units:
    """The units of a world that takes actions as policies give them.

    Args:
        space: of the actions.

    Returns:
        The units.
    """
    if isinstance(space, Box):
        return Units("box", (space.size,), space.low, space.high, shape=(space.size,), dtype="float32")
    if isinstance(space, Discrete):
        return Units("discrete", (space.size,))
    return Units("multi-discrete", space.sizes, shape=(len(space.sizes),))
