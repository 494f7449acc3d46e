"""One iteration in either kind of world: compiled as a whole, or a rollout on the host and a compiled update."""

from __future__ import annotations

from typing import Protocol, runtime_checkable

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import PRNGKeyArray

from policybudget.errors import WorldError
from policybudget.learning import rollout
from policybudget.learning.host import HostSampler
from policybudget.training.state import Report, Task, TrainState, iterate, learn
from policybudget.worlds.interface import HostWorld, JaxWorld

_iterate = eqx.filter_jit(iterate, donate="all-except-first")
_learn = eqx.filter_jit(learn, donate="all-except-first")
_rollout = eqx.filter_jit(rollout.rollout)


@runtime_checkable
class Stepper(Protocol):
    """The worlds of a training, and how it advances in them."""

    def start(self, key: PRNGKeyArray) -> rollout.Ongoing:
        """Fresh worlds."""

    def restore(self, state: TrainState) -> TrainState:
        """Take up the worlds of a saved state; fresh ones where the world cannot save its own."""

    def sample(self, state: TrainState, key: PRNGKeyArray, steps: int) -> rollout.Batch:
        """A batch without learning from it."""

    def __call__(self, state: TrainState) -> tuple[TrainState, Report]:
        """One iteration. The state handed in is used up.

        Raises:
            WorldError: the world raised, or rewards or observations are not finite.
        """

    def close(self) -> None:
        """Let go of the worlds."""


class CompiledStepper:
    """For worlds written in JAX."""

    def __init__(self, task: Task, world: JaxWorld) -> None:
        self.task, self.world = task, world

    def start(self, key: PRNGKeyArray) -> rollout.Ongoing:
        """Fresh worlds."""
        return rollout.start(self.world, self.task.budget, self.task.settings.worlds, key)

    def restore(self, state: TrainState) -> TrainState:
        """The state holds its worlds."""
        return state

    def sample(self, state: TrainState, key: PRNGKeyArray, steps: int) -> rollout.Batch:
        """A batch without learning from it."""
        batch: rollout.Batch = _rollout(self.world, state.committee, state.ongoing, key, steps)[1]
        return batch

    def __call__(self, state: TrainState) -> tuple[TrainState, Report]:
        """One compiled iteration."""
        after: tuple[TrainState, Report] = _iterate(self.task, state)
        return after

    def close(self) -> None:
        """There is nothing to let go of."""


class HostStepper:
    """For worlds stepped on the host; their states stay NumPy arrays, outside compiled code."""

    def __init__(self, task: Task, world: HostWorld) -> None:
        self.task = task
        self.sampler = HostSampler(world, task.budget, task.settings.worlds)

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
        return self.sampler.rollout(state.committee, state.ongoing, key, steps)[1]

    def __call__(self, state: TrainState) -> tuple[TrainState, Report]:
        """A rollout, then a compiled update."""
        key = jax.random.fold_in(state.key, state.iteration)
        ongoing, batch = self.sampler.rollout(state.committee, state.ongoing, key, self.task.settings.steps)
        worlds, seen = ongoing.state, rollout.Ongoing(None, ongoing.observation)
        state, report = _learn(self.task, eqx.tree_at(lambda s: s.ongoing, state, seen), seen, batch)
        return eqx.tree_at(lambda s: s.ongoing, state, rollout.Ongoing(worlds, state.ongoing.observation)), report

    def close(self) -> None:
        """Let go of the copies, and of the processes that they run in."""
        self.sampler.close()


def advance(task: Task, worlds: Stepper, state: TrainState, iteration: int) -> tuple[TrainState, Report]:
    """One iteration and its report as NumPy arrays, or an error in one line.

    Raises:
        WorldError: the world or a reward function raised, or something is not finite: a state that learned from it
            would be lost for good.
    """
    where = f"world {task.world.name}, iteration {iteration}"
    try:
        state, report = worlds(state)
        report = jax.device_get(report)
    except jax.errors.JaxRuntimeError as error:
        if "callback" not in str(error).lower():
            raise
        told = [line.strip() for line in str(error).splitlines() if line.strip()]
        raise WorldError(f"{where}: the reward function raised {told[-1]}") from error
    bad = np.flatnonzero(~np.isfinite(report.kl) | ~np.isfinite(report.explained_variance))
    if len(bad):
        raise WorldError(
            f"{where}: what representative {bad[0]} learned from is not finite: a reward, an observation, or "
            "a learning rate that is too high; policybudget check (check_world in Python) looks at the world"
        )
    return state, report


def stepper(task: Task) -> Stepper:
    """The stepper for the task's world."""
    if isinstance(task.world, HostWorld):
        return HostStepper(task, task.world)
    assert isinstance(task.world, JaxWorld)
    return CompiledStepper(task, task.world)
