r"""An archive of episodes: the best k of all that were ever seen, chosen exactly, and policies that repeat them.

::

    archive <- {}
    for a few restarts, every other one for the worst off:
        train with the rule from random groups;  archive <- undominated(archive + episodes that a policy can repeat)
    choose the k episodes that are worth most to all agents together           (policybudget.selection, exact)
    distil: k policies learn to repeat them                                    (policybudget.search.distil)
    keep them if they are worth more than the policies of the last restart

Which policies are learned and which groups they serve is then no matter of where EM came to rest. It only works where
an episode can be had again by the same actions: in worlds written in JAX in which nothing is drawn, with discrete
actions. (First return, then explore: Ecoffet et al. 2021; self-imitation: Oh et al. 2018. What an r-MDP adds is the
choice of k for all agents at once.)
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import jax.numpy as jnp
import numpy as np
from jaxtyping import PRNGKeyArray

from policybudget.assignment.em import best_served
from policybudget.assignment.rule import AssignmentRule
from policybudget.errors import PolicyBudgetError
from policybudget.learning.settings import PPO
from policybudget.policies.normaliser import Normaliser
from policybudget.policies.stacked import make_actor
from policybudget.problem import RepresentedMDP
from policybudget.search.distil import compiled_imitate
from policybudget.search.episodes import Archived, Seen, remember
from policybudget.search.phases import Phase, Plan
from policybudget.search.search import Change, Proposal, Search, Standing
from policybudget.selection.choice import choose, quick_worth
from policybudget.settings import check_options, option
from policybudget.welfare import Egalitarian
from policybudget.worlds.interface import Discrete, JaxWorld

SHORTEST, ALONE = 25, 240
"""Iterations that a restart must have, and those of one policy for everybody: the fewer the policies, the longer the
way of each. Where there are not so many, there are fewer restarts."""
HELD = 5
"""α is held for at most this part of a restart."""


@dataclass(frozen=True)
class Archive(Search):
    """Restarts, and the best k of all episodes seen. Only for deterministic JAX worlds with discrete actions."""

    name: ClassVar[str] = "archive"
    limits: ClassVar[str] = "deterministic JAX worlds with discrete actions only"
    restarts: int = option(8, "times that training begins anew, at most (deterministic JAX worlds only)", most=10_000)
    egalitarian_restarts: bool = option(True, "every other restart is for the worst off")

    def __post_init__(self) -> None:
        if self.restarts < 1:
            raise PolicyBudgetError(f"restarts must be at least 1, got {self.restarts}")
        check_options(self)

    def check(self, problem: RepresentedMDP, rule: AssignmentRule) -> None:
        """Refuse worlds whose episodes cannot be had again.

        Args:
            problem: the r-MDP.
            rule: who is with whom.

        Raises:
            PolicyBudgetError: something is drawn in the world, its actions are not discrete, or it is no JAX world; or
                the rule keeps its groups.
        """
        world = problem.world
        if not (isinstance(world, JaxWorld) and world.without_chance and isinstance(world.actions, Discrete)):
            raise PolicyBudgetError(
                f"search archive needs a deterministic world in JAX with discrete actions, which {world.name} is not; "
                "use --search splitting or plain"
            )
        if world.own_dynamics:
            raise PolicyBudgetError(
                f"search archive repeats an episode for all agents, whose dynamics differ in {world.name}; "
                "use --search splitting or plain"
            )
        if rule.reassigns == "never":
            raise PolicyBudgetError(
                f"search archive chooses policies and groups anew, which algorithm {rule.name} keeps; "
                "use --search plain"
            )

    def phases(self, plan: Plan) -> tuple[Phase, ...]:
        """Restarts, all alike but for their welfare, so that they compile once.

        Args:
            plan: what is to be trained.
        """
        rule, learner = plan.rule, plan.learner
        whole = max(1, plan.transitions // learner.batch)
        number = min(self.restarts, max(1, whole // max(SHORTEST, ALONE // plan.budget)))
        iterations = whole // number
        hold = min(rule.hold(), iterations // HELD)
        parts = []
        for index in range(number):
            fair = self.egalitarian_restarts and index % 2 == 1
            name = rule.name if number == 1 else f"restart {index + 1} of {number}"
            name += " (for the worst off)" if fair else ""
            welfare, length = Egalitarian() if fair else None, iterations * learner.batch
            parts.append(Phase(name, rule, learner, plan.budget, length, hold, welfare, shuffle=number > 1))
        return tuple(parts)

    @property
    def keeps_episodes(self) -> bool:
        """All of them."""
        return True

    def memory(self, problem: RepresentedMDP) -> Archived:
        """An empty archive.

        Args:
            problem: with the number of agents and the longest episode.
        """
        return Archived.start(problem.population.size, problem.world.time_limit)

    def begin(
        self, phase: Phase, before: Standing | None, memory: Any, key: PRNGKeyArray
    ) -> tuple[Change | None, Archived]:
        """Fresh policies in fresh worlds.

        Args:
            phase: that begins.
            before: not looked at.
            memory: the archive.
            key: not used.
        """
        return None, memory.in_fresh_copies(phase.budget, phase.learner.copies)

    def remember(self, memory: Archived, seen: Seen) -> Archived:
        """The archive after a batch.

        Args:
            memory: as it was.
            seen: what the batch showed.
        """
        return remember(memory, seen)

    def worth(self, problem: RepresentedMDP, memory: Archived) -> float:
        """The welfare of the best k episodes, by a quick choice; the choice at the end may find better ones.

        Args:
            problem: the r-MDP.
            memory: the archive.
        """
        return quick_worth(problem.objective, memory.returns.astype(np.float64), problem.budget)

    def proposals(
        self, problem: RepresentedMDP, learner: PPO, normaliser: Normaliser, memory: Archived, key: PRNGKeyArray
    ) -> Sequence[Proposal]:
        """Policies that repeat the best k episodes; none before any episode has ended.

        Args:
            problem: the r-MDP.
            learner: with the size of the networks.
            normaliser: of observations, as trained.
            memory: the archive.
            key: of first weights.
        """
        world, budget, found = problem.world, problem.budget, len(memory.returns)
        assert isinstance(world, JaxWorld)
        if not found:
            return ()
        chosen = choose(problem.objective, memory.returns.astype(np.float64), min(budget, found))
        chosen = chosen[np.arange(budget) % len(chosen)]
        actor = make_actor(
            key, budget, world.observation_size, world.actions, learner.hidden, learner.trunk, learner.log_std
        )
        taken, lengths = jnp.asarray(memory.actions[chosen], jnp.int32), jnp.asarray(memory.lengths[chosen])
        assignment = best_served(problem.objective, jnp.asarray(memory.returns[chosen]))
        return (Proposal(compiled_imitate(world, actor, normaliser, taken, lengths), assignment),)
