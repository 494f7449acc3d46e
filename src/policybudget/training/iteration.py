"""One iteration: sample, study the batch, improve actors and critics, reassign.

::

    lesson  <- study(rollout(state))            returns, advantages, rows to learn from
    actors  <- improve_actors(lesson)           these two share nothing,
    critics <- improve_critics(lesson)          so they may run side by side
    state   <- conclude(actors, critics)        the assignment rule's step (E-step)
"""

from __future__ import annotations

from typing import Any, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float

from policybudget.assignment.rule import AssignmentState, labels_of
from policybudget.learning import advantages, ppo, rollout
from policybudget.learning.memory import Seen, fingerprint
from policybudget.objective import Objective
from policybudget.policies.networks import Network
from policybudget.policies.normaliser import Normaliser
from policybudget.population import Experience, Rewards
from policybudget.training.state import Report, Task, TrainState
from policybudget.worlds.interface import JaxWorld

SMALLEST_GROUP = 1e-6
"""Agents of a policy, where rewards are divided by their number."""


class Lesson(eqx.Module):
    """What a batch teaches.

    Attributes:
        rows: transitions to learn from.
        table: the returns of eq. 10, with the assignment as it was.
        running, normaliser: of the state that follows.
        grown: how much the unit of the critics' predictions grows.
        episodes, explained_variance: for the report, per policy.
        seen: for the memory, of rules that have one.
    """

    rows: ppo.Rows
    table: AssignmentState
    running: Float[Array, "k E m"]
    normaliser: Normaliser
    grown: Float[Array, " c"]
    episodes: Float[Array, " k"]
    explained_variance: Float[Array, " k"]
    seen: Seen | None


class Actors(NamedTuple):
    """Improved actors, and the logits of a learned assignment."""

    learned: ppo.Learned
    optimiser: Any
    losses: ppo.ActorLosses


class Critics(NamedTuple):
    """Improved critics."""

    network: Network
    optimiser: Any


def sample(task: Task, state: TrainState) -> tuple[rollout.Ongoing, Lesson]:
    """A rollout in worlds written in JAX, and what it teaches."""
    assert isinstance(task.world, JaxWorld)
    key = jax.random.fold_in(state.key, state.iteration)
    ongoing, batch = rollout.rollout(task.world, state.policies, state.ongoing, key, task.settings.steps)
    return ongoing, study(task, state, ongoing.observation, batch)


def study(task: Task, state: TrainState, observation: Float[Array, "k E o"], batch: rollout.Batch) -> Lesson:
    """Returns and advantages of a batch, wherever it was sampled.

    Args:
        state: before the rollout.
        observation: where the worlds stand after it.
    """
    settings, rewards, scale = task.settings, task.rewards, state.scale
    running, episodes = rollout.account(
        rewards.features, batch, state.running, task.rule.mixing, keep_steps=task.rule.recall
    )
    table = state.assignment.observe(episodes)
    paid, share = _signal(
        settings.critic, rewards, _objective(task, state).pull(table.assignment, table.returns(rewards))
    )
    estimate = advantages.estimate(
        lambda seen: state.learned.critic(state.normaliser(seen)),
        lambda transition: paid(transition) / scale,
        batch if settings.bootstrap_truncated else _clock_ends(batch),
        observation,
        share * scale,
        settings.discount,
        settings.gae_lambda,
        keep_features=task.rule.learns_from_features,
    )
    normaliser = state.normaliser
    if settings.normalise_observations:
        normaliser = normaliser.update(batch.observation, batch.valid)
    return Lesson(
        rows=_rows(batch, estimate, state.normaliser, scale),
        table=table,
        running=running,
        normaliser=normaliser,
        grown=_growth(estimate, batch.valid) if task.return_scale is None else jnp.ones_like(scale),
        episodes=episodes.count,
        explained_variance=_explained_variance(estimate, batch.valid),
        seen=None if episodes.so_far is None else _seen(rewards, episodes.so_far, batch),
    )


def _seen(rewards: Rewards, so_far: Float[Array, "T k E m"], batch: rollout.Batch) -> Seen:
    ended = batch.terminated | batch.truncated
    return Seen(rewards.agents(so_far), batch.action, fingerprint(batch.observation), ended)


def improve_actors(task: Task, state: TrainState, lesson: Lesson) -> Actors:
    """All epochs of the actors and of a learned assignment."""
    rule, settings = task.rule, task.settings
    loss = rule.loss(task.rewards, _objective(task, state), lesson.table, settings.clip)
    progress, key = state.iteration / task.iterations, _keys(state)[1]
    improved = ppo.improve_actors(
        state.learned, state.optimiser, lesson.rows, key, progress,
        task.world.actions, settings, loss, rule.assignment_rate,
    )  # fmt: skip
    return Actors(*improved)


def improve_critics(task: Task, state: TrainState, lesson: Lesson) -> Critics:
    """All epochs of the critics."""
    progress, key = state.iteration / task.iterations, _keys(state)[1]
    critic, optimiser = state.learned.critic, state.optimiser[1]
    return Critics(*ppo.improve_critics(critic, optimiser, lesson.rows, key, progress, task.settings))


def conclude(
    task: Task, state: TrainState, ongoing: rollout.Ongoing, lesson: Lesson, actors: Actors, critics: Critics
) -> tuple[TrainState, Report]:
    """The assignment after the M-step, and the state that the next iteration starts from."""
    table, logits = lesson.table, actors.learned.logits
    assignment = task.rule.update(
        task.rewards, _objective(task, state), table, logits, state.iteration, _keys(state)[2]
    )
    after = AssignmentState(assignment, table.table, table.kept, table.held)
    critic = critics.network if task.return_scale is not None else _rescaled(critics.network, lesson.grown)
    state = TrainState(
        learned=ppo.Learned(actors.learned.actor, critic, logits),
        optimiser=(actors.optimiser[0], critics.optimiser, actors.optimiser[2]),
        normaliser=lesson.normaliser,
        assignment=after,
        ongoing=ongoing,
        running=lesson.running,
        scale=state.scale * lesson.grown,
        key=state.key,
        iteration=state.iteration + 1,
    )
    return state, _report(task, lesson, after, actors.losses)


def _objective(task: Task, state: TrainState) -> Objective:
    return task.objective.eased(state.iteration / task.iterations)


def _keys(state: TrainState) -> Array:
    """Of the rollout, the learner and the assignment rule in this iteration."""
    return jax.random.split(jax.random.fold_in(state.key, state.iteration), 3)


def _signal(
    critic: str, rewards: Rewards, pull: Float[Array, "k n"]
) -> tuple[advantages.Features, Float[Array, "k c"]]:
    """What the critic predicts the sum of, (k, E, c) per transition, and what of it a policy maximises.

    Either the m features, of which a policy maximises a mixture, or that mixture itself, as the mean over its
    agents.

    Args:
        pull: whose rewards count how much (:meth:`Objective.pull`).
    """
    mixture = rewards.mixture(pull)
    if critic == "features":
        return rewards.features, mixture
    size = jnp.maximum(pull.sum(axis=1), SMALLEST_GROUP)[:, None]

    def mean(transition: Experience) -> Array:
        return jnp.einsum("kem,km->ke", rewards.features(transition), mixture / size)[..., None]

    return mean, size


def _growth(estimate: advantages.Estimate, valid: Bool[Array, "T k E"]) -> Float[Array, " c"]:
    """By how much the largest typical return so far passes the unit of the critics' predictions."""
    squares = jnp.mean(estimate.target**2, axis=(0, 1, 2), where=valid[..., None])
    return jnp.maximum(1.0, jnp.sqrt(squares))


def _rescaled(critic: Network, grown: Float[Array, " c"]) -> Network:
    """The same predictions in a unit that has grown."""
    last = critic.layers[-1]
    layers = (*critic.layers[:-1], type(last)(last.weight / grown, last.bias / grown))
    rescaled: Network = eqx.tree_at(lambda network: network.layers, critic, layers)
    return rescaled


def _explained_variance(estimate: advantages.Estimate, valid: Bool[Array, "T k E"]) -> Float[Array, " k"]:
    residual = jnp.var(estimate.advantage, axis=(0, 2), where=valid)
    variance = jnp.var(estimate.value + estimate.advantage, axis=(0, 2), where=valid)
    return 1.0 - residual / jnp.maximum(variance, 1e-9)


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


def _report(task: Task, lesson: Lesson, after: AssignmentState, losses: ppo.ActorLosses) -> Report:
    before = lesson.table
    returns, size = before.returns(task.rewards), after.assignment.sum(axis=1)
    changed = labels_of(before.assignment) != labels_of(after.assignment)
    return Report(
        welfare=task.objective.value(after.assignment, returns),
        group_welfare=jnp.sum(after.assignment * returns, axis=1) / jnp.maximum(size, 1e-9),
        group_size=size,
        unserved=jnp.sum(after.assignment.sum(axis=0) == 0).astype(jnp.float32),
        reassigned=jnp.sum(changed).astype(jnp.float32),
        kl=losses.kl,
        clip_fraction=losses.clip_fraction,
        entropy=losses.entropy,
        explained_variance=lesson.explained_variance,
        episodes=lesson.episodes,
    )
