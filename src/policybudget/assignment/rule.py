"""Assignment rules: who is represented by whom. A training method is a rule x a learner; only the rule differs."""

from __future__ import annotations

import abc
from dataclasses import dataclass
from typing import ClassVar, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int, PRNGKeyArray

from policybudget.covers import Cover
from policybudget.learning.ppo import AssignmentLoss
from policybudget.learning.rollout import Episodes
from policybudget.objective import Objective
from policybudget.population import Rewards


class AssignmentState(eqx.Module):
    r"""α and the table of eq. 10.

    Attributes:
        assignment: α.
        table: moving average of finished feature returns; row j times an agent's weights is Q̃ of that agent.
        kept: :math:`(1-\lambda)^c` after c episodes of a policy: the share of the table that is its start, 0.
        held: iterations before which the assignment stays as it is.
    """

    assignment: Float[Array, "k n"]
    table: Float[Array, "k m"]
    kept: Float[Array, " k"]
    held: Int[Array, ""] = eqx.field(default_factory=lambda: jnp.zeros((), jnp.int32))

    def of(self, chosen: Int[Array, " c"], assignment: Float[Array, "c n"]) -> AssignmentState:
        """What is known of some of the policies, and who is with whom now."""
        return AssignmentState(assignment, self.table[chosen], self.kept[chosen], self.held)

    def returns(self, rewards: Rewards) -> Float[Array, "k n"]:
        """Q̃, freed of the bias towards its start: what each policy is worth to each agent (0 before any episode)."""
        return rewards.agents(self.table / jnp.maximum(1.0 - self.kept, 1e-12)[:, None])

    def observe(self, episodes: Episodes) -> AssignmentState:
        r"""Eq. 10 for each finished episode in turn: :math:`\tilde Q \leftarrow (1-\lambda)\tilde Q + \lambda R_0`."""
        table = self.table * episodes.kept[:, None] + episodes.recent
        return AssignmentState(self.assignment, table, self.kept * episodes.kept, self.held)


class Known(NamedTuple):
    """What a rule may look at when training begins.

    Attributes:
        rewards: of the n agents.
        budget, agents: k and n.
        seen: (universal_steps, m) features that the universal policy met, where the rule asked for them.
        parameters: (n, d) of the agents' tasks, where they have some.
        cover: what :meth:`AssignmentRule.cover` gave for them.
    """

    rewards: Rewards
    budget: int
    agents: int
    seen: np.ndarray | None = None
    parameters: np.ndarray | None = None
    cover: Cover | None = None


@dataclass(frozen=True)
class AssignmentRule(abc.ABC):
    """How the assignment begins and changes. Rules are values: frozen, without state of their own."""

    name: ClassVar[str]
    universal_steps: ClassVar[int] = 0
    """Transitions of a universal policy that the rule must see before it starts; it is trained first if not 0."""
    scouts: ClassVar[int] = 1
    """Times the budget of policies to train at first, where a rule has them (:mod:`policybudget.training.scouts`)."""
    scout_share: ClassVar[float] = 0.0
    """Share of the transitions that goes to the scouts."""
    recall: ClassVar[bool] = False
    """Whether policies learn, in the end, the best k of all episodes seen (:mod:`policybudget.training.recall`)."""
    restarts: ClassVar[int] = 1
    """Times that training begins anew, for a rule with recall."""
    fair_restarts: ClassVar[bool] = False
    """Whether every other beginning is for the worst-off agents."""
    split_every: ClassVar[int] = 0
    """Iterations between two looks for idle policies (:mod:`policybudget.training.splits`); 0: never."""
    warm_start: ClassVar[int] = 0
    """Updates before the first change of the assignment."""
    learns_from_features: ClassVar[bool] = False
    """Whether :meth:`loss` reads advantages per feature; critics then predict features, whatever the settings say."""

    @property
    def mixing(self) -> float:
        """λ of eq. 10."""
        return 0.05

    @property
    def assignment_rate(self) -> float:
        """Adam step size of the logits, for rules that have some."""
        return 0.0

    def cover(self, parameters: np.ndarray | None, budget: int, seed: int) -> Cover | None:
        """Prototypes that decide who learns from whom, for rules that cover tasks; None for all others.

        Args:
            parameters: (n, d) of the agents' tasks, where they have some.
            seed: that of the training, which alone decides what is drawn here.

        Raises:
            PolicyBudgetError: the rule does not fit these agents.
        """
        return None

    @abc.abstractmethod
    def start(self, known: Known, key: PRNGKeyArray) -> Float[Array, "k n"]:
        """The first assignment."""

    @abc.abstractmethod
    def logits(self, choices: int, agents: int, key: PRNGKeyArray) -> Float[Array, "c n"] | None:
        """ψ at the start, for an assignment learned by gradient; None for all others.

        Args:
            choices: k, and one more where agents have options outside.
        """

    @abc.abstractmethod
    def loss(
        self, rewards: Rewards, objective: Objective, state: AssignmentState, clip: float
    ) -> AssignmentLoss | None:
        """The loss of ψ, part of the learner's backward pass; None without ψ."""

    @abc.abstractmethod
    def update(
        self,
        rewards: Rewards,
        objective: Objective,
        state: AssignmentState,
        logits: Float[Array, "c n"] | None,
        iteration: Int[Array, ""],
        key: PRNGKeyArray,
    ) -> Float[Array, "k n"]:
        """The assignment after an M-step (the E-step); a column of zeros leaves an agent to its option outside."""

    @abc.abstractmethod
    def settle(
        self, objective: Objective, assignment: Float[Array, "k n"], returns: Float[Array, "k n"]
    ) -> Float[Array, "k n"]:
        """The assignment that is deployed, given the return matrix of the greedy policies on episodes of their own."""


def one_hot(labels: Int[Array, " n"], budget: int) -> Float[Array, "k n"]:
    """A hard assignment from each agent's policy; k for none of them."""
    return jax.nn.one_hot(labels, budget, axis=0)


def labels_of(assignment: Float[Array, "k n"]) -> Int[Array, " n"]:
    """Each agent's most likely policy; k for agents whom none serves."""
    return jnp.where(assignment.sum(axis=0) > 0, jnp.argmax(assignment, axis=0), assignment.shape[0])


def even_labels(agents: int, budget: int) -> Int[Array, " n"]:
    """Round-robin: policy i mod k for agent i, so that every policy has an agent."""
    return jnp.arange(agents) % budget
