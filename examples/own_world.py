"""A world of one's own in JAX: a corridor of seven tiles; every user wants the walker at another tile."""

import sys

import jax.numpy as jnp
import numpy as np

import policybudget as pb
from policybudget.worlds.interface import Discrete, JaxWorld, Transition


class Corridor(JaxWorld):
    name: str = "corridor"
    observation_size: int = 7
    outcome_size: int = 7
    actions: Discrete = Discrete(3)
    time_limit: int = 10
    without_chance: bool = True

    def reset(self, key, task=None):
        state = (jnp.asarray(3), jnp.asarray(0))
        return state, jnp.eye(7)[3]

    def step(self, state, action, key, task=None):
        tile, time = jnp.clip(state[0] + action - 1, 0, 6), state[1] + 1
        here = jnp.eye(7)[tile]
        return Transition((tile, time), here, 10.0 * here, jnp.asarray(False), time >= self.time_limit)


users = pb.Population.from_weights(np.eye(7), names=[f"wants tile {i}" for i in range(7)])
print(
    *(f"{finding.level:<9}{finding.check}: {finding.text}" for finding in pb.check_world(Corridor(), users)), sep="\n"
)
transitions = int(sys.argv[1]) if len(sys.argv) > 1 else 50_000
result = pb.train(pb.RepresentedMDP(Corridor(), users, budget=3), transitions=transitions)
print(result.assignment.argmax(axis=0), f"welfare {result.welfare:.2f}", sep="\n")
