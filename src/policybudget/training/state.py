"""The one pytree that training carries from iteration to iteration, and what stays the same."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int, PRNGKeyArray

from policybudget.assignment.rule import AssignmentRule, AssignmentState
from policybudget.learning import ppo, rollout
from policybudget.learning.settings import PPO
from policybudget.objective import Objective
from policybudget.policies.normaliser import Normaliser
from policybudget.policies.stacked import Policies, make_actor, make_critic
from policybudget.population import Rewards
from policybudget.problem import RepresentedMDP
from policybudget.welfare import Egalitarian
from policybudget.worlds.interface import World

SMALLEST_SCALE = 1e-3
"""Unit of returns before any was seen, where the population does not tell it."""


class TrainState(eqx.Module):
    """Everything that decides how training goes on; saving and loading it resumes exactly."""

    learned: ppo.Learned
    optimiser: Any
    normaliser: Normaliser
    assignment: AssignmentState
    ongoing: rollout.Ongoing
    running: Float[Array, "k E m"]
    scale: Float[Array, " c"]
    key: PRNGKeyArray
    iteration: Int[Array, ""]

    @property
    def policies(self) -> Policies:
        """The policies as they are now."""
        return Policies(self.learned.actor, self.normaliser)


class Report(eqx.Module):
    """What an iteration tells its listeners. Welfare is that of the sampled, exploring policies (moving averages)."""

    welfare: Float[Array, ""]
    group_welfare: Float[Array, " k"]
    group_size: Float[Array, " k"]
    unserved: Float[Array, ""]
    reassigned: Float[Array, ""]
    kl: Float[Array, " k"]
    clip_fraction: Float[Array, " k"]
    entropy: Float[Array, " k"]
    explained_variance: Float[Array, " k"]
    episodes: Float[Array, " k"]


class Task(eqx.Module):
    """What does not change during a training: arrays of the problem, and settings that are static for the compiler."""

    world: World
    rewards: Rewards
    objective: Objective
    rule: AssignmentRule
    settings: PPO
    budget: int
    agents: int
    features: int
    return_scale: float | None
    iterations: int


def make_task(
    problem: RepresentedMDP, rule: AssignmentRule, ppo: PPO, budget: int, iterations: int, fair: bool = False
) -> Task:
    """What a phase with this rule and budget trains; a fair one for the worst off."""
    population = problem.population
    if rule.learns_from_features:
        ppo = replace(ppo, critic="features")
    scale = population.return_scale
    if scale is not None and ppo.discount < 1.0:  # of a long episode, discounting lets values see a part only
        scale *= min(1.0, 1.0 / ((1.0 - ppo.discount) * problem.world.time_limit))
    return Task(
        world=problem.world,
        rewards=population.rewards,
        objective=replace(problem.objective, welfare=Egalitarian()) if fair else problem.objective,
        rule=rule,
        settings=ppo,
        budget=budget,
        agents=population.size,
        features=population.num_features,
        return_scale=scale,
        iterations=iterations,
    )


def begin(task: Task, assignment: Float[Array, "k n"], ongoing: rollout.Ongoing, key: PRNGKeyArray) -> TrainState:
    """The state before the first iteration, with fresh worlds."""
    settings, budget, world = task.settings, task.budget, task.world
    actor_key, critic_key, logits_key, key = jax.random.split(key, 4)
    size, outputs = world.observation_size, settings.critic_outputs(task.features)
    learned = ppo.Learned(
        make_actor(actor_key, budget, size, world.actions, settings.hidden, settings.trunk, settings.log_std),
        make_critic(critic_key, budget, size, outputs, settings.hidden, settings.critic_head),
        task.rule.logits(budget + (task.objective.outside is not None), task.agents, logits_key),
    )
    return TrainState(
        learned=learned,
        optimiser=ppo.start(settings, learned),
        normaliser=Normaliser.start(size),
        assignment=AssignmentState(assignment, jnp.zeros((budget, task.features)), jnp.ones(budget)),
        ongoing=ongoing,
        running=jnp.zeros((budget, settings.copies, task.features)),
        scale=jnp.full(outputs, SMALLEST_SCALE if task.return_scale is None else task.return_scale),
        key=key,
        iteration=jnp.zeros((), jnp.int32),
    )
