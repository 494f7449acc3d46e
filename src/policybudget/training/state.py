"""The one pytree that training carries from iteration to iteration, and the one function that does so."""

from __future__ import annotations

from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Int, PRNGKeyArray

from policybudget import welfare
from policybudget.assignment.rule import AssignmentRule, AssignmentState
from policybudget.learning import advantages, ppo, rollout
from policybudget.learning.settings import PPO
from policybudget.policies.committee import Committee, make_actor, make_critic
from policybudget.policies.normaliser import Normaliser
from policybudget.population import Rewards
from policybudget.worlds.interface import JaxWorld, World

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
    scale: Float[Array, " m"]
    key: PRNGKeyArray
    iteration: Int[Array, ""]

    @property
    def committee(self) -> Committee:
        """The policies as they are now."""
        return Committee(self.learned.actor, self.normaliser)


class Report(eqx.Module):
    """What an iteration tells its listeners. Welfare is that of the sampled, exploring policies (moving averages)."""

    welfare: Float[Array, ""]
    group_welfare: Float[Array, " k"]
    group_size: Float[Array, " k"]
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
    rule: AssignmentRule
    settings: PPO
    budget: int
    agents: int
    features: int
    return_scale: float | None
    iterations: int


def begin(task: Task, assignment: Float[Array, "k n"], ongoing: rollout.Ongoing, key: PRNGKeyArray) -> TrainState:
    """The state before the first iteration, with fresh worlds."""
    settings, budget, world = task.settings, task.budget, task.world
    actor_key, critic_key, logits_key, key = jax.random.split(key, 4)
    size = world.observation_size
    learned = ppo.Learned(
        make_actor(actor_key, budget, size, world.actions, settings.hidden, settings.trunk, settings.log_std),
        make_critic(critic_key, budget, size, task.features, settings.hidden, settings.critic_head),
        task.rule.logits(budget, task.agents, logits_key),
    )
    table = AssignmentState(assignment, jnp.zeros((budget, task.features)), jnp.ones(budget))
    return TrainState(
        learned=learned,
        optimiser=ppo.start(settings, learned),
        normaliser=Normaliser.start(size),
        assignment=table,
        ongoing=ongoing,
        running=jnp.zeros((budget, settings.worlds, task.features)),
        scale=jnp.full(task.features, SMALLEST_SCALE if task.return_scale is None else task.return_scale),
        key=key,
        iteration=jnp.zeros((), jnp.int32),
    )


def iterate(task: Task, state: TrainState) -> tuple[TrainState, Report]:
    """One iteration: rollout, advantages, all epochs, and the assignment rule's step. Compiled as a whole."""
    assert isinstance(task.world, JaxWorld)
    key = jax.random.fold_in(state.key, state.iteration)
    ongoing, batch = rollout.rollout(task.world, state.committee, state.ongoing, key, task.settings.steps)
    return learn(task, state, ongoing, batch)


def learn(task: Task, state: TrainState, ongoing: rollout.Ongoing, batch: rollout.Batch) -> tuple[TrainState, Report]:
    """What an iteration makes of a batch, wherever it was sampled.

    Args:
        state: before the rollout.
        ongoing: the worlds after it.
    """
    settings, rule, rewards, scale = task.settings, task.rule, task.rewards, state.scale
    _, learn_key, assign_key = jax.random.split(jax.random.fold_in(state.key, state.iteration), 3)
    running, episodes = rollout.account(rewards.features, batch, state.running, rule.mixing)
    table = state.assignment.observe(episodes)
    estimate = advantages.estimate(
        lambda observation: state.learned.critic(state.normaliser(observation)),
        lambda transition: rewards.features(transition) / scale,
        batch if settings.bootstrap_truncated else _clock_ends(batch),
        ongoing.observation,
        rewards.mixture(table.assignment) * scale,
        settings.discount,
        settings.gae_lambda,
        keep_features=rule.learns_from_features,
    )
    rows = _rows(batch, estimate, state.normaliser, scale)
    progress = state.iteration / task.iterations
    learned, (actor_state, critic_state, logits_state), losses = ppo.improve_actors(
        state.learned, state.optimiser, rows, learn_key, progress, task.world.actions, settings,
        rule.loss(rewards, table, settings.clip), rule.assignment_rate,
    )  # fmt: skip
    critic, critic_state = ppo.improve_critics(learned.critic, critic_state, rows, learn_key, progress, settings)
    learned, optimiser = ppo.Learned(learned.actor, critic, learned.logits), (actor_state, critic_state, logits_state)
    assignment = rule.update(rewards, table, learned.logits, state.iteration, assign_key)
    after = AssignmentState(assignment, table.table, table.kept)
    normaliser = state.normaliser
    if settings.normalise_observations:
        normaliser = normaliser.update(batch.observation, batch.valid)
    if task.return_scale is None:
        learned, scale = _rescale(learned, scale, estimate.target, batch.valid)
    report = _report(rewards, table, after, losses, estimate, episodes, batch.valid)
    iteration = state.iteration + 1
    return TrainState(learned, optimiser, normaliser, after, ongoing, running, scale, state.key, iteration), report


def _rescale(
    learned: ppo.Learned, scale: Array, target: Float[Array, "T k E m"], valid: Bool[Array, "T k E"]
) -> tuple[ppo.Learned, Array]:
    """The unit of a feature's values grows with the largest typical return; the critic's predictions stay the same."""
    grown = jnp.maximum(1.0, jnp.sqrt(jnp.mean(target**2, axis=(0, 1, 2), where=valid[..., None])))
    last = learned.critic.layers[-1]
    layers = (*learned.critic.layers[:-1], type(last)(last.weight / grown, last.bias / grown))
    return eqx.tree_at(lambda part: part.critic.layers, learned, layers), scale * grown


def _clock_ends(batch: rollout.Batch) -> rollout.Batch:
    """The batch with every truncation taken for a termination."""
    ended: rollout.Batch = eqx.tree_at(lambda b: b.terminated, batch, batch.terminated | batch.truncated)
    return ended


def _rows(batch: rollout.Batch, estimate: advantages.Estimate, normaliser: Normaliser, scale: Array) -> ppo.Rows:
    def flat(x: Array) -> Array:
        return jnp.moveaxis(x, 0, 1).reshape(x.shape[1], -1, *x.shape[3:])

    weight = flat(batch.valid).astype(jnp.float32)
    return ppo.Rows(
        observation=flat(normaliser(batch.observation)),
        action=flat(batch.action),
        log_prob=flat(batch.log_prob),
        advantage=advantages.normalise(flat(estimate.advantage), weight),
        target=flat(estimate.target),
        weight=weight,
        features=None if estimate.features is None else flat(estimate.features) * scale,
    )


def _report(
    rewards: Rewards,
    before: AssignmentState,
    after: AssignmentState,
    losses: ppo.ActorLosses,
    estimate: advantages.Estimate,
    episodes: rollout.Episodes,
    valid: Bool[Array, "T k E"],
) -> Report:
    returns = before.returns(rewards)
    size = after.assignment.sum(axis=1)
    changed = jnp.argmax(before.assignment, axis=0) != jnp.argmax(after.assignment, axis=0)
    residual = jnp.var(estimate.advantage, axis=(0, 2), where=valid)
    variance = jnp.var(estimate.value + estimate.advantage, axis=(0, 2), where=valid)
    return Report(
        welfare=welfare.utilitarian(welfare.utilities(after.assignment, returns)),
        group_welfare=jnp.sum(after.assignment * returns, axis=1) / jnp.maximum(size, 1e-9),
        group_size=size,
        reassigned=jnp.sum(changed).astype(jnp.float32),
        kl=losses.kl,
        clip_fraction=losses.clip_fraction,
        entropy=losses.entropy,
        explained_variance=1.0 - residual / jnp.maximum(variance, 1e-9),
        episodes=episodes.count,
    )
