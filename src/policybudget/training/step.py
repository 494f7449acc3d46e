"""Running an iteration, in either kind of world: the rollout compiled or on the host, actors beside critics."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Protocol, runtime_checkable

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import PRNGKeyArray

from policybudget import runtime
from policybudget.errors import WorldError
from policybudget.learning import rollout
from policybudget.learning.host import HostSampler
from policybudget.learning.memory import Seen
from policybudget.training import iteration
from policybudget.training.iteration import Lesson
from policybudget.training.state import Report, Task, TrainState
from policybudget.worlds.interface import HostWorld, JaxWorld

_rollout = eqx.filter_jit(rollout.rollout)
_sample, _study = eqx.filter_jit(iteration.sample), eqx.filter_jit(iteration.study)
_improve_actors, _improve_critics = eqx.filter_jit(iteration.improve_actors), eqx.filter_jit(iteration.improve_critics)
_conclude = eqx.filter_jit(iteration.conclude)


Advanced = tuple[TrainState, Report, Seen | None]
"""The state after an iteration, its report, and what it showed, for rules that remember."""


@runtime_checkable
class Stepper(Protocol):
    """The worlds of a training, and how it advances in them."""

    def start(self, key: PRNGKeyArray) -> rollout.Ongoing:
        """Fresh worlds."""

    def restore(self, state: TrainState) -> TrainState:
        """Take up the worlds of a saved state; fresh ones where the world cannot save its own."""

    def sample(self, state: TrainState, key: PRNGKeyArray, steps: int) -> rollout.Batch:
        """A batch without learning from it."""

    def __call__(self, state: TrainState) -> Advanced:
        """One iteration.

        Raises:
            WorldError: the world raised, or rewards or observations are not finite.
        """

    def close(self) -> None:
        """Let go of the worlds."""


class Learner:
    """The compiled update; the critics learn in a thread of their own, beside the actors, where there is a core for it.

    XLA on the CPU gains next to nothing from a second core inside one of these programs.
    """

    def __init__(self, task: Task) -> None:
        self.task = task
        self.beside = ThreadPoolExecutor(1) if len(runtime.available()) > 1 else None

    def __call__(self, state: TrainState, ongoing: rollout.Ongoing, lesson: Lesson) -> tuple[TrainState, Report]:
        """All epochs, then the assignment rule's step."""
        if self.beside is None:
            critics = _improve_critics(self.task, state, lesson)
            actors = _improve_actors(self.task, state, lesson)
        else:
            pending = self.beside.submit(lambda: jax.block_until_ready(_improve_critics(self.task, state, lesson)))
            actors = jax.block_until_ready(_improve_actors(self.task, state, lesson))
            critics = pending.result()
        after: tuple[TrainState, Report] = _conclude(self.task, state, ongoing, lesson, actors, critics)
        return after

    def close(self) -> None:
        """End the thread."""
        if self.beside is not None:
            self.beside.shutdown(wait=True)


class CompiledStepper:
    """For worlds written in JAX."""

    def __init__(self, task: Task, world: JaxWorld) -> None:
        self.task, self.world, self.learn = task, world, Learner(task)

    def start(self, key: PRNGKeyArray) -> rollout.Ongoing:
        """Fresh worlds."""
        return rollout.start(self.world, self.task.budget, self.task.settings.copies, key)

    def restore(self, state: TrainState) -> TrainState:
        """The state holds its worlds."""
        return state

    def sample(self, state: TrainState, key: PRNGKeyArray, steps: int) -> rollout.Batch:
        """A batch without learning from it."""
        batch: rollout.Batch = _rollout(self.world, state.policies, state.ongoing, key, steps)[1]
        return batch

    def __call__(self, state: TrainState) -> Advanced:
        """One iteration."""
        ongoing, lesson = _sample(self.task, state)
        return *self.learn(state, ongoing, replace(lesson, seen=None)), lesson.seen

    def close(self) -> None:
        """Let go of the learner's thread."""
        self.learn.close()


class HostStepper:
    """For worlds stepped on the host; their states stay NumPy arrays, outside compiled code."""

    def __init__(self, task: Task, world: HostWorld) -> None:
        self.task = task
        self.sampler, self.learn = HostSampler(world, task.budget, task.settings.copies), Learner(task)

    def start(self, key: PRNGKeyArray) -> rollout.Ongoing:
        """Fresh worlds."""
        return self.sampler.start(key)

    def restore(self, state: TrainState) -> TrainState:
        """Put the saved worlds back, or start fresh ones; the returns of cut-off episodes are dropped then."""
        key = jax.random.fold_in(state.key, state.iteration)
        ongoing, running = self.sampler.restore(state.ongoing, key), state.running
        if not state.ongoing.state:
            running = jnp.zeros_like(running)
        restored: TrainState = eqx.tree_at(lambda s: (s.ongoing, s.running), state, (ongoing, running))
        return restored

    def sample(self, state: TrainState, key: PRNGKeyArray, steps: int) -> rollout.Batch:
        """A batch without learning from it."""
        return self.sampler.rollout(state.policies, state.ongoing, key, steps)[1]

    def __call__(self, state: TrainState) -> Advanced:
        """A rollout, then a compiled update."""
        key = jax.random.fold_in(state.key, state.iteration)
        ongoing, batch = self.sampler.rollout(state.policies, state.ongoing, key, self.task.settings.steps)
        seen = rollout.Ongoing(None, ongoing.observation)
        bare = eqx.tree_at(lambda s: s.ongoing, state, seen)
        after, report = self.learn(bare, seen, _study(self.task, bare, seen.observation, batch))
        return eqx.tree_at(lambda s: s.ongoing, after, ongoing), report, None

    def close(self) -> None:
        """Let go of the copies, of the processes that they run in, and of the learner's thread."""
        self.sampler.close()
        self.learn.close()


def advance(task: Task, worlds: Stepper, state: TrainState, iteration: int) -> Advanced:
    """One iteration and its report as NumPy arrays, or an error in one line.

    Raises:
        WorldError: the world or a reward function raised, or something is not finite: a state that learned from it
            would be lost for good.
    """
    where = f"world {task.world.name}, iteration {iteration}"
    try:
        state, report, seen = worlds(state)
        report = jax.device_get(report)
    except jax.errors.JaxRuntimeError as error:
        if "callback" not in str(error).lower():
            raise
        told = [line.strip() for line in str(error).splitlines() if line.strip()]
        raise WorldError(f"{where}: the reward function raised {told[-1]}") from error
    bad = np.flatnonzero(~np.isfinite(report.kl) | ~np.isfinite(report.explained_variance))
    if len(bad):
        raise WorldError(
            f"{where}: what policy {bad[0]} learned from is not finite: a reward, an observation, or "
            "a learning rate that is too high; policybudget check (check_world in Python) looks at the world"
        )
    return state, report, seen


def stepper(task: Task) -> Stepper:
    """The stepper for the task's world."""
    if isinstance(task.world, HostWorld):
        return HostStepper(task, task.world)
    assert isinstance(task.world, JaxWorld)
    return CompiledStepper(task, task.world)
