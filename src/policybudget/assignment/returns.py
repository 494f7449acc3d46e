r"""The table of returns V (k, n): what each policy is worth to each agent, and with how much evidence.

A table observes finished episodes and gives an estimate. A cell that was never measured is *unknown*. It is never read
as 0: where returns are negative, everybody would flee to a policy that nobody has tried.
"""

from __future__ import annotations

import abc
from typing import NamedTuple

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Int

from policybudget.population import Rewards
from policybudget.rollouts.batch import Episodes


class Returns(NamedTuple):
    """An estimate of V.

    Attributes:
        value: mean returns; meaningless where nothing is known.
        episodes: evidence, as the number of episodes that the mean is worth; 0 where nothing is known.
    """

    value: Float[Array, "k n"]
    episodes: Float[Array, "k n"]

    @property
    def known(self) -> Bool[Array, "k n"]:
        """Cells that were measured."""
        return self.episodes > 0

    @property
    def neutral(self) -> Float[Array, "k n"]:
        """V with unknown cells filled such that they neither attract nor repel.

        They get the mean of what is known of their agent; of an agent of whom nothing is known, that of all.
        """
        known = self.known
        value = jnp.where(known, self.value, 0.0)
        overall = value.sum() / jnp.maximum(known.sum(), 1)
        mine = jnp.where(known.any(axis=0), value.sum(axis=0) / jnp.maximum(known.sum(axis=0), 1), overall)
        return jnp.where(known, self.value, mine)


class ReturnsTable(eqx.Module):
    """What is remembered of finished episodes. Tables are values: observing gives a new one."""

    @abc.abstractmethod
    def observe(self, episodes: Episodes) -> ReturnsTable:
        """The table after some episodes.

        Args:
            episodes: that ended in a batch, per policy.
        """

    @abc.abstractmethod
    def look(self, returns: Float[Array, "k n"]) -> ReturnsTable:
        """The table after evaluation episodes of every policy for every agent.

        Args:
            returns: mean returns in them.
        """

    @abc.abstractmethod
    def estimate(self, rewards: Rewards) -> Returns:
        """What is known of V.

        Args:
            rewards: of the n agents.
        """

    @abc.abstractmethod
    def of(self, source: Int[Array, " c"]) -> ReturnsTable:
        """The table of copies.

        Args:
            source: the policy that each of c policies is a copy of.
        """


class MovingAverage(ReturnsTable):
    r"""Eq. 10 for each finished episode in turn: :math:`\tilde Q \leftarrow (1-\lambda)\tilde Q + \lambda R_0`.

    Where agents share a dynamics, one episode tells all n of them something: features are kept (c = 1). Where they have
    dynamics of their own, an episode tells of one agent: agents are kept, each with evidence of its own (c = m = n).
    Departure: the estimate is freed of its start at zero, divided by :math:`1 - (1-\lambda)^c` after c episodes.

    Attributes:
        average: of finished feature returns, with its start at zero.
        kept: :math:`(1-\lambda)^c` after c episodes of a policy, or of a policy for an agent.
    """

    average: Float[Array, "k m"]
    kept: Float[Array, "k c"]

    @staticmethod
    def start(budget: int, features: int, by_agent: bool = False) -> MovingAverage:
        """Nothing is known.

        Args:
            budget: k.
            features: m.
            by_agent: whether agents have dynamics of their own.
        """
        return MovingAverage(jnp.zeros((budget, features)), jnp.ones((budget, features if by_agent else 1)))

    def observe(self, episodes: Episodes) -> MovingAverage:
        """Eq. 10.

        Args:
            episodes: that ended in a batch, per policy.
        """
        average = self.average * episodes.kept + episodes.recent
        return MovingAverage(average, self.kept * episodes.kept)

    def look(self, returns: Float[Array, "k n"]) -> MovingAverage:
        """Half of what is known from then on.

        Args:
            returns: mean returns of evaluation episodes.
        """
        return MovingAverage((self.average + returns) / 2, self.kept / 2)

    def estimate(self, rewards: Rewards) -> Returns:
        """Q̃, freed of its start.

        Args:
            rewards: of the n agents.
        """
        seen = 1.0 - self.kept
        value = rewards.agents(self.average / jnp.maximum(seen, 1e-12))
        return Returns(value, jnp.broadcast_to(seen, value.shape))

    def of(self, source: Int[Array, " c"]) -> MovingAverage:
        """The table of copies.

        Args:
            source: the policy that each of c policies is a copy of.
        """
        return MovingAverage(self.average[source], self.kept[source])
