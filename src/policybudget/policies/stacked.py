"""The k policies, stacked: what acts, and nothing else."""

from __future__ import annotations

from collections.abc import Sequence

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array, Float, Int, PRNGKeyArray

from policybudget.policies import actions
from policybudget.policies.networks import Network, Sharing, make_network
from policybudget.policies.normaliser import Normaliser
from policybudget.worlds.interface import ActionSpace, Box


class Actor(eqx.Module):
    """What learning improves: the networks, and for boxes a log standard deviation per policy and component."""

    network: Network
    log_std: Float[Array, "k 1 a"] | None

    def __call__(self, observation: Float[Array, "k B o"]) -> actions.Head:
        """Action distributions for normalised observations."""
        return actions.Head(self.network(observation), self.log_std)

    def of(self, chosen: Int[Array, " c"]) -> Actor:
        """Some of the policies."""
        return Actor(self.network.of(chosen), None if self.log_std is None else self.log_std[chosen])


class Policies(eqx.Module):
    """k policies and the observation statistics they were trained with."""

    actor: Actor
    normaliser: Normaliser

    @property
    def budget(self) -> int:
        """k."""
        return int(self.actor.network.layers[-1].weight.shape[0])

    def __call__(self, observation: Float[Array, "k B o"]) -> actions.Head:
        """Action distributions for raw observations."""
        return self.actor(self.normaliser(observation))


def make_actor(
    key: PRNGKeyArray,
    budget: int,
    observation_size: int,
    space: ActionSpace,
    hidden: Sequence[int],
    trunk: Sharing,
    log_std: float,
) -> Actor:
    """k actors on a shared trunk with a head each (``trunk`` as in :func:`make_network`)."""
    sizes = (observation_size, *hidden, space.size)
    rest: list[Sharing] = ["separate" if trunk == "separate" else "shared"] * (len(hidden) - 1)
    sharing: list[Sharing] = [trunk, *rest, "separate"]
    network = make_network(key, budget, sizes, sharing, out_gain=0.01)
    spread = jnp.full((budget, 1, space.size), log_std) if isinstance(space, Box) else None
    return Actor(network, spread)


def make_critic(
    key: PRNGKeyArray,
    budget: int,
    observation_size: int,
    features: int,
    hidden: Sequence[int],
    head: Sharing,
) -> Network:
    """k critics with m outputs each; the trunk sees which policy it is for as a one-hot input.

    Args:
        head: "shared" (the paper's code) or "separate" last layers.
    """
    rest: list[Sharing] = ["shared"] * (len(hidden) - 1)
    sharing: list[Sharing] = ["biases", *rest, head]
    return make_network(key, budget, (observation_size, *hidden, features), sharing, out_gain=1.0)


def act(policies: Policies, space: ActionSpace, observation: Float[Array, "k B o"], random: Array | None) -> Array:
    """Actions for raw observations: sampled with this noise, or greedy where it is None."""
    head = policies(observation)
    return actions.mode(space, head) if random is None else actions.sample(space, head, random)
