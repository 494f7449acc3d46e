"""Assignment rules: who is served by which policy. A rule knows α and V, and nothing about schedules."""

from __future__ import annotations

import abc
from dataclasses import dataclass
from typing import Any, ClassVar, Literal, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int, PRNGKeyArray

from policybudget.assignment.returns import Returns, ReturnsTable
from policybudget.learning.ppo import AssignmentLoss
from policybudget.objective import Objective
from policybudget.population import Population, Rewards
from policybudget.runs.prototypes import Prototypes


class AssignmentState(eqx.Module):
    """α and the table of returns.

    Attributes:
        assignment: α.
        table: what finished episodes were worth.
        held: iterations of the phase before which α stays as it is.
    """

    assignment: Float[Array, "k n"]
    table: ReturnsTable
    held: Int[Array, ""]


class Known(NamedTuple):
    """What a rule may look at when a phase begins.

    Attributes:
        rewards: of the n agents.
        budget: k.
        agents: n.
        prepared: what :meth:`AssignmentRule.prepare` gave.
        seen: (steps, m) features that a universal policy met, after a search that trains one first.
    """

    rewards: Rewards
    budget: int
    agents: int
    prepared: Any = None
    seen: np.ndarray | None = None


@dataclass(frozen=True)
class AssignmentRule(abc.ABC):
    """How α begins, changes and ends. Rules are values: frozen dataclasses without state of their own.

    A rule of one's own gives a ``name``, says how it ``reassigns``, and implements :meth:`start`, :meth:`update` and
    :meth:`finalise`; :func:`policybudget.check_rule` tries it.
    """

    name: ClassVar[str]
    reassigns: ClassVar[Literal["greedily", "by gradient", "never"]]
    """How agents move during a training; some searches need rules that move them greedily."""
    eases: ClassVar[bool] = True
    """Whether options outside are lowered in the first half of a training (:meth:`Objective.eased`)."""

    def prepare(self, population: Population, budget: int, seed: int) -> Any:
        """What the rule needs to know of the agents before anything is trained, worked out once; None by default.

        Args:
            population: n agents.
            budget: k.
            seed: of the training.

        Raises:
            PolicyBudgetError: the rule does not fit these agents.
        """
        return None

    def prototypes(self, population: Population, budget: int, prepared: Any) -> Prototypes | None:
        """Where the policies will stand among the agents' tasks, for the record; None by default.

        Args:
            population: n agents.
            budget: k.
            prepared: what :meth:`prepare` gave.
        """
        return None

    @property
    def needs_universal_policy(self) -> bool:
        """Whether :meth:`start` looks at what a universal policy met (``Known.seen``)."""
        return False

    @property
    def learns_from_features(self) -> bool:
        """Whether :meth:`loss` reads advantages per feature; critics then predict features."""
        return False

    def hold(self) -> int:
        """Updates of the policies before the first update of α."""
        return 0

    @abc.abstractmethod
    def start(self, known: Known, key: PRNGKeyArray) -> Float[Array, "k n"]:
        """The first α.

        Args:
            known: what may be looked at.
            key: of ties and draws.
        """

    def logits(self, choices: int, agents: int) -> Float[Array, "c n"] | None:
        """ψ at the start, for an α that is learned by gradient; None by default.

        Args:
            choices: c = k, or k + 1 where agents have options outside.
            agents: n.
        """
        return None

    def loss(
        self, rewards: Rewards, objective: Objective, returns: Returns, assignment: Float[Array, "k n"]
    ) -> AssignmentLoss | None:
        """The loss of ψ, part of the learner's backward pass; None by default.

        Args:
            rewards: of the n agents.
            objective: what the budget is spent for.
            returns: V, before this update of the policies.
            assignment: α.
        """
        return None

    @abc.abstractmethod
    def update(
        self,
        objective: Objective,
        returns: Returns,
        assignment: Float[Array, "k n"],
        logits: Float[Array, "c n"] | None,
        key: PRNGKeyArray,
    ) -> Float[Array, "k n"]:
        """α after an update of the policies (the E-step); a column of zeros leaves an agent to its option outside.

        Args:
            objective: what the budget is spent for.
            returns: V, with what is known of each cell.
            assignment: α as it was.
            logits: ψ, for rules that have some.
            key: of ties and draws.
        """

    @abc.abstractmethod
    def finalise(
        self, objective: Objective, assignment: Float[Array, "k n"], returns: Float[Array, "k n"]
    ) -> Float[Array, "k n"]:
        """α as it is deployed.

        Args:
            objective: what the budget is spent for.
            assignment: α at the end of the training.
            returns: of the greedy policies, on episodes of their own.
        """


def one_hot(labels: Int[Array, " n"], budget: int) -> Float[Array, "k n"]:
    """A hard assignment.

    Args:
        labels: each agent's policy; k for none of them.
        budget: k.
    """
    return jax.nn.one_hot(labels, budget, axis=0)


def labels_of(assignment: Float[Array, "k n"]) -> Int[Array, " n"]:
    """Each agent's most likely policy; k for agents whom none serves.

    Args:
        assignment: α.
    """
    return jnp.where(assignment.sum(axis=0) > 0, jnp.argmax(assignment, axis=0), assignment.shape[0])


def even_labels(agents: int, budget: int) -> Int[Array, " n"]:
    """Round-robin: policy i mod k for agent i, so that every policy has an agent.

    Args:
        agents: n.
        budget: k.
    """
    return jnp.arange(agents) % budget
