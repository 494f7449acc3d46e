"""What one iteration does with a batch: study it, improve actors and critics, reassign.

::

    lesson  <- study(batch)                     returns, advantages, rows to learn from
    actors  <- improve_actors(lesson)           these two share nothing,
    critics <- improve_critics(lesson)          so they may run side by side
    state   <- conclude(actors, critics)        the assignment rule's step (E-step)
"""

from __future__ import annotations

from typing import Any, NamedTuple

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Int

from policybudget.assignment.returns import ReturnsTable
from policybudget.assignment.rule import AssignmentState
from policybudget.learning import advantages, ppo
from policybudget.learning.losses import ActorLosses, Rows
from policybudget.objective import Objective
from policybudget.policies.networks import Network
from policybudget.policies.normaliser import Normaliser
from policybudget.population import Rewards
from policybudget.rollouts.batch import Batch, Episodes, Ongoing, account, account_alone
from policybudget.search.episodes import Seen, fingerprint
from policybudget.streams import Stream, derive
from policybudget.training.report import Report, report_of
from policybudget.training.state import Task, TrainState

SMALLEST_GROUP = 1e-6
"""Agents of a policy, where rewards are divided by their number."""


class Lesson(eqx.Module):
    """What a batch teaches.

    Attributes:
        rows: transitions to learn from.
        table: of returns, with the episodes that ended.
        running: returns so far of the episodes under way.
        normaliser: of observations, with those of the batch.
        grown: how much the unit of the critics' predictions grows.
        episodes: that ended, per policy.
        explained_variance: of returns, by the critic.
        seen: for searches that keep episodes.
    """

    rows: Rows
    table: ReturnsTable
    running: Float[Array, "k E m"]
    normaliser: Normaliser
    grown: Float[Array, " c"]
    episodes: Float[Array, " k"]
    explained_variance: Float[Array, " k"]
    seen: Seen | None


class Actors(NamedTuple):
    """Improved actors, and the logits of a learned assignment.

    Attributes:
        learned: the actors and the logits; the critics as they were.
        optimiser: states of their optimisers.
        losses: of each policy's last epoch.
    """

    learned: ppo.Learned
    optimiser: Any
    losses: ActorLosses


class Critics(NamedTuple):
    """Improved critics.

    Attributes:
        network: of the k policies.
        optimiser: state of its optimiser.
    """

    network: Network
    optimiser: Any


def study(task: Task, state: TrainState, after: Ongoing, batch: Batch) -> Lesson:
    """Returns and advantages of a batch, wherever it was sampled.

    Args:
        task: of the phase.
        state: before the rollout.
        after: where the copies stand after it, without the world's state.
        batch: the transitions.
    """
    settings, rewards = task.settings, task.rewards_in(state.iteration)
    scale, alpha = state.scale, state.assignment.assignment
    running, episodes = _account(task, rewards, state, batch)
    table = state.assignment.table.observe(episodes)
    pull = _objective(task, state).pull(alpha, table.estimate(rewards).neutral)
    paid, share = _signal(settings.critic, rewards, pull)
    estimate = advantages.estimate(
        lambda seen, whom: state.learned.critic(told(task, state.normaliser(seen), whom)),
        lambda now: paid(now) / scale,
        batch if settings.bootstrap_truncated else _clock_ends(batch),
        after,
        share * scale,
        settings.discount,
        settings.gae_lambda,
        keep_features=task.rule.learns_from_features,
    )
    normaliser = state.normaliser
    if settings.normalise_observations:
        normaliser = normaliser.update(batch.observation, batch.valid)
    return Lesson(
        rows=_rows(task, batch, estimate, state.normaliser, scale),
        table=table,
        running=running,
        normaliser=normaliser,
        grown=_growth(estimate, batch.valid) if task.return_scale is None else jnp.ones_like(scale),
        episodes=episodes.count.sum(axis=1),
        explained_variance=_explained_variance(estimate, batch.valid),
        seen=None if episodes.so_far is None else _seen(rewards, episodes.so_far, batch),
    )


def _account(task: Task, rewards: Rewards, state: TrainState, batch: Batch) -> tuple[Array, Episodes]:
    """Returns of the episodes under way, and of those that ended: by feature, or by agent."""
    if rewards.own:
        return account_alone(rewards, batch, state.running, task.mixing, task.agents)
    return account(rewards.features, batch, state.running, task.mixing, task.keeps_episodes)


def told(task: Task, seen: Float[Array, "*copies o"], whom: Int[Array, "*copies"] | None) -> Float[Array, "*copies q"]:
    """What critics see: observations and, where agents have dynamics of their own, the agents' parameters.

    Args:
        task: of the phase.
        seen: normalised observations.
        whom: the agents that are played for; None where agents share a dynamics.
    """
    return seen if whom is None or task.told is None else jnp.concatenate([seen, task.told[whom]], axis=-1)


def shares(task: Task, state: TrainState) -> Float[Array, "k n"] | None:
    """Of agents in each policy's copies: their weights in its M-step; None where agents share a dynamics.

    Args:
        task: of the phase.
        state: before a rollout.
    """
    if not task.rewards.own:
        return None
    known = state.assignment
    return _objective(task, state).pull(known.assignment, known.table.estimate(task.rewards).neutral)


def _seen(rewards: Rewards, so_far: Float[Array, "T k E m"], batch: Batch) -> Seen:
    ended = batch.terminated | batch.truncated
    return Seen(rewards.agents(so_far), batch.action, fingerprint(batch.observation), ended)


def improve_actors(task: Task, state: TrainState, lesson: Lesson) -> Actors:
    """All epochs of the actors and of a learned assignment.

    Args:
        task: of the phase.
        state: before the batch.
        lesson: of the batch.
    """
    returns = lesson.table.estimate(task.rewards)
    loss = task.rule.loss(task.rewards, _objective(task, state), returns, state.assignment.assignment)
    progress, key = state.iteration / task.iterations, derive(state.key, Stream.ACTOR_MINIBATCHES, state.iteration)
    learned, optimiser, losses = ppo.improve_actors(
        state.learned, state.optimiser, lesson.rows, key, progress, task.world.actions, task.settings, loss
    )
    noise = task.settings.least_noise(task.spent_in(state.iteration))
    return Actors(ppo.still_exploring(learned, noise), optimiser, losses)


def improve_critics(task: Task, state: TrainState, lesson: Lesson) -> Critics:
    """All epochs of the critics.

    Args:
        task: of the phase.
        state: before the batch.
        lesson: of the batch.
    """
    progress, key = state.iteration / task.iterations, derive(state.key, Stream.CRITIC_MINIBATCHES, state.iteration)
    critic, optimiser = state.learned.critic, state.optimiser[1]
    return Critics(*ppo.improve_critics(critic, optimiser, lesson.rows, key, progress, task.settings))


def conclude(
    task: Task, state: TrainState, lesson: Lesson, actors: Actors, critics: Critics
) -> tuple[TrainState, Report]:
    """The assignment after the M-step, and the state that the next iteration starts from.

    Args:
        task: of the phase.
        state: before the batch; its copies of the world are those after it.
        lesson: of the batch.
        actors: improved.
        critics: improved.
    """
    returns, logits, before = lesson.table.estimate(task.rewards), actors.learned.logits, state.assignment
    key = derive(state.key, Stream.E_STEP, state.iteration)
    updated = task.rule.update(_objective(task, state), returns, before.assignment, logits, key)
    assignment = jnp.where(state.iteration + 1 >= before.held, updated, before.assignment)
    critic = critics.network if task.return_scale is not None else _rescaled(critics.network, lesson.grown)
    after = TrainState(
        learned=ppo.Learned(actors.learned.actor, critic, logits),
        optimiser=(actors.optimiser[0], critics.optimiser, actors.optimiser[2]),
        normaliser=lesson.normaliser,
        assignment=AssignmentState(assignment, lesson.table, before.held),
        ongoing=state.ongoing,
        running=lesson.running,
        scale=state.scale * lesson.grown,
        key=state.key,
        iteration=state.iteration + 1,
    )
    said = report_of(
        task,
        lesson.table.estimate(task.paid),
        (before.assignment, assignment),
        actors.losses,
        lesson.explained_variance,
        lesson.episodes,
    )
    return after, said


def _objective(task: Task, state: TrainState) -> Objective:
    return task.objective.eased(state.iteration / task.iterations) if task.rule.eases else task.objective


def _signal(
    critic: str, rewards: Rewards, pull: Float[Array, "k n"]
) -> tuple[advantages.Features, Float[Array, "k c"]]:
    """What the critic predicts the sum of, (k, E, c) per transition, and what of it a policy maximises.

    Either the m features, of which a policy maximises a mixture, or that mixture itself, as the mean over its
    agents. Where agents have dynamics of their own, copies play for them in proportion to their weights, so that what a
    transition pays is what counts.

    ``pull`` says whose rewards count how much (:meth:`Objective.pull`).
    """
    size = jnp.maximum(pull.sum(axis=1), SMALLEST_GROUP)[:, None]
    if rewards.own:
        return lambda now: rewards.paid(now.experience, now.whom)[..., None], size
    mixture = rewards.mixture(pull)
    if critic == "features":
        return lambda now: rewards.features(now.experience), mixture

    def mean(now: Batch) -> Array:
        return jnp.einsum("kem,km->ke", rewards.features(now.experience), mixture / size)[..., None]

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


def _clock_ends(batch: Batch) -> Batch:
    """The batch with every truncation taken for a termination."""
    ended: Batch = eqx.tree_at(lambda b: b.terminated, batch, batch.terminated | batch.truncated)
    return ended


def _rows(task: Task, batch: Batch, estimate: advantages.Estimate, normaliser: Normaliser, scale: Array) -> Rows:
    def flat(x: Array) -> Array:
        return jnp.moveaxis(x, 0, 1).reshape(x.shape[1], -1, *x.shape[3:])

    weight = flat(batch.valid).astype(jnp.float32)
    return Rows(
        observation=flat(normaliser(batch.observation)),
        action=flat(batch.action),
        log_prob=flat(batch.log_prob),
        advantage=advantages.normalise(flat(estimate.advantage), weight),
        target=flat(estimate.target),
        weight=weight,
        features=None if estimate.features is None else flat(estimate.features) * scale,
        told=None if task.told is None or batch.whom is None else flat(task.told[batch.whom]),
    )
