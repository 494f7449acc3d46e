r"""Begin with the best k of many policies that always act the same.

From random weights, policies learn for whoever they were given first, and groups form before anybody knows who goes
well together. Where actions are real numbers, a constant action is a policy already: a basal rate of insulin, a torque.
So many of them, spread evenly over the box (a scrambled Sobol sequence), are played for every agent, the best k are
chosen exactly by the table of their returns, and training begins there, with those groups. The networks' last layers
get the constants as their biases. From then on policies split (:mod:`policybudget.search.splitting`).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from jaxtyping import Float, PRNGKeyArray

from policybudget.assignment.em import best_served
from policybudget.assignment.rule import AssignmentRule
from policybudget.errors import PolicyBudgetError
from policybudget.policies.normaliser import Normaliser
from policybudget.policies.stacked import Actor, Policies
from policybudget.problem import RepresentedMDP
from policybudget.rollouts.sampler import greedy_returns
from policybudget.search.phases import Phase, Plan
from policybudget.search.search import Proposal
from policybudget.search.splitting import Splitting
from policybudget.selection.choice import choose
from policybudget.settings import check_options, option
from policybudget.streams import Stream, derive, host_seed
from policybudget.worlds.interface import Box, World

EPISODES = 2
"""Of each constant (for each agent, where they have dynamics of their own)."""


@dataclass(frozen=True)
class Constants(Splitting):
    """Splitting that begins with constant actions."""

    name: ClassVar[str] = "constants"
    limits: ClassVar[str] = "real-valued actions only"
    constants: int = option(256, "constant actions that are tried at most", most=100_000)
    constants_share: float = option(0.1, "share of the transitions that trying them may take")

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.constants < 1:
            raise PolicyBudgetError(f"constants must be at least 1, got {self.constants}")
        if not 0 < self.constants_share < 1:
            raise PolicyBudgetError(f"constants_share must be between 0 and 1, got {self.constants_share}")
        check_options(self)

    def check(self, problem: RepresentedMDP, rule: AssignmentRule) -> None:
        """Refuse worlds whose actions are choices, and rules that do not move agents greedily.

        Args:
            problem: its world.
            rule: who is with whom.

        Raises:
            PolicyBudgetError: the search does not fit.
        """
        super().check(problem, rule)
        if not isinstance(problem.world.actions, Box):
            raise PolicyBudgetError(
                f"search constants needs real-valued actions, which {problem.world.name} has not; "
                "use --search splitting"
            )

    def tried(self, plan: Plan) -> int:
        """Constants that the transitions allow, at least k.

        Args:
            plan: what is to be trained.
        """
        allowed = math.floor(self.constants_share * plan.budget * plan.transitions / _cost(plan))
        return max(plan.budget, min(self.constants, allowed))

    def spends(self, plan: Plan) -> int:
        """Transitions, of all policies, before the first phase.

        Args:
            plan: what is to be trained.
        """
        return self.tried(plan) * _cost(plan)

    def phases(self, plan: Plan) -> tuple[Phase, ...]:
        """One, shorter by what the constants take.

        Args:
            plan: what is to be trained.
        """
        left = plan.left(self.spends(plan))
        return super().phases(plan._replace(transitions=max(left, plan.learner.batch)))

    def first_policies(self, problem: RepresentedMDP, plan: Plan, actor: Actor, key: PRNGKeyArray) -> Proposal:
        """The best k constants, and who is with which.

        Args:
            problem: the r-MDP.
            plan: what is to be trained.
            actor: as the first phase would begin.
            key: of constants and episodes.
        """
        number = self.tried(plan)
        tried = spread(problem.world, number, host_seed(derive(key, Stream.PROPOSAL)))
        one = Normaliser.start(problem.world.observation_size)
        many = Policies(_always(actor.of(jnp.zeros(number, int)), tried), one)
        of_episodes = derive(key, Stream.PROPOSAL, 1)
        returns = greedy_returns(problem.world, problem.population.rewards, many, of_episodes, EPISODES)
        chosen = choose(problem.objective, returns, problem.budget)
        return Proposal(_always(actor, tried[chosen]), best_served(problem.objective, jnp.asarray(returns[chosen])))


def spread(world: World, number: int, seed: int) -> Float[np.ndarray, "c a"]:
    """Constant actions, evenly over what policies may do; from -1 to 1 where there is no bound.

    Args:
        world: with real-valued actions.
        number: c.
        seed: of the scrambling.
    """
    from scipy.stats import qmc  # takes half a second, which other searches need not wait

    space, units = world.actions, world.units
    assert isinstance(space, Box)
    low, high = np.array(space.low), np.array(space.high)
    free = ~np.isfinite(low + high) | units.stretched  # stretched to the bounds by the world
    low, high = np.where(free, -1.0, low), np.where(free, 1.0, high)
    sobol = qmc.Sobol(space.size, rng=np.random.default_rng(seed))
    points: np.ndarray = low + (high - low) * sobol.random(2 ** math.ceil(math.log2(number)))[:number]
    return points


def _cost(plan: Plan) -> int:
    """Transitions that a constant takes."""
    return EPISODES * plan.episode * (plan.agents if plan.own else 1)


def _always(actor: Actor, constants: Float[np.ndarray, "k a"]) -> Actor:
    """Actors whose actions are constants, but for what little their untrained last layers add."""
    last = actor.network.layers[-1]
    biases = jnp.asarray(constants, last.bias.dtype)[:, None]
    always: Actor = eqx.tree_at(lambda a: a.network.layers[-1].bias, actor, biases)
    return always
