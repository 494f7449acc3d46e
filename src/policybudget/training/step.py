"""Running an iteration: a rollout, then the compiled update, critics beside actors."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, PRNGKeyArray

from policybudget import runtime
from policybudget.assignment.rule import AssignmentState
from policybudget.errors import WorldError
from policybudget.rollouts.batch import Batch, Ongoing
from policybudget.rollouts.sampler import Sampler, play, sampler
from policybudget.search.episodes import Seen
from policybudget.streams import Stream, derive
from policybudget.training import iteration
from policybudget.training.iteration import Lesson
from policybudget.training.report import Report
from policybudget.training.state import Task, TrainState, blank
from policybudget.worlds.interface import HostWorld

_study = eqx.filter_jit(iteration.study)
_improve_actors, _improve_critics = eqx.filter_jit(iteration.improve_actors), eqx.filter_jit(iteration.improve_critics)
_conclude = eqx.filter_jit(iteration.conclude)
_weights = eqx.filter_jit(iteration.shares)


class Stepper:
    """The copies of the world of a phase, and how training advances in them. A context manager.

    The critics learn in a thread of their own, beside the actors, where there is a core for it: XLA on the CPU gains
    next to nothing from a second core inside one of these programs. The bits do not depend on it.

    Args:
        task: of the phase.
        names: of the agents, for errors; numbers if empty.
    """

    def __init__(self, task: Task, names: Sequence[str] = ()) -> None:
        self.task, self.names = task, tuple(names)
        settings = task.settings
        self.sampler: Sampler = sampler(task.world, task.budget, settings.copies, task.rewards, settings.stagger)
        self._beside = ThreadPoolExecutor(1) if len(runtime.available()) > 1 else None

    def __enter__(self) -> Stepper:
        return self

    def __exit__(self, *error: object) -> None:
        """Let go of the copies, of the processes that they run in, and of the learner's thread."""
        self.sampler.close()
        if self._beside is not None:
            self._beside.shutdown(wait=True)

    def start(self, key: PRNGKeyArray, first: Float[Array, "k n"]) -> Ongoing:
        """Fresh copies.

        Args:
            key: of the phase.
            first: α, by which copies of a world with own dynamics play for agents.
        """
        return self.sampler.start(derive(key, Stream.FIRST_STATES), first if self.task.rewards.own else None)

    def restore(self, state: TrainState) -> TrainState:
        """Take up the copies of a saved state.

        Fresh ones begin where the world cannot save its own; the returns of cut-off episodes are dropped then.

        Args:
            state: as saved.
        """
        key = derive(state.key, Stream.RESTORED, state.iteration)
        ongoing = self.sampler.restore(state.ongoing, key, _shares(self.task, state))
        running = state.running if ongoing is state.ongoing else jnp.zeros_like(state.running)
        return replace(state, ongoing=ongoing, running=running)

    def template(self) -> TrainState:
        """A state of this phase, its compiled part shapes only: what a checkpoint is read into."""
        key, even = jax.random.key(0), jnp.ones((self.task.budget, self.task.agents))
        host = isinstance(self.task.world, HostWorld)  # whose copies cannot be made in the abstract
        return blank(self.task, self.start(key, even) if host else jax.eval_shape(self.start, key, even))

    def sample(self, state: TrainState, key: PRNGKeyArray, steps: int) -> Batch:
        """A batch that nothing is learned from.

        Args:
            state: with the policies, and where the copies stand.
            key: of actions and worlds.
            steps: T.
        """
        return self.sampler.rollout(state.policies, state.ongoing, key, steps, _shares(self.task, state))[1]

    def sample_each(self, state: TrainState, key: PRNGKeyArray, steps: int) -> Float[np.ndarray, "T n"]:
        """What the only policy of a phase is paid by every agent, each in episodes of its own that teach nothing.

        Args:
            state: with the policy.
            key: of actions and worlds.
            steps: T; those that are no transitions pay nothing.
        """
        task, everybody = self.task, jnp.eye(self.task.agents)
        copies = sampler(task.world, task.agents, 1, task.rewards)  # a copy of the policy for every agent
        try:
            begun = copies.start(derive(key, Stream.FIRST_STATES), everybody)
            policies = state.policies.of(jnp.zeros(task.agents, jnp.int32))
            _, batch = copies.rollout(policies, begun, key, steps, everybody)
        finally:
            copies.close()
        assert batch.whom is not None
        paid = jnp.where(batch.valid, task.rewards.paid(batch.experience, batch.whom), 0.0)
        return np.asarray(paid[..., 0])

    def look(self, state: TrainState, episodes: int) -> TrainState:
        """Evaluation episodes of every policy for every agent, with sampled actions, and the table after them.

        Args:
            state: after an iteration.
            episodes: of each policy for each agent.

        Raises:
            WorldError: the world raised, or an agent's return is not finite.
        """
        key = derive(state.key, Stream.TABLE_EPISODES, state.iteration)
        played = play(self.task.world, self.task.rewards, state.policies, key, episodes, False)
        found, known = played.returns.mean(axis=1), state.assignment
        if (bad := np.argwhere(~np.isfinite(np.asarray(found)))).size:
            raise WorldError(
                f"world {self.task.world.name}, evaluation episodes after iteration {int(state.iteration)}: the return "
                f"of agent {self._called(int(bad[0, 1]))} is not finite"
            )
        looked = AssignmentState(known.assignment, known.table.look(found), known.held)
        return replace(state, assignment=looked)

    def __call__(self, state: TrainState) -> tuple[TrainState, Report, Seen | None]:
        """One iteration.

        Args:
            state: before it.

        Returns:
            The state after it, its report as NumPy arrays, and what it showed, for searches that keep episodes.

        Raises:
            WorldError: the world or a reward function raised, or something is not finite: a state that learned from
                it would be lost for good.
        """
        try:
            ongoing, batch = self._rollout(state)
            after, report, seen = self.learn(state, ongoing, batch)
            report = jax.device_get(report)
        except jax.errors.JaxRuntimeError as error:
            if "callback" not in str(error).lower():
                raise
            lines = [line.strip() for line in str(error).splitlines() if line.strip()]
            raise WorldError(f"{self._where(state)}: the reward function raised {lines[-1]}") from error
        bad = np.flatnonzero(~np.isfinite(report.kl) | ~np.isfinite(report.explained_variance))
        if len(bad):
            policy, what = self._culprit(batch, int(bad[0]))
            raise WorldError(
                f"{self._where(state)}: what policy {policy} learned from is not finite: {what}; "
                "policybudget check (check_world in Python) looks at the world"
            )
        return after, report, seen

    def _where(self, state: TrainState) -> str:
        return f"world {self.task.world.name}, iteration {int(state.iteration) + 1}"

    def _called(self, agent: int) -> str:
        return self.names[agent] if self.names else str(agent)

    def _culprit(self, batch: Batch, suspect: int) -> tuple[int, str]:
        """Which policy met what is not finite, and whose world gave it where agents have dynamics of their own."""
        if batch.whom is not None:
            paid = self.task.rewards.paid(batch.experience, batch.whom)
            seen = jnp.concatenate([batch.observation, batch.next_observation, paid[..., None]], axis=-1)
            bad = np.argwhere(~np.isfinite(np.asarray(seen)).all(axis=-1))
            if len(bad):
                agent = self._called(int(batch.whom[tuple(bad[0])]))
                return int(bad[0, 1]), f"a reward or an observation of agent {agent}"
        return suspect, "a reward, an observation, or a learning rate that is too high"

    def _rollout(self, state: TrainState) -> tuple[Ongoing, Batch]:
        key = derive(state.key, Stream.ROLLOUT, state.iteration)
        shares, steps = _shares(self.task, state), self.task.settings.steps
        return self.sampler.rollout(state.policies, state.ongoing, key, steps, shares)

    def learn(self, state: TrainState, ongoing: Ongoing, batch: Batch) -> tuple[TrainState, Report, Seen | None]:
        """What one iteration does with a batch.

        Args:
            state: before the rollout.
            ongoing: where the copies stand after it.
            batch: the transitions.

        Returns:
            The state after the iteration, its report, and what it showed.
        """
        bare = replace(state, ongoing=ongoing.bare)
        lesson: Lesson = _study(self.task, bare, ongoing.bare, batch)
        seen, lesson = lesson.seen, replace(lesson, seen=None)
        after, report = self._improve(bare, lesson)
        return replace(after, ongoing=ongoing), report, seen

    def _improve(self, state: TrainState, lesson: Lesson) -> tuple[TrainState, Report]:
        """All epochs, then the assignment rule's step."""
        if self._beside is None:
            critics = _improve_critics(self.task, state, lesson)
            actors = _improve_actors(self.task, state, lesson)
        else:
            pending = self._beside.submit(lambda: jax.block_until_ready(_improve_critics(self.task, state, lesson)))
            actors = jax.block_until_ready(_improve_actors(self.task, state, lesson))
            critics = pending.result()
        after: tuple[TrainState, Report] = _conclude(self.task, state, lesson, actors, critics)
        return after


def _shares(task: Task, state: TrainState) -> Float[Array, "k n"] | None:
    """Of agents in each policy's copies, where they have dynamics of their own."""
    if not task.rewards.own:
        return None
    weights: Array | None = _weights(task, replace(state, ongoing=state.ongoing.bare))
    return weights
