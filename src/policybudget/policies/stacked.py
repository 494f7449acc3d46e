"""k policies as one value: networks with a leading policy axis, and the normaliser of their observations."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int, PRNGKeyArray

from policybudget.policies import actions
from policybudget.policies.architecture import LAYER
from policybudget.policies.networks import Layer, Network, Sharing, make_network
from policybudget.policies.normaliser import Normaliser
from policybudget.policies.on_host import HostPolicies
from policybudget.worlds.interface import ActionSpace, Box, Discrete, plain_units


class Actor(eqx.Module):
    """The parameters of k policies that learning improves.

    Args:
        network: the k networks, from normalised observations (o) to the parameters of a distribution over actions.
        log_std: (k, 1, a) log standard deviations for a box; None for discrete actions.
    """

    network: Network
    log_std: Float[Array, "k 1 a"] | None

    def __call__(self, observation: Float[Array, "k B o"]) -> actions.Head:
        """Distributions over actions for normalised observations.

        Args:
            observation: (k, B, o) B normalised observations per policy.

        Returns:
            The parameters of k x B distributions.
        """
        return actions.Head(self.network(observation), self.log_std)

    def of(self, chosen: Int[Array, " c"]) -> Actor:
        """The actors of some of the policies.

        Args:
            chosen: (c) indices of policies; an index may occur more than once.

        Returns:
            The actors of these c policies.
        """
        return Actor(self.network.of(chosen), None if self.log_std is None else self.log_std[chosen])


class Policies(eqx.Module):
    """k policies, stacked on a leading axis, and the observation statistics that they were trained with.

    Args:
        actor: the networks of the k policies.
        normaliser: the statistics of their raw observations.
    """

    actor: Actor
    normaliser: Normaliser

    @property
    def budget(self) -> int:
        """k, the number of policies."""
        return int(self.actor.network.layers[-1].weight.shape[0])

    def __call__(self, observation: Float[Array, "k B o"]) -> actions.Head:
        """Distributions over actions for raw observations.

        Args:
            observation: (k, B, o) B raw observations per policy.

        Returns:
            The parameters of k x B distributions.
        """
        return self.actor(self.normaliser(observation))

    def of(self, chosen: Int[Array, " c"]) -> Policies:
        """Some of the policies.

        Args:
            chosen: (c) indices of policies; an index may occur more than once.
        """
        which = jnp.asarray(chosen)
        return Policies(self.actor.of(which), self.normaliser.of(which))

    def arrays(self) -> dict[str, np.ndarray]:
        """All numbers of the policies as NumPy arrays; :meth:`from_arrays` reads them.

        Returns:
            Arrays by name, such as ``actor.network.layers.0.weight``; those with three axes have the policies first.
        """
        actor, normaliser = jax.device_get((self.actor, self.normaliser))
        named: dict[str, np.ndarray] = {}
        for index, layer in enumerate(actor.network.layers):
            named |= {f"{LAYER}.{index}.weight": layer.weight, f"{LAYER}.{index}.bias": layer.bias}
        if actor.log_std is not None:
            named["actor.log_std"] = actor.log_std
        named |= {f"normaliser.{name}": getattr(normaliser, name) for name in ("count", "mean", "squares")}
        return {name: np.asarray(array) for name, array in named.items()}

    @staticmethod
    def from_arrays(arrays: Mapping[str, np.ndarray]) -> Policies:
        """The policies that :meth:`arrays` took apart.

        Args:
            arrays: by name.

        Returns:
            The policies.
        """
        given = {name: jnp.asarray(array) for name, array in arrays.items()}
        count = sum(name.startswith(LAYER) for name in given) // 2
        layers = tuple(Layer(given[f"{LAYER}.{i}.weight"], given[f"{LAYER}.{i}.bias"]) for i in range(count))
        statistics = (given[f"normaliser.{name}"] for name in ("count", "mean", "squares"))
        return Policies(Actor(Network(layers), given.get("actor.log_std")), Normaliser(*statistics))

    def on_host(self, space: ActionSpace) -> HostPolicies:
        """The same policies in NumPy.

        Args:
            space: their action space.

        Returns:
            The policies.
        """
        return HostPolicies(self.arrays(), plain_units(space).choices, isinstance(space, Discrete))


def make_actor(
    key: PRNGKeyArray,
    budget: int,
    observation_size: int,
    space: ActionSpace,
    hidden: Sequence[int],
    trunk: Sharing,
    log_std: float,
) -> Actor:
    """k untrained actors; each has its own last layer.

    Args:
        key: used for the initial weights only.
        budget: k, the number of policies.
        observation_size: o.
        space: the action space.
        hidden: the sizes of the hidden layers.
        trunk: what the hidden layers share: "shared", "biases" (the first layer has one bias per policy) or
            "separate", as in :func:`make_network`.
        log_std: the initial log standard deviation of actions in a box.

    Returns:
        The actors. The gain of their last layers is 0.01: at first, actions hardly depend on observations.
    """
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
    """k untrained critics; their first layer has one bias per policy, as for a one-hot input, the others are shared.

    Args:
        key: used for the initial weights only.
        budget: k, the number of policies.
        observation_size: o.
        features: the number of outputs of each critic, such as m.
        hidden: the sizes of the hidden layers.
        head: the last layer: "shared" (as in the paper's code) or "separate".

    Returns:
        The critics, from normalised observations to values.
    """
    rest: list[Sharing] = ["shared"] * (len(hidden) - 1)
    sharing: list[Sharing] = ["biases", *rest, head]
    return make_network(key, budget, (observation_size, *hidden, features), sharing, out_gain=1.0)


def act(policies: Policies, space: ActionSpace, observation: Float[Array, "k B o"], random: Array | None) -> Array:
    """Actions for raw observations.

    Args:
        policies: the k policies.
        space: their action space.
        observation: (k, B, o) B raw observations per policy.
        random: numbers from :func:`policybudget.policies.actions.noise` of shape (k, B, ..); None for greedy actions.

    Returns:
        (k, B) or (k, B, components) actions.
    """
    head = policies(observation)
    return actions.mode(space, head) if random is None else actions.sample(space, head, random)
