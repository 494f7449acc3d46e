"""The one pytree that training carries from iteration to iteration, and what stays the same."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jax.flatten_util import ravel_pytree
from jaxtyping import Array, Float, Int, PRNGKeyArray

from policybudget.assignment.returns import MovingAverage
from policybudget.assignment.rule import AssignmentRule, AssignmentState
from policybudget.learning import ppo
from policybudget.learning.settings import PPO
from policybudget.objective import Objective
from policybudget.policies.normaliser import Normaliser
from policybudget.policies.stacked import Policies, make_actor, make_critic
from policybudget.population import Rewards
from policybudget.population.rewards import WidenedRewards
from policybudget.problem import RepresentedMDP
from policybudget.rollouts.batch import Ongoing
from policybudget.search.phases import Phase
from policybudget.search.search import Change
from policybudget.streams import Stream, derive
from policybudget.worlds.interface import World

SMALLEST_SCALE = 1e-3
"""Unit of returns before any was seen, where the population does not tell it."""


class TrainState(eqx.Module):
    """Everything that decides how training goes on; saving and loading it resumes exactly.

    Attributes:
        learned: actors, critics and logits.
        optimiser: their optimisers' states.
        normaliser: of observations.
        assignment: α and the table of returns.
        ongoing: where the copies of the world stand.
        running: returns so far of the episodes under way.
        scale: unit of the critics' predictions; c = m or 1.
        key: of the phase.
        iteration: of the phase, the number that were run.
    """

    learned: ppo.Learned
    optimiser: Any
    normaliser: Normaliser
    assignment: AssignmentState
    ongoing: Ongoing
    running: Float[Array, "k E m"]
    scale: Float[Array, " c"]
    key: PRNGKeyArray
    iteration: Int[Array, ""]

    @property
    def policies(self) -> Policies:
        """The policies as they are now."""
        return Policies(self.learned.actor, self.normaliser)


class Task(eqx.Module):
    """What does not change during a phase: arrays of the problem, and settings that are static for the compiler.

    Attributes:
        world: where the policies act.
        rewards: of the n agents, which the phase trains for; some are wider than those that agents are paid by.
        paid: those that agents are paid by, of the same features.
        objective: what the phase trains for.
        reported: what the budget is spent for; some phases train for another welfare function.
        rule: who is with whom.
        settings: of the learner.
        budget: k.
        agents: n.
        features: m.
        return_scale: unit of the critics, if it is known.
        iterations: of the phase.
        mixing: λ of eq. 10.
        keeps_episodes: whether batches are shown to the search step by step.
        span: shares of the training's transitions that are spent at the start and at the end of the phase.
    """

    world: World
    rewards: Rewards
    paid: Rewards
    objective: Objective
    reported: Objective
    rule: AssignmentRule
    settings: PPO
    budget: int
    agents: int
    features: int
    return_scale: float | None
    iterations: int
    mixing: float
    keeps_episodes: bool
    span: tuple[float, float] = (0.0, 1.0)

    @property
    def told(self) -> Float[Array, "n q"] | None:
        """What critics see of the agent that is played for; None for nothing, as where agents do not differ."""
        told = self.rewards.told if self.settings.critic_sees_agent else None
        return None if told is None or not told.shape[1] else told

    def rewards_in(self, iteration: Int[Array, ""]) -> Rewards:
        """The rewards that the phase trains for, as wide as they are then.

        Args:
            iteration: of the phase, from 0.
        """
        if not isinstance(self.rewards, WidenedRewards):
            return self.rewards
        return self.rewards.at(self.settings.width(self.spent_in(iteration)))

    def spent_in(self, iteration: Int[Array, ""]) -> Float[Array, ""]:
        """The share of the training's transitions that is spent before an iteration.

        Args:
            iteration: of the phase, from 0.
        """
        first, last = self.span
        return first + (last - first) * iteration / self.iterations


def make_task(problem: RepresentedMDP, phase: Phase, mixing: float, keeps_episodes: bool) -> Task:
    """What a phase trains.

    Args:
        problem: the r-MDP.
        phase: with its rule, learner, budget and welfare function.
        mixing: λ of eq. 10.
        keeps_episodes: whether batches are shown to the search step by step.
    """
    population, settings = problem.population, phase.learner
    if phase.rule.learns_from_features:
        settings = replace(settings, critic="features")
    scale = population.return_scale
    if scale is not None and settings.discount < 1.0:  # of a long episode, discounting lets values see a part only
        scale *= min(1.0, 1.0 / ((1.0 - settings.discount) * problem.world.time_limit))
    objective = problem.objective
    wide, paid = (population.rewards,) * 2 if settings.widen == 1 else population.rewards.widened()
    return Task(
        world=problem.world,
        rewards=wide,
        paid=paid,
        objective=objective if phase.welfare is None else replace(objective, welfare=phase.welfare),
        reported=objective,
        rule=phase.rule,
        settings=settings,
        budget=phase.budget,
        agents=population.size,
        features=population.table_width * (1 if wide is paid else 2),
        return_scale=scale,
        iterations=phase.iterations,
        mixing=mixing,
        keeps_episodes=keeps_episodes,
        span=phase.span,
    )


def begin(
    task: Task, assignment: Float[Array, "k n"], ongoing: Ongoing, hold: int | Array, key: PRNGKeyArray
) -> TrainState:
    """The state before the first iteration of a phase.

    Args:
        task: of the phase.
        assignment: the first α.
        ongoing: fresh copies of the world.
        hold: updates of the policies before the rule first changes α.
        key: of the phase.
    """
    settings, budget, world, own = task.settings, task.budget, task.world, task.rewards.own
    actor_key, critic_key = jax.random.split(derive(key, Stream.NETWORKS))
    size, outputs = world.observation_size, 1 if own else settings.critic_outputs(task.features)
    told = 0 if task.told is None else task.told.shape[1]
    learned = ppo.Learned(
        make_actor(actor_key, budget, size, world.actions, settings.hidden, settings.trunk, settings.log_std),
        make_critic(critic_key, budget, size + told, outputs, settings.hidden, settings.critic_head),
        task.rule.logits(budget + (task.objective.outside is not None), task.agents),
    )
    table = MovingAverage.start(budget, task.features, by_agent=own)
    return TrainState(
        learned=learned,
        optimiser=ppo.start(settings, learned),
        normaliser=Normaliser.start(size),
        assignment=AssignmentState(assignment, table, jnp.asarray(hold, jnp.int32)),
        ongoing=ongoing,
        running=jnp.zeros((budget, settings.copies, 1 if own else task.features)),
        scale=jnp.full(outputs, SMALLEST_SCALE if task.return_scale is None else task.return_scale),
        key=key,
        iteration=jnp.zeros((), jnp.int32),
    )


def carried(task: Task, fresh: TrainState, before: TrainState, change: Change) -> TrainState:
    """A new phase whose policies are copies of those of the phase before, with fresh optimisers in fresh copies.

    Args:
        task: of the new phase.
        fresh: its state at the start.
        before: where the phase before it ended.
        change: whom each policy is a copy of.
    """
    source = jnp.asarray(change.source)
    learned = before.learned.of(source)
    assignment = fresh.assignment.assignment if change.assignment is None else change.assignment
    known = AssignmentState(assignment, before.assignment.table.of(source), jnp.asarray(change.hold, jnp.int32))
    state: TrainState = eqx.tree_at(
        lambda s: (s.learned, s.optimiser, s.normaliser, s.assignment, s.scale),
        fresh,
        (learned, ppo.start(task.settings, learned), before.normaliser, known, before.scale),
    )
    return state


def changed(state: TrainState, change: Change) -> TrainState:
    """The same phase after policies became copies, moments of their optimisers and what is known of them included.

    Args:
        state: of the phase.
        change: whom each policy is a copy of, and with whom agents are then.
    """
    source = jnp.asarray(change.source)
    learned, known = state.learned, state.assignment
    actor, critic, logits = state.optimiser
    assignment = known.assignment if change.assignment is None else change.assignment
    copied: TrainState = eqx.tree_at(
        lambda s: (s.learned, s.optimiser, s.assignment),
        state,
        (
            learned.of(source),
            (_moments(actor, learned.actor, source), _moments(critic, learned.critic, source), logits),
            AssignmentState(assignment, known.table.of(source), state.iteration + change.hold),
        ),
    )
    return copied


def _moments(optimiser: Any, network: Any, source: jax.Array) -> Any:
    """An optimiser's state keeps its moments as flat vectors in the order of the network's parameters."""
    flat, unravel = ravel_pytree(network)
    return jax.tree.map(lambda x: ravel_pytree(unravel(x).of(source))[0] if x.shape == flat.shape else x, optimiser)


def blank(task: Task, ongoing: Ongoing) -> TrainState:
    """A state of this phase, its compiled part shapes only: what a checkpoint is read into.

    Args:
        task: of the phase.
        ongoing: of its copies.
    """
    assignment = jax.ShapeDtypeStruct((task.budget, task.agents), np.float32)
    template: TrainState = eqx.filter_eval_shape(
        lambda assignment, seen, whom, key: begin(task, assignment, Ongoing(None, seen, whom), 0, key),
        assignment,
        ongoing.observation,
        ongoing.whom,
        jax.random.key(0),
    )
    whole: TrainState = eqx.tree_at(lambda s: s.ongoing, template, ongoing)
    return whole
